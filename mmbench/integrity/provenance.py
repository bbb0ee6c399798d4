"""Where saved weights come from: written into their file, read again, and held against the data of a run."""

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
_DIGITS = 16  # of a file's SHA-256: enough to know it again


@dataclass(frozen=True)
class WeightProvenance:
    """How an encoder's weights were made.

    ``run`` is the key of the run whose first method it is from; ``samples`` how many trained it and how many chose
    the epoch. ``sources`` are the first digits of the SHA-256 of every file that it, or the weights it began with,
    learnt from.
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


def write_weights(path: Path, tensors: "Mapping[str, Tensor]", origin: WeightProvenance) -> None:
    """Write a safetensors file, whole or not at all."""
    from safetensors.torch import save_file

    text = json.dumps({**asdict(origin), "sources": sorted(origin.sources)})
    apart = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with written_whole(path) as aside:
        save_file(apart, aside, metadata={_KEY: text})


def read_provenance(path: Path) -> WeightProvenance | None:
    """What a safetensors file says of its origin; None where it is not from here, WeightsError where it is damaged."""
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
    """SHA-256 of files as origins keep them."""
    return frozenset(digest[:_DIGITS] for digest in digests)


def find_provenance(params: Mapping[str, Any]) -> Iterator[tuple[Path, WeightProvenance]]:
    """The origins of all weights that the parameters of a component name."""
    for value in params.values():
        path = Path(value) if isinstance(value, str | Path) else None
        if path and path.suffix == WEIGHTS_SUFFIX and path.is_file() and (origin := read_provenance(path)):
            yield path, origin


def check_not_trained_on(params: Mapping[str, Any], digests: Callable[[], frozenset[str]]) -> None:
    """Raise ProtocolError where weights that ``params`` name were trained on any of the files ``digests`` tells."""
    for path, origin in find_provenance(params):
        here = shorten_digests(digests())
        if seen := len(here & origin.sources):
            raise ProtocolError(
                f"was trained on {seen} of the {len(here)} files of this dataset ({origin.dataset}): "
                "what is tested would be known",
                where=path,
                remedy="give weights that were trained on other data",
            )
