"""The source files that a component is written in: its own and those it imports from beside it."""

import ast
from collections.abc import Iterator
from pathlib import Path

_HOST = "mmbench"


def find_sources(path: Path, module: str, is_packaged: bool) -> dict[str, Path]:
    """The files behind a module, by name: its folder where it lives in a package, and what these import.

    Followed are imports within the distribution that it is from, and of files beside one that is in no package. The
    host is not: what it does to samples or tokens has a format, which is in their keys.
    """
    base, top = _base_of(path, module) if is_packaged else (path.parent, "")
    todo = sorted(path.parent.glob("*.py")) if is_packaged else [path]
    found: dict[str, Path] = {}
    while todo:
        file = todo.pop()
        name = file.relative_to(base).as_posix()
        if name not in found:
            found[name] = file
            todo.extend(_imported(file, base, top) if top != _HOST else ())
    return found


def _base_of(path: Path, module: str) -> tuple[Path, str]:
    """The folder that the outermost package of a module lies in, and the package's name."""
    top, *inner = module.split(".")
    depth = len(inner) + (path.name == "__init__.py")
    return path.parents[depth], top


def _imported(file: Path, base: Path, top: str) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # half written, or of another Python: it counts with its bytes, and imports nothing
    for name in _names(tree):
        if not top or name.split(".")[0] == top:
            stem = base.joinpath(*name.split("."))
            yield from (path for path in (stem.with_suffix(".py"), stem / "__init__.py") if _is_file(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no disk takes
        return False


def _names(tree: ast.AST) -> Iterator[str]:
    """Every name that may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
