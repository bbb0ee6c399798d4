"""What the files of a folder are, where nobody has described them: only what is plain is taken, the rest is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mmbench import SpecError
from mmbench.builtin.datasets.folder.arrays import SUFFIXES as ARRAYS
from mmbench.builtin.datasets.folder.arrays import load_arrays
from mmbench.builtin.datasets.folder.description import Description, Stream, Target
from mmbench.builtin.datasets.folder.tables import SUFFIXES, Table, as_numbers, as_texts, load_table

TARGETS = ("label", "labels", "target", "class", "y", "score", "emotion", "sentiment")
GROUPS = ("subject", "subject_id", "speaker", "participant", "person", "patient", "user", "actor")
IDS = ("id", "ids", "sample_id")
SPLITS = ("split", "part", "partition")
_FEW = 20  # distinct whole numbers up to which a target may be classes as well as values
_MEDIA = {
    **dict.fromkeys((".png", ".jpg", ".jpeg"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg"), "audio"),
    ".txt": "text",
    ".npy": "timeseries",
}


@dataclass(frozen=True)
class Answers:
    """What the user says: the column of the target, its kind, groups (None: not said), the split, ignored columns."""

    target: str = ""
    task: str = ""
    groups: Mapping[str, str] | None = None
    split: str = ""
    ignore: Sequence[str] = ()


@dataclass
class Understanding:
    """A description, and the ``questions`` that only the user can answer, each with the option to give."""

    described: Description
    questions: list[tuple[str, str]] = field(default_factory=list)


def find_table(root: Path) -> str:
    """The name of the table of a folder, empty if there is none or more than one; of a file, its own."""
    if root.is_file():
        return root.name
    tables = sorted(path.name for path in root.iterdir() if path.suffix.lower() in SUFFIXES)
    for stem in ("metadata", "labels"):
        if found := [name for name in tables if Path(name).stem == stem]:
            return found[0]
    return tables[0] if len(tables) == 1 else ""


def understand(root: Path, table: Table, answers: Answers) -> Understanding:
    """The description of a folder as far as it is plain, and what has to be asked."""
    for name in (answers.target, answers.split, *answers.ignore, *(answers.groups or {}).values()):
        if name and name not in table.columns:
            remedy = f"choose from {', '.join(table.columns)}"
            raise SpecError(f"has no column {name!r}", where=table.path, remedy=remedy)
    questions: list[tuple[str, str]] = []
    free = [name for name in table.columns if name not in answers.ignore]
    split = answers.split or _single(free, SPLITS)
    identity = _single(free, IDS)
    target = answers.target or _single(free, TARGETS)
    tasks = {}
    if target:
        kind, question = _kind_of_task(table, target, answers.task)
        questions += [question] if question else []
        tasks = {target: Target(kind, (target,), _class_names(table, target) if kind == "class" else (target,))}
    else:
        questions.append(("which column is the target is not plain", "--target COLUMN"))
    groups = answers.groups
    if groups is None and (person := _single(free, GROUPS)):
        groups = {"subject": person}
    taken = {split, identity, target, *(groups or {}).values()}
    rest = [name for name in free if name not in taken]
    if groups is None:
        likely = next((name for name in rest if _looks_like_group(table, name)), "")
        guess = f"; {likely} may be" if likely else ""
        option = f"--group subject={likely or 'COLUMN'}"
        questions.append((f"no column says who or what must stay in one part{guess}", f"{option}, or --group none"))
    streams, ignored = _find_streams(root, table, rest, questions)
    ignore = (*answers.ignore, *ignored)
    name = root.stem if root.is_file() else root.resolve().name
    described = Description(name, table.path.name, identity, split, ignore, groups, tasks, streams)
    return Understanding(described, questions)


def _single(names: Sequence[str], known: Sequence[str]) -> str:
    """The one column that is called as one of the known names; empty where there is none, or more than one."""
    found = [name for name in names if name.lower() in known]
    return found[0] if len(found) == 1 else ""


def _kind_of_task(table: Table, column: str, wanted: str) -> tuple[str, tuple[str, str] | None]:
    if wanted:
        return wanted, None
    numbers = as_numbers(table.columns[column])
    if numbers is None:
        return "class", None
    known = [number for number in numbers if number is not None]
    if not all(number.is_integer() for number in known) or len(set(known)) > _FEW:
        return "values", None
    question = f"{column} has {len(set(known))} whole numbers, which may be classes or values"
    return "class", (question, "--task class or --task values")


def _class_names(table: Table, column: str) -> tuple[str, ...]:
    """The classes of a column in order: of numbers by their value, else of the alphabet."""
    values = table.columns[column]
    names = {name for name in as_texts(values) if name is not None}
    return tuple(sorted(names, key=float) if as_numbers(values) else sorted(names))


def _looks_like_group(table: Table, column: str) -> bool:
    values = table.columns[column]
    if as_numbers(values) is not None or isinstance(values[0], list):
        return False
    distinct = {value for value in as_texts(values) if value is not None}
    return 2 <= len(distinct) <= table.n // 2


def _find_streams(
    root: Path, table: Table, names: Sequence[str], questions: list[tuple[str, str]]
) -> tuple[dict[str, Stream], list[str]]:
    """The modalities of the columns and arrays, and the columns that nothing is made of."""
    streams: dict[str, Stream] = {}
    cells: list[str] = []
    ignored: list[str] = []
    for column in names:
        if column == "file_name" or column.endswith("_file_name"):
            _add_files(root, table, column, streams, questions)
        elif as_numbers(table.columns[column]) is not None or _has_levels(table, column):
            cells.append(column)
        elif column in ("text", "transcript", "sentence", "utterance", "caption", "question"):
            streams[column] = Stream("text", (column,))
        else:
            ignored.append(column)
    if cells:
        levels = {
            name: tuple(sorted({text for text in as_texts(table.columns[name]) if text is not None}))
            for name in cells
            if as_numbers(table.columns[name]) is None
        }
        streams["table"] = Stream("table", tuple(cells), levels=levels)
    for name, stream in _find_arrays(root, table, questions):
        streams[name] = stream
    if not streams:
        questions.append(("no column or array is a modality", "--target, or write [modality.NAME] in dataset.toml"))
    return streams, ignored


def _has_levels(table: Table, column: str) -> bool:
    distinct = {text for text in as_texts(table.columns[column]) if text is not None}
    return bool(distinct) and len(distinct) <= min(_FEW, table.n // 2) and max(map(len, distinct)) <= 40


def _add_files(
    root: Path, table: Table, column: str, streams: dict[str, Stream], questions: list[tuple[str, str]]
) -> None:
    paths = [path for path in as_texts(table.columns[column]) if path]
    suffixes = {PurePosixPath(path).suffix.lower() for path in paths}
    kinds = {_MEDIA.get(suffix, "") for suffix in suffixes}
    if len(kinds) != 1 or "" in kinds:
        listed = ", ".join(sorted(suffixes)) or "no files"
        questions.append((f"{column} names {listed}, which are not of one known kind", f"--ignore {column}"))
        return
    (kind,) = kinds
    first = next((root / path for path in paths if (root / path).is_file()), None)
    name = column.removesuffix("file_name").rstrip("_") or kind
    rate: float | None = None
    size: tuple[int, ...] = ()
    resize = ""
    if kind == "image" and first:
        size, resize = (224, 224), "crop"
    if kind == "audio" and first:
        rate = _audio_rate(first)
    if kind == "timeseries" and first:
        kind = "vector" if next(iter(load_arrays(first).values())).ndim == 1 else kind
    streams[name] = Stream(kind, (column,), rate=rate, size=size, resize=resize)


def _audio_rate(path: Path) -> float:
    import soundfile

    return float(soundfile.info(path).samplerate)


def _find_arrays(root: Path, table: Table, questions: list[tuple[str, str]]) -> list[tuple[str, Stream]]:
    """Arrays with a row for each row of the table: vectors ``(n, D)`` and time series ``(n, C, T)``."""
    files = [root] if root.is_file() else sorted(path for path in root.iterdir() if path.suffix.lower() in ARRAYS)
    found = []
    for file in (file for file in files if file.suffix.lower() in ARRAYS):
        for name, array in load_arrays(file).items():
            if array.ndim < 2:
                continue
            if len(array) != table.n or array.ndim > 3:
                message = f"{file.name} {name} has the shape {array.shape} for {table.n} rows"
                questions.append((message, f"write [modality.{name}] in dataset.toml, or remove the file"))
                continue
            kind = "vector" if array.ndim == 2 else "timeseries"
            found.append((name, Stream(kind, file=file.name, array=name)))
    return found


def load_folder_table(root: Path, name: str) -> Table:
    """The table ``name`` beside the other files of a folder."""
    return load_table(root if root.is_file() else root / name)
