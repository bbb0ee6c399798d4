"""Description of the files of a folder by their names and columns; what is ambiguous becomes a question."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbench import SpecError
from mmbench.builtin.datasets.folder.columns import NO_VALUE, as_numbers, as_texts
from mmbench.builtin.datasets.folder.description import Description, Group, Target
from mmbench.builtin.datasets.folder.find_files import find_other_files, find_table, load_main_table
from mmbench.builtin.datasets.folder.find_streams import FEW, find_streams
from mmbench.builtin.datasets.folder.merging import MergedTable, merge_tables
from mmbench.builtin.datasets.folder.part_tables import PART_TABLES
from mmbench.builtin.datasets.folder.questions import Answers, Question
from mmbench.builtin.datasets.folder.roles import GROUPS, IDS, INDICES, SPLITS, TARGETS, find_single, is_file_column
from mmbench.builtin.datasets.folder.tables import Table
from mmbench.builtin.datasets.folder.tree import FOLDERS, PARTS


@dataclass
class Understanding:
    """A description, the table that it describes, and the ``questions`` that only the user can answer."""

    described: Description
    merged: MergedTable
    questions: list[Question] = field(default_factory=list)


def understand(root: Path, answers: Answers) -> Understanding:
    """The description of a folder as far as it is plain, and what has to be asked.

    Raises SpecError where an answer names what is not there, DataError for files that cannot be read or merged.
    """
    name = find_table(root)
    main = load_main_table(root, name).without_texts(answers.missing or ())
    identity = _find_identity(main, answers)
    others = find_other_files(root, main, identity, answers.ignore)
    merged = merge_tables(main, identity, [each.without_texts(answers.missing or ()) for each in others.tables])
    table = merged.table
    _check_answers(root, table, answers)
    questions = list(others.questions)
    free = [each for each in table.columns if each not in answers.ignore]
    split = _find_split(table, free, answers)
    target = answers.target or find_single(free, TARGETS)
    tasks = {}
    if target:
        kind, question = _kind_of_task(table, target, answers.task)
        questions += [question] if question else []
        tasks = {target: Target(kind, (target,), _class_names(table, target) if kind == "class" else (target,))}
    else:
        questions.append(Question("which column is the target is not plain", "--target COLUMN"))
    groups = _find_groups(table, free, answers)
    taken = {
        split.column if split and not split.pattern else "",
        identity,
        target,
        *(group.column for group in (groups or {}).values() if not group.pattern),
    }
    ignored = [each for each in free if each.lower() in INDICES and each not in answers.text]
    rest = [each for each in free if (each not in taken or is_file_column(each)) and each not in ignored]
    _check_texts(table, answers, taken)
    if groups is None:
        known = {*taken, *answers.text}
        questions.append(_ask_for_group(table, [each for each in rest if each not in known]))
    if answers.missing is None:
        named = [target, identity, *(group.column for group in (groups or {}).values())]
        questions += [asked for each in dict.fromkeys(named) if each for asked in _ask_for_missing(table, each)]
    folder = root.parent if root.is_file() else root
    streams = find_streams(folder, merged, rest, identity, others.arrays, answers)
    described = Description(
        name=root.stem if root.is_file() else root.resolve().name,
        table=name if name in (FOLDERS, PART_TABLES) else table.path.name,
        tables=tuple(each.path.name for each in others.tables),
        id=identity,
        split=split,
        missing=tuple(answers.missing or ()),
        ignore=(*answers.ignore, *ignored, *streams.unused),
        groups=groups,
        tasks=tasks,
        streams=streams.streams,
    )
    return Understanding(described, merged, [*questions, *streams.questions])


def _find_identity(table: Table, answers: Answers) -> str:
    """The column of ids: called so, or the only one of files, if each row has another one."""
    free = [each for each in table.columns if each not in answers.ignore]
    if identity := find_single(free, IDS):
        return identity
    files = [each for each in free if is_file_column(each)]
    texts = as_texts(table.columns[files[0]]) if len(files) == 1 else [None]
    return files[0] if None not in texts and len(set(texts)) == len(texts) else ""


def _check_answers(root: Path, table: Table, answers: Answers) -> None:
    columns = [
        answers.target,
        *answers.text,
        *(_parse_group(each, table).column for each in (answers.groups or {}).values()),
        *([_parse_group(answers.split, table, "--split").column] if answers.split else []),
    ]
    unknown = [each for each in columns if each and each not in table.columns]
    unknown += [each for each in answers.ignore if each not in table.columns and not (root / each).is_file()]
    if unknown:
        remedy = f"choose from {', '.join(table.columns)}"
        raise SpecError(f"has no column {unknown[0]!r}", where=table.path, remedy=remedy)


def _check_texts(table: Table, answers: Answers, taken: Container[str]) -> None:
    """Raise SpecError for a column of free text that is ignored or something else."""
    for column in answers.text:
        if column in taken or column in answers.ignore:
            what = "ignored" if column in answers.ignore else "the target, the id, a group or the split"
            raise SpecError(f"column {column} cannot be text: it is {what}", where=table.path, remedy="name it once")


def _find_split(table: Table, free: Sequence[str], answers: Answers) -> Group | None:
    """The column of the official split; without one, the first folders in names of files if these are parts."""
    if answers.split or (column := find_single(free, SPLITS)):
        return _parse_group(answers.split, table, "--split") if answers.split else Group(column)
    for name in filter(is_file_column, free):
        group = Group(name, r"^([^/]+)/")
        folders = {found and found.lower() for found in group.values(table.columns[name])}
        if len(folders) > 1 and all(folder in PARTS for folder in folders):
            return group
    return None


def _find_groups(table: Table, free: Sequence[str], answers: Answers) -> dict[str, Group] | None:
    if answers.groups is not None:
        return {name: _parse_group(text, table) for name, text in answers.groups.items()}
    person = find_single(free, GROUPS)
    return {"subject": Group(person)} if person else None


def _parse_group(text: str, table: Table, option: str = "--group") -> Group:
    """A group, or the split, as an option says it: COLUMN or COLUMN:PATTERN."""
    column, colon, pattern = (text, "", "") if text in table.columns else text.partition(":")
    group = Group(column, pattern)
    if colon:
        try:
            group.expression  # noqa: B018  # raises ValueError
        except ValueError as error:
            remedy = r"put what names the group or part into one pair of parentheses, such as file_name:(s\d+)_"
            raise SpecError(str(error), where=option, remedy=remedy) from None
    return group


def _ask_for_group(table: Table, names: Sequence[str]) -> Question:
    likely = next((name for name in names if not is_file_column(name) and _looks_like_group(table, name)), "")
    guess = f"; {likely} may be" if likely else ""
    option = f"--group subject={likely or 'COLUMN'}"
    if not likely and (files := next(filter(is_file_column, table.columns), "")):
        option = f"--group subject=COLUMN, --group 'subject={files}:PATTERN'"
    return Question(f"no column says who or what must stay in one part{guess}", f"{option}, or --group none")


def _ask_for_missing(table: Table, column: str) -> list[Question]:
    """A question for texts such as NA, which may be values or empty cells."""
    texts = [cell for cell in table.columns[column] if isinstance(cell, str) and cell.strip().lower() in NO_VALUE]
    if not texts or as_numbers(table.columns[column]) is not None:
        return []
    (text, n) = Counter(texts).most_common(1)[0]
    message = f"{column} has {n} cell{'s' * (n > 1)} {text!r}, which may be empty or a value"
    return [Question(message, f"--missing {text} if empty, or --missing '' if a value")]


def _kind_of_task(table: Table, column: str, wanted: str) -> tuple[str, Question | None]:
    if wanted:
        return wanted, None
    numbers = as_numbers(table.columns[column])
    if numbers is None:
        return "class", None
    known = [number for number in numbers if number is not None]
    if not all(number.is_integer() for number in known) or len(set(known)) > FEW:
        return "values", None
    question = f"{column} has {len(set(known))} whole numbers, which may be classes or values"
    return "class", Question(question, "--task class or --task values")


def _class_names(table: Table, column: str) -> tuple[str, ...]:
    """The classes of a column in order: of numbers by their value, else of the alphabet."""
    values = table.columns[column]
    names = {name for name in as_texts(values) if name is not None}
    if as_numbers(values) is None:
        return tuple(sorted(names))
    return tuple(sorted((name for name in names if as_numbers([name]) is not None), key=float))


def _looks_like_group(table: Table, column: str) -> bool:
    values = table.columns[column]
    if as_numbers(values) is not None or any(isinstance(value, list) for value in values):
        return False
    distinct = {value for value in as_texts(values) if value is not None}
    return 2 <= len(distinct) <= table.n // 2
