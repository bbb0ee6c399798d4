"""Problems of the files of a folder, and those of them that are not used."""

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from mmbench import DataError, Problem
from mmbench.builtin.datasets.folder.columns import find_decimal_comma
from mmbench.builtin.datasets.folder.description import description_path
from mmbench.builtin.datasets.folder.layout import Layout
from mmbench.builtin.datasets.folder.merging import join_first
from mmbench.builtin.datasets.folder.row_problems import find_bad_files, find_bad_rows
from mmbench.builtin.datasets.folder.tree import FOLDERS, load_tree


def find_all_problems(layout: Layout) -> list[Problem]:
    """All problems of a layout, up to the first that keeps others from being found."""
    problems: list[Problem] = []
    try:
        problems.extend(find_problems(layout))
    except DataError as error:
        problems.append(Problem(str(error.where or layout.root), error.message, error.remedy or ""))
    return problems


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
    yield from find_bad_rows(layout, table)
    yield from find_bad_files(layout)


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
