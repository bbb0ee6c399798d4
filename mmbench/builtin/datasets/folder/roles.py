"""Names of columns that say what they are: targets, groups, ids and parts."""

from collections.abc import Iterable

TARGETS = ("label", "labels", "target", "class", "y", "score", "emotion", "sentiment")
GROUPS = ("subject", "subject_id", "speaker", "participant", "person", "patient", "user", "actor")
IDS = ("id", "ids", "sample_id")
SPLITS = ("split", "part", "partition")
TEXTS = ("text", "transcript", "sentence", "utterance", "caption", "question")
# How pandas calls the index of a frame that has no name.
INDICES = ("unnamed: 0", "__index_level_0__")


def find_single(names: Iterable[str], known: tuple[str, ...]) -> str:
    """The one column that is called as one of the known names; empty where there is none, or more than one."""
    found = [name for name in names if name.lower() in known]
    return found[0] if len(found) == 1 else ""


def is_file_column(name: str) -> bool:
    """Whether the cells of a column are names of files, by its name: ``file_name`` or ``NAME_file_name``."""
    return name == "file_name" or name.endswith(("_file_name", ".file_name"))
