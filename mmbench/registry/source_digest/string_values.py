"""Static evaluation of expressions to strings: the names of files and modules that code may use.

Unknown parts of a string are `UNKNOWN`. Paths that start from ``__file__`` begin with `ANCHOR`.
"""

import ast
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path, PurePosixPath

UNKNOWN, ANCHOR = "\0", "\1"
_MOST = 64  # values of one expression
_FIELD = re.compile(r"%[^%a-zA-Z]*[a-zA-Z]|\{[^{}]*\}")
# Functions that return a path unchanged, or join their arguments to one.
_SAME = {"Path", "PurePath", "PosixPath", "str", "fspath", "abspath", "realpath", "normpath", "resolve", "absolute"}
_SAME |= {"as_posix", "expanduser", "sorted", "list", "tuple", "open", "as_file", "join", "read_bytes", "read_text"}
_OF_VALUES = {"values", "items", "keys", "get", "strip"}
_OF_PACKAGES = {"files", "resource_filename", "get_data", "read_binary", "open_binary", "open_text", "path"}
_OF_FOLDERS = {"listdir", "scandir", "walk"}
_OF_CODE = {"getfile", "getsourcefile", "getabsfile"}

Texts = frozenset[str]
_NOTHING: Texts = frozenset({UNKNOWN})


@dataclass(frozen=True)
class Constants:
    """The values of the names of a module; ``folder_of`` returns the folder of a package."""

    file: Path
    module: str
    package: str
    folder_of: Callable[[str], Path | None]
    names: dict[str, list[ast.expr]] = field(default_factory=lambda: defaultdict(list))
    known: dict[tuple[int, Texts], Texts] = field(default_factory=dict)

    def texts(self, node: ast.expr | None, seen: Texts = frozenset()) -> Texts:
        """The possible values of ``node``; only `UNKNOWN` if nothing is known.

        ``seen`` are the names that are being evaluated, against recursion.
        """
        key = (id(node), seen)
        if key not in self.known:
            try:
                found = frozenset(self._texts(node, seen))
            except (ValueError, IndexError, RecursionError):
                found = _NOTHING
            self.known[key] = found if 0 < len(found) <= _MOST else _NOTHING
        return self.known[key]

    def _texts(self, node: ast.expr | None, seen: Texts) -> Iterable[str]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Constant(value=int(number)):
                return [str(number)]
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                return self._named(name, seen)
            case ast.Attribute(value=value, attr="parent"):
                return [str(PurePosixPath(text).parent) for text in self.texts(value, seen)]
            case ast.Attribute(value=value, attr="__file__" | "origin"):
                return self._file_of(value)
            case ast.FormattedValue(value=value) | ast.Starred(value=value) | ast.NamedExpr(value=value):
                return self.texts(value, seen)
            case ast.Subscript():
                return self._item(node, seen)
            case ast.Call():
                return self._called(node, seen)
        return self._composed(node, seen)

    def _composed(self, node: ast.expr | None, seen: Texts) -> Iterable[str]:
        match node:
            case ast.JoinedStr(values=values):
                return self._joined("", values, seen)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined("/", [left, right], seen)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined("", [left, right], seen)
            case ast.BinOp(left=left, op=ast.Mod()):
                return [_FIELD.sub(UNKNOWN, text) for text in self.texts(left, seen)]
            case ast.IfExp(body=body, orelse=other):
                return self.texts(body, seen) | self.texts(other, seen)
            case ast.BoolOp(values=values) | ast.Dict(values=values):
                return self._any(values, seen)
            case ast.Tuple(elts=values) | ast.List(elts=values) | ast.Set(elts=values):
                return self._any(values, seen)
        return _NOTHING

    def _any(self, nodes: Iterable[ast.expr], seen: Texts) -> Texts:
        return frozenset[str]().union(*(self.texts(node, seen) for node in nodes))

    def _named(self, name: str, seen: Texts) -> Texts:
        if name == "__file__":
            return frozenset({f"{ANCHOR}{self.file.as_posix()}"})
        if name == "__path__":
            return frozenset({f"{ANCHOR}{self.file.parent.as_posix()}"})
        if name in ("__name__", "__package__"):
            return frozenset({self.module if name == "__name__" else self.package})
        if name in seen or name not in self.names:
            return _NOTHING
        return self._any(self.names[name], seen | {name})

    def _file_of(self, value: ast.expr) -> Iterable[str]:
        """``sys.modules[__name__].__file__``, ``__spec__.origin``, and ``__file__`` of a module that is imported."""
        own = isinstance(value, ast.Subscript) or (isinstance(value, ast.Name) and value.id == "__spec__")
        if own:
            return self._named("__file__", frozenset())
        folder = self.folder_of(value.id) if isinstance(value, ast.Name) else None
        return [f"{ANCHOR}{folder.as_posix()}/__init__.py"] if folder else _NOTHING

    def _joined(self, between: str, nodes: Iterable[ast.expr], seen: Texts) -> Iterable[str]:
        parts = _product(*(self.texts(node, seen) for node in nodes))
        return [_join(each) if between else "".join(each) for each in parts]

    def _item(self, node: ast.Subscript, seen: Texts) -> Iterable[str]:
        value, at = node.value, node.slice
        if isinstance(value, ast.Attribute) and value.attr == "parents":
            (number,) = self.texts(at, seen)
            return [str(PurePosixPath(text).parents[int(number)]) for text in self.texts(value.value, seen)]
        if isinstance(value, ast.Call) and _name_of(value.func) in ("split", "splitext"):
            texts = self.texts(value.args[0], seen) if value.args else _NOTHING
            cut = os.path.split if _name_of(value.func) == "split" else os.path.splitext
            (number,) = self.texts(at, seen)
            return [cut(text)[int(number)] for text in texts]
        if isinstance(at, ast.Slice) and isinstance(at.upper, ast.UnaryOp) and at.lower is None:
            (number,) = self.texts(at.upper.operand, seen)
            return [text[: -int(number)] for text in self.texts(value, seen)]
        return self.texts(value, seen)

    def _called(self, node: ast.Call, seen: Texts) -> Iterable[str]:
        name, owner = _name_of(node.func), node.func.value if isinstance(node.func, ast.Attribute) else None
        given = [self.texts(arg, seen) for arg in node.args]
        # A method where the owner is a known path or string, else a function of a module.
        base = self.texts(owner, seen) if owner is not None else _NOTHING
        if base != _NOTHING:
            return self._method(name, base, given)
        if name in _OF_CODE:
            return self._named("__file__", seen)
        return self._function(name, given) if given else _NOTHING

    def _function(self, name: str, given: list[Texts]) -> Iterable[str]:
        if name in _OF_PACKAGES:
            roots = (self.folder_of(text) for text in given[0])
            given = [frozenset(f"{ANCHOR}{root.as_posix()}" for root in roots if root) or _NOTHING, *given[1:]]
        elif name == "dirname":
            return [str(PurePosixPath(text).parent) for text in given[0]]
        elif name in _OF_FOLDERS:
            given = [given[0], _NOTHING]
        elif name not in _SAME:
            return _NOTHING
        return [_join(parts) for parts in _product(*given)]

    def _method(self, name: str, base: Texts, given: list[Texts]) -> Iterable[str]:
        if name in ("with_name", "with_suffix", "with_stem"):
            return [_renamed(name, text, new) for text, new in _product(base, given[0])]
        match name:
            case "format":
                return [_FIELD.sub(UNKNOWN, text) for text in base]
            case "replace":
                return [text.replace(old, new) for text, old, new in _product(base, *given[:2])]
            case "glob":
                return [_join((text, new.replace("*", UNKNOWN))) for text, new in _product(base, given[0])]
            case "rglob":
                return [_join((text, "**", new.replace("*", UNKNOWN))) for text, new in _product(base, given[0])]
            case "iterdir":
                return [_join((text, UNKNOWN)) for text in base]
            case "joinpath":
                return [_join(parts) for parts in _product(base, *given)]
        return base if name in _SAME | _OF_VALUES else _NOTHING


