"""Imports of a module, by statements and by calls, anywhere in it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mmbench.registry.source_digest.string_values import ANCHOR, UNKNOWN, Constants

_BY_NAME = {"import_module": 0, "__import__": 0, "run_module": 0}
_BY_FILE = {"spec_from_file_location": 1, "SourceFileLoader": 1, "run_path": 0, "load_source": 1}
_ANY = {"exec": 0}  # as a bare name only: `model.exec` is something else


@dataclass
class Imports:
    """Full ``names`` that may be modules, paths of ``files`` that are run, ``folders`` added to the search path.

    Paths are values of `string_values`. ``unknown`` lists the lines that run code which is not known statically.
    """

    names: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def read_imports(nodes: Sequence[ast.AST], constants: Constants) -> Imports:
    """All imports in the ``nodes`` of a module."""
    found = Imports()
    renamed = _renamed(nodes)
    for node in nodes:
        if isinstance(node, ast.Import):
            found.names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.names.extend(_from(node, constants.package))
        elif isinstance(node, ast.Call):
            _read_call(node, constants, renamed, found)
    return found


def _renamed(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """The original names of functions that a module imports under another name."""
    froms = (node for node in nodes if isinstance(node, ast.ImportFrom))
    return {alias.asname: alias.name for node in froms for alias in node.names if alias.asname}


def _from(node: ast.ImportFrom, package: str) -> Iterator[str]:
    base = absolute_name("." * node.level + (node.module or ""), package)
    if base is not None:
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def absolute_name(name: str, package: str) -> str | None:
    """The full name of a module; None for a relative one outside of a package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".") if package else []
    if level > len(parts):
        return None
    return ".".join([*parts[: len(parts) - level + 1], *filter(None, [name[level:]])])


def _read_call(node: ast.Call, constants: Constants, renamed: dict[str, str], found: Imports) -> None:
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    name = renamed.get(name, name) if isinstance(func, ast.Name) else name
    if _is_path_of_modules(func):
        found.folders.extend(text for arg in node.args for text in constants.texts(arg) if text.startswith(ANCHOR))
    elif name in _BY_NAME:
        _read_names(node, constants, found)
    elif name in _BY_FILE:
        arg = _argument(node, _BY_FILE[name], ("location", "path", "path_name", "pathname"))
        texts = constants.texts(arg)
        found.files.extend(text for text in texts if text.startswith((ANCHOR, "/")))
        _add_unknown(node, [text for text in texts if not text.startswith((ANCHOR, "/"))], found, "a computed file")
    elif isinstance(func, ast.Name) and name in _ANY:
        _add_unknown(node, [UNKNOWN], found, "a computed text")


def _read_names(node: ast.Call, constants: Constants, found: Imports) -> None:
    packages = constants.texts(_argument(node, 1, ("package",)))
    for text in constants.texts(_argument(node, 0, ("name", "mod_name"))):
        for package in packages if text.startswith(".") else [""]:
            name = absolute_name(text, constants.package if UNKNOWN in package else package)
            if name is None or UNKNOWN not in name:
                found.names.append(name or text)
            elif "." in (known := name.partition(UNKNOWN)[0]):
                found.names.append(f"{known.rpartition('.')[0]}.*")  # any module of a package
            else:
                _add_unknown(node, [UNKNOWN], found, "a computed name")


def _is_path_of_modules(func: ast.expr) -> bool:
    """Whether a call adds a folder to the search path of modules."""
    text = ast.unparse(func)
    return text.startswith(("sys.path.", "path.insert", "path.append")) or text.endswith("addsitedir")


def _argument(node: ast.Call, place: int, names: tuple[str, ...]) -> ast.expr | None:
    if place < len(node.args):
        return node.args[place]
    return next((keyword.value for keyword in node.keywords if keyword.arg in names), None)


def _add_unknown(node: ast.Call, texts: list[str], found: Imports, what: str) -> None:
    if texts:
        found.unknown.append(f"line {node.lineno} runs {what}")
