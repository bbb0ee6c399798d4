"""What is wrong with the files of a folder, what of them is not used, and what was understood."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mmbench import DataError, Description, Problem
from mmbench.builtin.datasets.folder.description import description_path, write_description
from mmbench.builtin.datasets.folder.layout import Layout, count_duplicates
from mmbench.builtin.datasets.folder.tables import find_decimal_comma
from mmbench.builtin.datasets.folder.understand import Answers, find_table, load_folder_table, understand

_SHOWN = 3


def find_problems(layout: Layout) -> Iterator[Problem]:
    """Open questions, cells that cannot be used, missing files and duplicated ids."""
    table = str(layout.table.path)
    for question, option in layout.questions:
        yield Problem(str(layout.root), question, f"mmbench data describe {layout.root} {option}")
    for name, values in layout.table.columns.items():
        if cell := find_decimal_comma(values):
            yield Problem(table, f"column {name} has {cell!r} with a decimal comma", "write a point")
    if layout.questions:
        return
    yield from _find_row_problems(layout, table)


def _find_row_problems(layout: Layout, table: str) -> Iterator[Problem]:
    layout.schema  # noqa: B018  # raises DataError for what does not fit
    if twice := count_duplicates([layout.ids[at] for at in layout.rows]):
        yield Problem(table, f"{len(twice)} ids are there more than once, such as {twice[0]!r}", "give each row its id")
    for stream in layout.described.streams.values():
        if stream.file and not stream.offsets and len(layout.array(stream)) != layout.table.n:
            n = len(layout.array(stream))
            message = f"has {n} rows, the table {layout.table.n}"
            yield Problem(str(layout.folder / stream.file), message, "give both the same rows in the same order")
    if not layout.rows:
        yield Problem(table, "no row has a target", "choose another with mmbench data describe --target")
    for path in dict.fromkeys(layout.files(layout.rows)):
        if not path.is_file():
            yield Problem(str(path), "is missing", "put it there, or leave it out with --bad drop", concerns="sample")


def find_left_out(layout: Layout) -> dict[str, str]:
    """Unused columns and rows without a target, each with the reason."""
    described = layout.described
    used = {described.id, described.split, *(described.groups or {}).values()}
    used |= {name for stream in described.streams.values() for name in stream.columns}
    used |= {name for task in described.tasks.values() for name in task.columns}
    left = {f"column {name}": "not used" for name in layout.table.columns if name not in used and not _is_array(layout)}
    if n := layout.table.n - len(layout.rows):
        rows = sorted({*range(layout.table.n)} - {*layout.rows})[:_SHOWN]
        shown = ", ".join(layout.table.row(at) for at in rows)
        left[f"{n} row{'s' * (n > 1)} ({shown}{', ...' * (n > _SHOWN)})"] = "without a target"
    return left


def _is_array(layout: Layout) -> bool:
    return layout.table.path.suffix == ".npz"


def count_classes(layout: Layout) -> dict[str, int]:
    """The number of rows of each class of the first task, or of each unit."""
    for name, task in layout.described.tasks.items():
        if task.kind == "class":
            counts = Counter(target for target in layout.targets[name] if isinstance(target, int))
            return {each: counts[at] for at, each in enumerate(task.names)}
        break
    return {unit: len(rows) for unit, rows in layout.units.items()}


def describe_lines(layout: Layout) -> list[str]:
    """What was understood: modalities, target, groups and split."""
    described = layout.described
    schema = layout.schema
    lines = [f"{m.name}: {m.kind} {_shape(m.shape)}" for m in schema.modalities]
    lines += [f"target {name}: {task.kind}, {len(task.names)} names" for name, task in schema.tasks.items()]
    groups = ", ".join(f"{name} = {column}" for name, column in (described.groups or {}).items())
    lines.append(f"groups: {groups}" if groups else "no groups declared: samples of one person may be in both parts")
    if described.split:
        lines.append(f"official split: column {described.split}")
    if any(stream.file for stream in described.streams.values()):
        lines.append("arrays: rows in the order of the table")
    source = description_path(layout.root).name if layout.is_written else "the files; no dataset.toml"
    return [f"understood from {source}: {'; '.join(lines)}"]


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('open' if each is None else str(each) for each in shape)})" if shape else ""


def describe(root: Path, answers: Answers) -> Description:
    """The description of a folder as far as it is plain, with lines about its samples."""
    if not (name := find_table(root)):
        remedy = "leave one table in it, called metadata.csv"
        raise DataError("holds no table of samples, or more than one", where=root, remedy=remedy)
    table = load_folder_table(root, name)
    found = understand(root, table, answers)
    layout = Layout(root, found.described, table, found.questions)
    lines = [f"table: {table.path.name}, {table.n} rows", *_sample_lines(layout)]
    return Description(lines, found.questions, write_description(found.described), description_path(root))


def _sample_lines(layout: Layout) -> Iterator[str]:
    if layout.described.streams:
        yield from describe_lines(layout)[0].partition(": ")[2].split("; ")
    counts = count_classes(layout)
    yield f"samples: {len(layout.rows)} ({', '.join(f'{name} {n}' for name, n in list(counts.items())[:20])})"
    yield from (f"left out: {what}: {why}" for what, why in find_left_out(layout).items())
    missing = [path for path in dict.fromkeys(layout.files(layout.rows)) if not path.is_file()]
    if missing:
        yield f"missing: {len(missing)} files, such as {missing[0]}"
