"""The files beside a module that its code names: weights, tables, settings."""

import ast
import glob
import os
from collections.abc import Iterator
from pathlib import Path

from mmbench.registry.source_digest.constants import ANCHOR, UNKNOWN, Constants

_NO_DATA = {".py", ".pyc", ".pyi", ".pyo", ".so", ".pyd", ".md", ".rst", ".txt", ".typed", ""}
# What the host reads for other ends: presets and claim cards are in records, pins only say what to download.
_OTHER_KEYWORDS = {"presets", "claims"}
_OTHER_CALLS = {"load_pins"}
_OF_PATHS = {
    "Path",
    "str",
    "join",
    "joinpath",
    "with_name",
    "resolve",
    "absolute",
    "dirname",
    "print",
    "insert",
    "append",
}


def find_data(tree: ast.AST, constants: Constants, is_packaged: bool) -> dict[str, Path]:
    """Files that a module names from where it lies, by their path from its folder, and data files in its package."""
    folder = constants.file.parent
    found = dict.fromkeys(_lying_beside(folder)) if is_packaged else {}
    for node, is_given in _expressions(tree):
        if isinstance(node, ast.Constant):
            found.update(dict.fromkeys(_beside(node.value, folder)))
        for text in constants.texts(node):
            if text.startswith((ANCHOR, "/")):
                found.update(dict.fromkeys(_files(text, folder, is_given)))
    return {_label(path, folder): path for path in found}


def _lying_beside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix not in _NO_DATA and not path.name.startswith(".") and path.is_file():
            yield path


def _beside(value: object, folder: Path) -> Iterator[Path]:
    """A file that has the name of a text, wherever the text is used."""
    if isinstance(value, str) and 0 < len(value) < 256 and "." in value[1:] and value.isprintable():
        path = folder / value
        if not value.startswith("/") and _is_file(path):
            yield path


def _files(text: str, folder: Path, is_given: bool) -> Iterator[Path]:
    anchored = text.startswith(ANCHOR)
    path = Path(os.path.normpath(text.removeprefix(ANCHOR)))
    if UNKNOWN in text:
        if anchored:
            pattern = glob.escape(str(path.relative_to("/"))).replace(UNKNOWN, "*")
            yield from filter(_is_data, sorted(Path("/").glob(pattern)))
    elif _is_file(path):
        if _is_data(path):
            yield path
    elif anchored and is_given and path != folder and path not in folder.parents and path.is_dir():
        for at, _, names in os.walk(path):
            yield from (each for name in sorted(names) if _is_data(each := Path(at, name)))


def _is_data(path: Path) -> bool:
    return path.suffix not in (".pyc", ".py") and not path.name.startswith(".") and _is_file(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no disk takes
        return False


def _label(path: Path, folder: Path) -> str:
    """A path from the module's folder; one that lies elsewhere is the same on every machine by its name alone."""
    label = Path(os.path.relpath(path, folder)).as_posix()
    return path.name if label.startswith("../../..") else label


def _expressions(tree: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """Expressions that may name files, and whether one is handed to a call that may read a whole folder."""
    todo: list[tuple[ast.AST, bool]] = [(tree, False)]
    while todo:
        node, is_given = todo.pop()
        if isinstance(node, ast.expr):
            yield node, is_given
        name = _name(node.func) if isinstance(node, ast.Call) else ""
        if name in _OTHER_CALLS:
            continue
        hands = isinstance(node, ast.Call) and name not in _OF_PATHS
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.keyword):
                todo.extend([] if child.arg in _OTHER_KEYWORDS else [(child.value, hands)])
            else:
                todo.append((child, hands and child is not getattr(node, "func", None)))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
