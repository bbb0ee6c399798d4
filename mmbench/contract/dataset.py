"""The contract of a dataset. It imports no torch, so that listing datasets does not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mmbench.contract.component import Component
from mmbench.contract.types import Card, Download, Problem, Sample, Schema
from mmbench.errors import DataError


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
