"""The contract of a component, a dataset and a method. Encoders and fusions, which are networks, are in
``networks.py``, so that listing datasets does not import torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mmbench.errors import DataError
from mmbench.space import Distribution
from mmbench.types import Card, Download, Problem, Sample, Schema, Training


class Component:
    """Anything a plugin can register under a name.

    Parameters are plain keyword-only arguments of ``__init__`` with defaults and annotations; the shell sets them as
    ``name[param=value]``. ``space`` names those worth tuning. Raise ``version`` when the same parameters
    compute something else: it is part of every cache key and record. ``conformance`` holds parameters to be checked
    with where the defaults are too large, or need the network.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    space: ClassVar[Mapping[str, Distribution]] = {}
    conformance: ClassVar[Mapping[str, object]] = {}


class Dataset(Component):
    """Labelled samples of one or more modalities, read from files on disk."""

    card: ClassVar[Card]

    def schema(self) -> Schema:
        """Modalities, tasks and groups; must not read a file."""
        raise NotImplementedError(f"{type(self).__name__}.schema")

    def schema_of(self, root: Path) -> Schema:
        """The whole schema of the files under ``root``, where their names or headers tell more than ``schema`` can.

        It has the modalities of ``schema``; quick, and asked only where ``check`` finds no problem.
        """
        return self.schema()

    def locate(self, cache: Path) -> Path | None:
        """Where the files are when the user names no folder.

        A bundled dataset answers with its own folder, a simulated one makes its files under ``cache`` (written
        aside, renamed when whole); others answer None.
        """
        return None

    def card_of(self, root: Path) -> Card:
        """The card of the files under ``root``: another one where they are, say, simulated."""
        return self.card

    def check(self, root: Path) -> list[Problem]:
        """What is missing or damaged under ``root``; quick, without decoding the files.

        A problem stops a run, unless it concerns single samples or units and ``--bad drop`` leaves these out.
        """
        raise NotImplementedError(f"{type(self).__name__}.check")

    def units(self, root: Path) -> list[str]:
        """Independent parts, usually subjects, in a stable order: prepared in parallel, resumed one by one."""
        raise NotImplementedError(f"{type(self).__name__}.units")

    def sources(self, root: Path, unit: str) -> list[Path]:
        """Every file that the samples of ``unit`` are made from; their content is part of the cache key."""
        raise NotImplementedError(f"{type(self).__name__}.sources")

    def left_out(self, root: Path) -> Mapping[str, str]:
        """What of the files under ``root`` no sample is made of, by unit, path or amount, and why; quick.

        A path is one from ``root``, and may be a pattern such as ``"*/notes.txt"``. Files that are neither sources nor
        named here are counted by the host, as files that are not read. Where a unit that is left out is asked for by
        name, the reason is the answer.
        """
        return {}

    def contents(self, root: Path) -> Mapping[str, int]:
        """How much there is under ``root``, by class or by unit; by default the number of files of each unit."""
        return {unit: len(self.sources(root, unit)) for unit in self.units(root)}

    def assumptions(self, root: Path) -> Sequence[str]:
        """What is assumed of the files under ``root`` that they do not say themselves, and how to say otherwise."""
        return ()

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The samples of one unit in a stable order.

        Where a single sample cannot be read, its DataError is yielded in its place and reading goes on; ``--bad drop``
        then leaves out this sample alone. A DataError that is raised concerns the whole unit. Both name the file or
        trial they are about.
        """
        raise NotImplementedError(f"{type(self).__name__}.read")

    def download(self) -> Download | None:
        """Where its publishers keep the files, and what they are; None where nobody may or can fetch them.

        The host fetches, resumes and verifies them. The pins may come from a file of the plugin's own (`load_pins`).
        """
        return None

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0) -> None:
        """Write simulated files of this dataset's own layout into ``root``; optional.

        ``strength`` scales how much the signals tell of the labels: 0 for nothing. A dataset may add keyword-only
        options of its own.
        """
        raise NotImplementedError(f"{type(self).__name__}.simulate")


@dataclass(frozen=True)
class Ablation:
    """A table of ``mmbench ablate``: what becomes of a method when some of its parameters take other values.

    Each of ``rows`` maps parameters to values; the first of them gives the row its name, the others go along with it,
    as in ``{"mixing": "none", "queries": None}``. They are parameters of the fusion, or with ``encoder``, a modality
    or a kind, of the encoder there. The row that is the method as it stands need not be among them.
    """

    name: str
    rows: tuple[Mapping[str, object], ...]
    encoder: str | None = None


@dataclass(frozen=True)
class Method:
    """A named recipe: a fusion, an encoder for each modality or kind, and training defaults.

    ``fusion`` and the values of ``encoders`` are specs such as ``"milmer"`` or ``"swin[frozen=true]"``; the keys of
    ``encoders`` are modality names or kinds, and a name wins over a kind. ``presets`` is a folder of TOML files;
    the one named like the dataset is applied by itself, others with ``--preset``. ``ablations`` are the tables of
    ``mmbench ablate``; the one over the modalities is made by the host. ``claims`` is a folder of TOML files, the cards
    of ``mmbench claim``: what was published of the method, and what is run to examine that (`cards.ClaimCard`).
    """

    name: str
    fusion: str
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    presets: Path | None = None
    ablations: tuple[Ablation, ...] = ()
    claims: Path | None = None


def overrides(component: object, method: str, base: type) -> bool:
    """Whether ``component`` implements the optional ``method`` of its contract ``base`` itself."""
    return getattr(type(component), method) is not getattr(base, method)
