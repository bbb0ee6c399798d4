"""Data files that the code of a module names: weights, tables, settings."""

import ast
import glob
import os
from collections.abc import Iterator
from pathlib import Path

from mmbench.registry.source_digest.string_values import ANCHOR, UNKNOWN, Constants

_NO_DATA = {".py", ".pyc", ".pyi", ".pyo", ".so", ".pyd", ".md", ".rst", ".txt", ".typed", ""}
# Files that the host reads: presets and claim cards are stored in records, pins only say what to download.
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
    """Files that a module names, and data files in its package, by path relative to its folder."""
    folder = constants.file.parent
    found = dict.fromkeys(_package_data(folder)) if is_packaged else {}
    for node, is_argument in _expressions(tree):
        if isinstance(node, ast.Constant):
            found.update(dict.fromkeys(_files_named(node.value, folder)))
        for text in constants.texts(node):
            if text.startswith((ANCHOR, "/")):
                found.update(dict.fromkeys(_files(text, folder, is_argument)))
    return {_label(path, folder): path for path in found}


def _package_data(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix not in _NO_DATA and not path.name.startswith(".") and path.is_file():
            yield path


def _files_named(value: object, folder: Path) -> Iterator[Path]:
    """The file beside the module whose name is a string in its code."""
    if isinstance(value, str) and 0 < len(value) < 256 and "." in value[1:] and value.isprintable():
        path = folder / value
        if not value.startswith("/") and _is_file(path):
            yield path


def _files(text: str, folder: Path, is_argument: bool) -> Iterator[Path]:
    anchored = text.startswith(ANCHOR)
    path = Path(os.path.normpath(text.removeprefix(ANCHOR)))
    if UNKNOWN in text:
        if anchored:
            pattern = glob.escape(str(path.relative_to("/"))).replace(UNKNOWN, "*")
            yield from filter(_is_data, sorted(Path("/").glob(pattern)))
    elif _is_file(path):
        if _is_data(path):
            yield path
    elif anchored and is_argument and path != folder and path not in folder.parents and path.is_dir():
        for at, _, names in os.walk(path):
            yield from (each for name in sorted(names) if _is_data(each := Path(at, name)))


def _is_data(path: Path) -> bool:
    return path.suffix not in (".pyc", ".py") and not path.name.startswith(".") and _is_file(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # not a valid file name
        return False


def _label(path: Path, folder: Path) -> str:
    """A path relative to the module's folder; the bare name for a file elsewhere, the same on every machine."""
    label = Path(os.path.relpath(path, folder)).as_posix()
    return path.name if label.startswith("../../..") else label


def _expressions(tree: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """Expressions that may name files, and whether each is an argument of a call that may read a whole folder."""
    todo: list[tuple[ast.AST, bool]] = [(tree, False)]
    while todo:
        node, is_argument = todo.pop()
        if isinstance(node, ast.expr):
            yield node, is_argument
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
