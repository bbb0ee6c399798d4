"""Lines that describe the files of a folder as they were understood."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mmbench import Description, Modality
from mmbench.builtin.datasets.folder.description import Stream, description_path
from mmbench.builtin.datasets.folder.description_file import write_description
from mmbench.builtin.datasets.folder.layout import Layout, discover
from mmbench.builtin.datasets.folder.merging import join_first
from mmbench.builtin.datasets.folder.problems import count_classes, find_all_problems, find_left_out
from mmbench.builtin.datasets.folder.questions import Answers
from mmbench.builtin.datasets.folder.tree import FOLDERS, PARTS, load_tree

_MOST = 20  # columns, and classes or units, that are listed
_LEAST_GROUPS = 3  # one each for training, validation and test
_RULES = {"crop": "cropped", "pad": "padded", "stretch": "stretched"}


def describe(root: Path, answers: Answers) -> Description:
    """The description of a folder as far as it is plain, with lines about its samples."""
    layout = discover(root, answers)
    n_rows = f"{layout.table.n} row{'s' * (layout.table.n > 1)}"
    files = [path.relative_to(root).as_posix() for path in layout.table.files]
    lines = [f"table: {', '.join(files) or layout.described.table}, {n_rows}", *_sample_lines(layout)]
    text, path = write_description(layout.described), description_path(root)
    if layout.questions:
        return Description(lines, layout.questions, text, path)
    left_out = [root / name for name in load_tree(root).left_out] if layout.described.table == FOLDERS else []
    used = [path, *layout.shared, *dict.fromkeys(layout.files(range(layout.table.n))), *left_out]
    return Description(lines, layout.questions, text, path, find_all_problems(layout), used)


def describe_line(layout: Layout) -> str:
    """Modalities, targets, groups and split, and where this is from."""
    source = description_path(layout.root).name if layout.is_written else "the files; no dataset.toml"
    return f"understood from {source}: {'; '.join(_lines(layout))}"


def _lines(layout: Layout) -> Iterator[str]:
    described = layout.described
    schema = layout.schema
    for modality in schema.modalities:
        stream = described.streams[modality.name]
        changed = f", {how}" if (how := _conversion(stream)) else ""
        yield f"{modality.name}: {modality.kind} {_shape(modality.shape)}{changed}".rstrip() + _columns(modality)
    yield from (
        f"target {name}: {task.kind}, {len(task.names)} name{'s' * (len(task.names) != 1)}"
        for name, task in schema.tasks.items()
    )
    groups = ", ".join(f"{name} = {group}" for name, group in (described.groups or {}).items())
    if described.groups is not None:
        yield f"groups: {groups}" if groups else "no groups declared: samples of one person may be in both parts"
    if described.split:
        found = Counter(layout.parts[at] or "none" for at in layout.rows)
        counts = {part: found[part] for part in dict.fromkeys((*PARTS.values(), *sorted(found))) if found[part]}
        source = f"{'' if described.split.pattern else 'column '}{described.split}"
        option = ", with --protocol official" if {"train", "test"} <= counts.keys() else ""
        yield f"official split: {source} ({', '.join(f'{part} {n}' for part, n in counts.items())}){option}"
    yield from dict.fromkeys(match.line for match in (*layout.merged.matches, *layout.matches.values()))
    yield from layout.merged.lines
    yield from layout.table.notes
    if in_order := [name for name, stream in described.streams.items() if stream.match == "order"]:
        yield f"{', '.join(in_order)}: rows in the order of the table"


def _columns(modality: Modality) -> str:
    """The columns of a table, with the number of levels of those that are categorical."""
    names = [f"{each.name} ({len(each.levels)} levels)" if each.levels else each.name for each in modality.columns]
    more = f", {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f": {', '.join(names[:_MOST])}{more}" if names else ""


def _conversion(stream: Stream) -> str:
    """What is done to files of another rate or size."""
    if stream.kind == "audio" and stream.rate and stream.columns:
        return f"resampled to {stream.rate:g} Hz where the rate is another"
    if stream.kind in ("image", "video") and stream.size:
        height, width = stream.size
        rule = f"scaled and {_RULES[stream.resize]} to" if stream.resize in _RULES else "all of"
        frames = f"{stream.rate:g} frame{'s' * (stream.rate != 1)} per second, " if stream.rate else ""
        return f"{frames}{rule} {height} × {width} pixels"
    return ""


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('open' if each is None else str(each) for each in shape)})" if shape else ""


def _sample_lines(layout: Layout) -> Iterator[str]:
    if layout.described.streams:
        yield from _lines(layout)
    counts = list(count_classes(layout).items())
    more = f", {len(counts) - _MOST} more" if len(counts) > _MOST else ""
    if layout.described.tasks:  # without a target, there is no sample yet
        yield f"samples: {len(layout.rows)} ({', '.join(f'{name} {n}' for name, n in counts[:_MOST])}{more})"
    for name, values in list(layout.groups.items())[:1]:
        n = len({values[at] for at in layout.rows} - {None})
        if n < _LEAST_GROUPS:
            needed = f"folds of whole groups need {_LEAST_GROUPS}"
            yield f"{name}: {n} value{'s' * (n != 1)}; {needed}: add data, or choose another --protocol"
    yield from _cell_lines(layout)
    yield from (f"left out: {what}: {why}" for what, why in find_left_out(layout).items())
    files = list(dict.fromkeys(layout.files(layout.rows)))
    outside = [str(path) for path in files if ".." in path.parts or not path.is_relative_to(layout.folder)]
    if outside:
        yield f"outside of the folder: {len(outside)} file{'s' * (len(outside) > 1)}, such as {outside[0]}"
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        yield f"missing: {len(missing)} file{'s' * (len(missing) > 1)}, such as {missing[0]}"


def _cell_lines(layout: Layout) -> Iterator[str]:
    """Levels of categorical columns, columns with empty cells, and samples without a text or file."""
    for name, stream in layout.described.streams.items():
        for column, levels in stream.levels.items():
            yield f"{name}: levels of {column}: {join_first(levels)}"
        cells = layout.cells.get(name)
        if isinstance(cells, list):
            n = sum(all(not column[at] for column in cells) for at in layout.rows)
            yield from [f"{name}: missing in {n} of {len(layout.rows)} samples"] if n else []
        elif isinstance(cells, dict):
            empty = {column: sum(values[at] is None for at in layout.rows) for column, values in cells.items()}
            if lacking := [f"{column} {n}" for column, n in empty.items() if n]:
                yield f"{name}: empty cells in {len(lacking)} of {len(cells)} columns: {join_first(lacking)}"