def _renamed(how: str, text: str, new: str) -> str:
    path = PurePosixPath(text)
    return str(path.parent / new) if how == "with_name" else str(getattr(path, how)(new))


def read_constants(
    nodes: Sequence[ast.AST], file: Path, module: str, package: str, folder_of: Callable[[str], Path | None]
) -> Constants:
    """The names of a module and what is bound to them anywhere among its ``nodes``, whatever the function."""
    constants = Constants(file, module, package, folder_of)
    for node in nodes:
        for name, value in _bindings(node):
            constants.names[name].append(value)
    _bind_arguments(nodes, constants.names)
    return constants


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield from _bound(target, value)
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield from _bound(target, value)
        case ast.With(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _bound(item.optional_vars, item.context_expr)


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            yield name, value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets) else None
            for at, each in enumerate(targets):
                yield from _bound(each, values[at] if values else value)


def _bind_arguments(nodes: Sequence[ast.AST], names: dict[str, list[ast.expr]]) -> None:
    """Bind parameters to their defaults and to the arguments of calls in the module."""
    calls: dict[str, list[ast.Call]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Call):
            calls[_name_of(node.func)].append(node)
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            called = calls.get(getattr(node, "name", ""), [])
            for name, values in _arguments(node.args, called):
                names[name].extend(values or [ast.Constant(None)])
                if not called:
                    names[name].append(ast.Constant(None))  # it is called from elsewhere, with unknown arguments


def _arguments(args: ast.arguments, calls: list[ast.Call]) -> Iterator[tuple[str, list[ast.expr]]]:
    positional = [*args.posonlyargs, *args.args]
    defaults = dict(zip(reversed([arg.arg for arg in positional]), reversed(args.defaults), strict=False))
    defaults |= {arg.arg: value for arg, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value}
    places = [arg.arg for arg in positional if arg.arg not in ("self", "cls")]
    for name in [*places, *(arg.arg for arg in args.kwonlyargs)]:
        values = [defaults[name]] if name in defaults else []
        for call in calls:
            values += [keyword.value for keyword in call.keywords if keyword.arg == name]
            if name in places and places.index(name) < len(call.args):
                values.append(call.args[places.index(name)])
        yield name, values


def _product(*texts: Texts) -> Iterable[tuple[str, ...]]:
    """The product of sets of values; ValueError if it is too large."""
    if prod(map(len, texts)) > _MOST:
        raise ValueError("too many values")
    return product(*texts)


def _join(parts: Iterable[str]) -> str:
    """Parts of a path joined as by `pathlib`: an absolute part replaces those before it."""
    path = ""
    for part in parts:
        path = part if part.startswith(("/", ANCHOR)) or not path else f"{path.rstrip('/')}/{part}"
    return path


def _name_of(node: ast.expr) -> str:
    """The last name of a called function or method."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
