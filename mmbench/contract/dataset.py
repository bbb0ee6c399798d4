"""Contract of datasets. It does not import torch, so that listing datasets is fast."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from mmbench.contract.component import Component
from mmbench.contract.types import Card, Description, Download, Problem, Sample, Schema
from mmbench.errors import DataError


class Dataset(Component):
    """Labelled samples of one or more modalities, read from files on disk.

    ``protocol`` is the protocol of a run where the user names none, such as ``official`` where only the official split
    is valid; None for the strictest one that the groups allow.
    """

    card: ClassVar[Card]
    protocol: ClassVar[str | None] = None

    def schema(self) -> Schema:
        """Modalities, tasks and groups; must not read a file."""
        raise NotImplementedError(f"{type(self).__name__}.schema")

    def schema_of(self, root: Path) -> Schema:
        """The schema of the files under ``root``, where classes or groups depend on their names or headers.

        It has the modalities of ``schema``. It must be quick and is called only where ``check`` finds no problem.
        """
        return self.schema()

    def locate(self, cache: Path) -> Path | None:
        """The folder of the files where the user names none.

        A bundled dataset returns its own folder; a simulated one creates its files under ``cache`` (in a temporary
        folder that is renamed when complete); others return None.
        """
        return None

    def card_of(self, root: Path) -> Card:
        """The card of the files under ``root``; another one than ``card`` if they are, for example, simulated."""
        return self.card

    def access_instructions(self) -> str:
        """How to obtain the files that the parameters choose; by default as the card requests them."""
        return self.card.request

    def name_of(self, root: Path) -> str:
        """The name of the data under ``root`` in tables and records, where the files say it."""
        return self.name

    def check(self, root: Path) -> list[Problem]:
        """Missing and damaged files under ``root``, and what else `read` would refuse and is found quickly.

        A problem has the reason that reading gives. Pictures and videos are not decoded; ``mmbench data check --read``
        reads every sample. A problem stops a run, unless it concerns single samples or units and ``--bad drop`` leaves
        these out.
        """
        raise NotImplementedError(f"{type(self).__name__}.check")

    def units(self, root: Path) -> list[str]:
        """Independent parts, usually subjects, in a stable order; prepared in parallel, each resumable."""
        raise NotImplementedError(f"{type(self).__name__}.units")

    def sources(self, root: Path, unit: str) -> list[Path]:
        """Every file that the samples of ``unit`` are made from; their content is part of the cache key."""
        raise NotImplementedError(f"{type(self).__name__}.sources")

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Data under ``root`` that is not used, by unit, path or description, each with the reason.

        A path is relative to ``root`` and may be a pattern such as ``"*/notes.txt"``. The host lists files that are
        neither sources nor named here as not read. Where the user asks for a unit that is left out, the error gives the
        reason.
        """
        return {}

    def contents(self, root: Path) -> Mapping[str, int]:
        """The number of files or samples under ``root``, by class or by unit; by default the files of each unit."""
        return {unit: len(self.sources(root, unit)) for unit in self.units(root)}

    def counts(self, root: Path) -> Mapping[str, int]:
        """What is under ``root``, in plural words of the dataset: ``{"people": 32, "trials": 1280}``; quick; optional.

        Counts are of what `read` yields, as far as that is known without decoding; ``mmbench data check`` prints them.
        """
        return {}

    def assumptions(self, root: Path) -> Sequence[str]:
        """Assumptions about the files under ``root`` that they do not state, and how the user can change them.

        May read every file: the host asks once for the same files, and so for `left_out`.
        """
        return ()

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The samples of one unit in a stable order.

        Where a single sample cannot be read, its DataError is yielded in its place and reading continues: ``--bad
        drop`` then leaves out this sample only. A DataError that is raised concerns the whole unit. Both name the file
        or trial.
        """
        raise NotImplementedError(f"{type(self).__name__}.read")

    def download(self) -> Download | None:
        """The URL and the hashes of the published files; None if they cannot be downloaded without a request.

        The host downloads, resumes and verifies them. The pins may come from a file of the plugin (`load_pins`).
        """
        return None

    def describe(
        self,
        root: Path,
        *,
        target: str = "",
        task: str = "",
        groups: Mapping[str, str] | None = None,
        split: str = "",
        ignore: Sequence[str] = (),
        text: Sequence[str] = (),
        missing: Sequence[str] | None = None,
        in_order: bool = False,
    ) -> Description:
        """What the files under ``root`` are, where no plugin knows them; optional.

        The user answers what is not plain: the column of the ``target``, the kind of the ``task``, the column of
        each of the ``groups`` (empty: none) and of the ``split``, as ``COLUMN`` or ``COLUMN:PATTERN`` with a regular
        expression of one group, columns and files to ``ignore``, columns of free ``text``, texts of
        ``missing`` values (None: not said), and whether arrays without ids are ``in_order`` of the table. Raises
        UserError for a column that does not exist.
        """
        raise NotImplementedError(f"{type(self).__name__}.describe")

    def simulate(self, root: Path, *, subjects: int, seed: int = 0, strength: float = 1.0) -> None:
        """Write simulated files in the layout of this dataset into ``root``; optional.

        ``strength`` scales the effect of the labels on the signals, 0 for none. A dataset may add keyword-only options.
        """
        raise NotImplementedError(f"{type(self).__name__}.simulate")
