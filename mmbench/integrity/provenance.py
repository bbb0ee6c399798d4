"""Provenance of saved weights: stored in their file, and checked against the data of a run."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.errors import ProtocolError, WeightsError
from mmbench.storage import describe_parse_error, parse_json, written_whole

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_SUFFIX = ".safetensors"
_KEY = "mmbench"
_DIGITS = 16  # of a file's SHA-256


@dataclass(frozen=True)
class WeightProvenance:
    """How the weights of an encoder were trained.

    ``run`` is the key of the run whose first method they are from; ``samples`` are the numbers of training and
    validation samples. ``sources`` are the first digits of the SHA-256 of every file they, or their initial weights,
    were trained on.
    """

    run: str
    modality: str
    encoder: str
    params: Mapping[str, Any]
    dataset: str
    task: str
    classes: tuple[str, ...]
    samples: Mapping[str, int]
    validation_score: float
    sources: frozenset[str]


def write_weights(path: Path, tensors: "Mapping[str, Tensor]", provenance: WeightProvenance) -> None:
    """Write a safetensors file atomically."""
    from safetensors.torch import save_file

    text = json.dumps({**asdict(provenance), "sources": sorted(provenance.sources)})
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with written_whole(path) as temporary:
        save_file(copies, temporary, metadata={_KEY: text})


def read_provenance(path: Path) -> WeightProvenance | None:
    """Provenance stored in a safetensors file; None if it has none, raises WeightsError if it is damaged."""
    from pydantic import TypeAdapter
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_KEY)
        if text is None:
            return None
        plain = parse_json(text)
        lists = {"classes": tuple(plain["classes"]), "sources": frozenset(plain["sources"])}
        TypeAdapter(WeightProvenance).validate_python(plain)
        return WeightProvenance(**{**plain, **lists})
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"cannot be read as weights ({describe_parse_error(error)})", where=path, remedy="save it again"
        ) from error


def shorten_digests(digests: frozenset[str]) -> frozenset[str]:
    """Shortened SHA-256 digests, as provenance stores them."""
    return frozenset(digest[:_DIGITS] for digest in digests)


def find_provenance(params: Mapping[str, Any]) -> Iterator[tuple[Path, WeightProvenance]]:
    """Files of weights among the parameters of a component, and their provenance."""
    for value in params.values():
        path = Path(value) if isinstance(value, str | Path) else None
        if path and path.suffix == WEIGHTS_SUFFIX and path.is_file() and (provenance := read_provenance(path)):
            yield path, provenance


def check_not_trained_on(params: Mapping[str, Any], digests: Callable[[], frozenset[str]]) -> None:
    """Raise ProtocolError if weights among ``params`` were trained on any of the files with these ``digests``."""
    for path, provenance in find_provenance(params):
        here = shorten_digests(digests())
        if n_shared := len(here & provenance.sources):
            raise ProtocolError(
                f"was trained on {n_shared} of the {len(here)} files of this dataset ({provenance.dataset}): "
                "test samples may be among its training samples",
                where=path,
                remedy="use weights that were trained on other data",
            )
