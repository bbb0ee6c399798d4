"""Which people a dataset has: numbers that its publication does not have, and people who are not in the folder."""

from pathlib import Path

from mmbench import DataError, Dataset
from mmbench_datasets.simulated import is_marked


def check_person(number: int, n_people: int, root: Path, path: Path) -> None:
    """Raise DataError about ``path`` for a person that is not 1 to ``n_people``, unless ``root`` is simulated."""
    if not 1 <= number <= n_people and not is_marked(root):
        message = f"is of person {number}, where the dataset has the people 1 to {n_people}"
        raise DataError(message, where=path, remedy="correct its name, or remove it")


def describe_missing_people(dataset: Dataset, root: Path, n_people: int, whose: str, who: str = "people") -> list[str]:
    """A line such as ``7 of EAV's 42 people`` if fewer units are under ``root``, unless they are simulated."""
    return describe_missing(dataset, root, len(dataset.units(root)), n_people, whose, who)


def describe_missing(dataset: Dataset, root: Path, n_here: int, n_published: int, whose: str, what: str) -> list[str]:
    """The same line about anything that was published in a number, of which ``n_here`` are under ``root``."""
    is_less = n_here < n_published and dataset.card_of(root).access != "simulated"
    return [f"{n_here:,} of {whose} {n_published:,} {what}"] if is_less else []
