"""What is wrong with the files of a folder, and what of them is not used."""

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from mmbench import Problem
from mmbench.builtin.datasets.folder.columns import find_decimal_comma
from mmbench.builtin.datasets.folder.description import description_path
from mmbench.builtin.datasets.folder.layout import Layout
from mmbench.builtin.datasets.folder.merging import join_first
from mmbench.builtin.datasets.folder.tree import FOLDERS, PARTS, load_tree


def find_problems(layout: Layout) -> Iterator[Problem]:
    """Open questions, cells that cannot be used, missing files and duplicated ids."""
    table = str(layout.table.path)
    for question, answer in layout.questions:
        is_option = answer.startswith("--")
        yield Problem(
            str(layout.root), question, f"mmbench data describe {layout.root} {answer}" if is_option else answer
        )
    if layout.questions:
        return
    if layout.described.groups is None:
        remedy = 'add [groups] with subject = "COLUMN", or an empty [groups] if no samples belong together'
        yield Problem(str(description_path(layout.root)), "does not declare [groups]", remedy)
        return
    for name, values in layout.table.columns.items():
        if cell := find_decimal_comma(values):
            yield Problem(table, f"column {name} has {cell!r} with a decimal comma", "write a point")
    videos = [name for name, stream in layout.described.streams.items() if stream.kind == "video"]
    if videos and find_spec("cv2") is None:
        yield Problem(table, f"{videos[0]} is video, which needs OpenCV", 'pip install "mmbench[video]"')
    yield from _find_row_problems(layout, table)


def _find_row_problems(layout: Layout, table: str) -> Iterator[Problem]:
    layout.schema, layout.cells, layout.matches  # noqa: B018  # raise DataError for what does not fit
    if twice := _find_duplicates([layout.ids[at] for at in layout.rows]):
        more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        rows = join_first([layout.table.row(at) for at in layout.rows if layout.ids[at] == twice[0]])
        yield Problem(table, f"several rows have the id {twice[0]!r}{more} ({rows})", "give each row its own id")
    for stream in layout.described.streams.values():
        if stream.file and not stream.offsets and stream.match in ("", "order"):
            n = len(layout.array(stream))
            if n != layout.table.n:
                message = f"has {n} rows, the table {layout.table.n}"
                yield Problem(str(layout.folder / stream.file), message, "give both the same rows in the same order")
    for name, task in layout.described.tasks.items():
        if task.kind == "class" and len(task.names) == 1:
            yield Problem(table, f"every row has the class {task.names[0]!r} of {name}", "choose another target")
    if not layout.rows:
        yield Problem(table, "no row has a target", "choose another target")
    yield from _find_bad_cells(layout, table)
    for path in dict.fromkeys(layout.files(layout.rows)):
        if not path.is_file():
            yield Problem(str(path), "is missing", "put it there, or leave it out with --bad drop", concerns="sample")


def _find_bad_cells(layout: Layout, table: str) -> Iterator[Problem]:
    """Rows without an id or a group, of no class of the task, or in no part; each is a problem of its samples only."""
    rows = layout.rows
    if without := [at for at in rows if not layout.ids[at]]:
        yield _bad_rows(layout, table, without, "without an id", "give each row its id")
    for name, group in (layout.described.groups or {}).items():
        if without := [at for at in rows if layout.groups[name][at] is None]:
            why = (
                f"in whose {group.column} the pattern {group.pattern} finds nothing"
                if group.pattern
                else "without a value"
            )
            yield _bad_rows(layout, table, without, f"{why} for group {name}", "fill it in, or correct [groups]")
    for name, targets in layout.targets.items():
        if wrong := [at for at in rows if isinstance(targets[at], str)]:
            what = f"with {targets[wrong[0]]!r}, which is not among the names of task {name}"
            yield _bad_rows(layout, table, wrong, what, "add it to dataset.toml, or correct the row")
    yield from _find_part_problems(layout, table)


def _find_part_problems(layout: Layout, table: str) -> Iterator[Problem]:
    """Rows in no part of the official split; a problem of the whole dataset where its column names no part at all."""
    parts = [layout.parts[at] for at in layout.rows]
    wrong = [at for at, part in zip(layout.rows, parts, strict=True) if part not in (None, *PARTS.values())]
    if not wrong:
        return
    first = layout.parts[wrong[0]]
    if len(wrong) == len(parts) - parts.count(None):
        split = layout.described.split
        message = f"column {split.column if split else ''} names no part: {layout.table.row(wrong[0])} has {first!r}"
        yield Problem(table, message, "use train, validation or test, or choose another column")
    else:
        remedy = f"use {', '.join(dict.fromkeys(PARTS.values()))}"
        yield _bad_rows(layout, table, wrong, f"in the part {first!r}", remedy)


def _bad_rows(layout: Layout, table: str, rows: Sequence[int], what: str, remedy: str) -> Problem:
    n = len(rows)
    shown = join_first([layout.table.row(at) for at in rows])
    remedy = f"{remedy}, or leave such rows out with --bad drop"
    return Problem(table, f"{n} row{'s' * (n > 1)} {what} ({shown})", remedy, concerns="sample")


def find_left_out(layout: Layout) -> dict[str, str]:
    """Unused columns, rows without a target, and rows of other files without a sample, each with the reason."""
    described = layout.described
    split = described.split.column if described.split else ""
    used = {described.id, split, *(group.column for group in (described.groups or {}).values())}
    used |= {name for stream in described.streams.values() for name in (*stream.columns, stream.array)}
    used |= {name for task in described.tasks.values() for name in task.columns}
    left = {f"column {name}": "not used" for name in layout.table.columns if name not in used}
    n = layout.table.n - len(layout.rows)
    if n and described.tasks:
        known = set(layout.rows)
        shown = join_first([layout.table.row(at) for at in range(layout.table.n) if at not in known])
        left[f"{n} row{'s' * (n > 1)} ({shown})"] = "without a target"
    for match in (*layout.merged.matches, *layout.matches.values()):
        left |= match.left_out
    if described.table == FOLDERS:
        left |= load_tree(layout.root).left_out
    return left


def count_classes(layout: Layout) -> dict[str, int]:
    """The number of rows of each class of the first task, or of each unit."""
    for name, task in layout.described.tasks.items():
        if task.kind == "class":
            counts = Counter(target for target in layout.targets[name] if isinstance(target, int))
            return {each: counts[at] for at, each in enumerate(task.names)}
        break
    return {unit: len(rows) for unit, rows in layout.units.items()}


def _find_duplicates(values: Sequence[str]) -> list[str]:
    return [value for value, n in Counter(values).items() if n > 1 and value]
