"""A dataset of text files, one a person, and a table of labels, for tests of what is left out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmbench import Card, DataError, Dataset, Modality, Problem, Sample, Schema, check_content, hookimpl


class People(Dataset):
    """A row of ``p1.txt`` is a sample: two numbers. ``labels.txt`` has the label of everybody."""

    name = "people"
    card: ClassVar[Card] = Card("People", "yours", "none", "https://example.org", "nobody")

    def schema(self) -> Schema:
        return Schema((Modality("pair", "vector", (2,)),), {"side": ("no", "yes")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        found = []
        for path in [root / "labels.txt", *sorted(root.glob("p*.txt"))]:
            try:
                check_content(path)
            except DataError as error:
                found.append(Problem(str(path), error.message, error.remedy))
        return found

    def units(self, root: Path) -> list[str]:
        return sorted(path.stem for path in root.glob("p*.txt"))

    def sources(self, root: Path, unit: str) -> list[Path]:
        return [root / "labels.txt", root / f"{unit}.txt"]

    def read(self, root: Path, unit: str) -> Iterator[Sample | DataError]:
        path = root / f"{unit}.txt"
        for number, line in enumerate(path.read_text().splitlines()):
            if line == "end":
                raise DataError("ends in the middle", where=path)
            where = f"{path}, line {number + 1}"
            values = line.split()
            if len(values) != 2:
                yield DataError(f"has {len(values)} values, not 2", where=where)
            else:
                pair = np.array([values], np.float32)
                yield Sample(f"{unit}/{number}", {"side": number % 2}, {"pair": pair}, {"subject": unit})


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(People)
