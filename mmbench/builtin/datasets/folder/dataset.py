"""The dataset ``folder``: files of the user and a table of samples, without a plugin."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmbench import Card, DataError, Dataset, Description, Problem, Sample, Schema

_REMEDY = "give --data and the path of your table, or of a folder with metadata.csv"


class Folder(Dataset):
    """A folder with a table of samples or one for each part, and the files that they name; folders of classes; a table.

    ``dataset.toml`` in it says what is what; without it, only what is plain is understood.
    """

    name = "folder"
    card: ClassVar[Card] = Card(
        title="A folder of your own",
        access="yours",
        licence="yours",
        url="docs/how-to/own-data.md",
        citation="yours",
        request=_REMEDY,
    )

    def schema(self) -> Schema:
        """Nothing: only the files know."""
        return Schema((), {})

    def schema_of(self, root: Path) -> Schema:
        """The schema of the description."""
        schema: Schema = _open(root).schema
        return schema

    def name_of(self, root: Path) -> str:
        """The ``name`` in the description; by default that of the folder."""
        return str(_open(root).described.name)

    def check(self, root: Path) -> list[Problem]:
        """Questions that are open, files that are missing, duplicated ids, and rows that cannot be used."""
        from mmbench.builtin.datasets.folder.problems import find_all_problems

        if not root.exists():
            return [Problem(str(root), "does not exist", _REMEDY)]
        try:
            return find_all_problems(_open(root))
        except DataError as error:
            return [Problem(str(error.where or root), error.message, error.remedy or _REMEDY)]

    def units(self, root: Path) -> list[str]:
        """The values of the first group; where there are none or too many, blocks of rows."""
        return list(_open(root).units)

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The tables, the description, the arrays, and the files of the rows of this unit that exist."""
        layout = _open(root)
        return [*layout.shared, *dict.fromkeys(path for path in layout.files(layout.units[unit]) if path.is_file())]

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Columns that are not used, rows without a target, and rows of other files whose ids no sample has."""
        from mmbench.builtin.datasets.folder.problems import find_left_out

        return find_left_out(_open(root))

    def contents(self, root: Path) -> Mapping[str, int]:
        """The number of samples of each class of the first task, or of each unit."""
        from mmbench.builtin.datasets.folder.problems import count_classes

        return count_classes(_open(root))

    def assumptions(self, root: Path) -> Sequence[str]:
        """What was understood, where no description says it."""
        from mmbench.builtin.datasets.folder.summary import describe_line

        return [describe_line(_open(root))]

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
        """The description of the files, and what has to be asked."""
        from mmbench.builtin.datasets.folder.questions import Answers
        from mmbench.builtin.datasets.folder.summary import describe

        answers = Answers(target, task, groups, split, tuple(ignore), tuple(text), missing, in_order)
        return describe(root, answers)

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        """The samples of a unit in the order of the table."""
        from mmbench.builtin.datasets.folder.reading import read_rows

        layout = _open(root)
        return read_rows(layout, layout.units[unit])


def _open(root: Path) -> Any:
    from mmbench.builtin.datasets.folder.layout import open_layout

    return open_layout(root)
