"""Specs ``name[param=value,...]``: parsing and formatting, and binding of parameters to their types.

A value with commas, brackets or outer spaces is put in single or double quotes: ``faces[path="a, b [c]"]``.
Within quotes, a backslash escapes a quote or a backslash.
"""

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, get_type_hints

from mmbench.errors import SpecError
from mmbench.storage import type_adapter

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
_ESCAPED = re.compile(r"""\\(["'\\])""")
_SPEC = re.compile(rf"\s*({_NAME.pattern})\s*(?:\[(.*)\])?\s*", re.DOTALL)


@dataclass(frozen=True)
class Spec:
    """The name of a component and its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> tuple[str, ...]:
        """``param=value`` for each parameter, as `parse_spec` reads it."""
        return tuple(f"{key}={_format(value)}" for key, value in self.params.items())

    def __str__(self) -> str:
        return f"{self.name}[{','.join(self.pairs)}]" if self.params else self.name

    def updated(self, params: Mapping[str, Any]) -> "Spec":
        """The same component with ``params`` set over its own."""
        return Spec(self.name, {**self.params, **params})


def _format(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and _needs_quotes(value):
        return quote(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _needs_quotes(value: str) -> bool:
    """Whether a value without quotes would be parsed as something else."""
    try:
        return parse_spec(f"x[a={value},b=c]").params != {"a": value, "b": "c"}
    except SpecError:
        return True


def quote(text: str) -> str:
    """A string in double quotes, with escapes, as `parse_spec` and `split_list` read it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def join_list(texts: Iterable[str]) -> str:
    """Names joined by commas: the inverse of `split_list`."""
    return ",".join(text if _is_plain(text) else quote(text) for text in texts)


def _is_plain(text: str) -> bool:
    """Whether a name needs no quotes in a list."""
    try:
        return split_list(f"{text},a") == [text, "a"]
    except SpecError:
        return False


def parse_spec(text: str) -> Spec:
    """The spec ``name`` or ``name[param=value,...]``; SpecError for any other text."""
    match = _SPEC.fullmatch(text)
    if not match:
        raise SpecError("is not a name", where=repr(text), remedy="write name or name[param=value,...]")
    params: dict[str, str] = {}
    for part in filter(None, _split(match[2] or "")):
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier() or key in params:
            raise SpecError(
                f"{part.strip()!r} is not parameter=value", where=repr(text), remedy="write name[param=value,...]"
            )
        params[key] = _unquoted(value.strip())
    return Spec(match[1], params)


def split_list(text: str) -> list[str]:
    """Split at commas outside of brackets and quotes; outer spaces and quotes of the parts are removed.

    Raises SpecError if a quote is not closed, or brackets around commas do not match.
    """
    return [_unquoted(part) for part in _split(text) if part]


def _split(text: str) -> Iterator[str]:
    at = start = depth = n_inner = 0
    before = ","  # the last character but spaces: after =,[ a quote opens, in a word it is an apostrophe
    while at < len(text):
        if text[at] in "\"'" and before in "=,[":
            if not (match := _QUOTED.match(text, at)):
                raise _unreadable(text, "a quote is not closed")
            at = match.end() - 1
        char = text[at]
        depth += (char == "[") - (char == "]")
        n_inner += char == "," and depth != 0
        if char == "," and depth < 0:
            raise _unreadable(text, "its brackets do not match")
        if char == "," and depth == 0:
            yield text[start:at].strip()
            start, n_inner = at + 1, 0
        before = before if char.isspace() else char
        at += 1
    if depth > 0 and n_inner:
        raise _unreadable(text, "its brackets do not match")
    yield text[start:].strip()


def _unreadable(text: str, why: str) -> SpecError:
    return SpecError(
        f"cannot be split: {why}", where=repr(text), remedy='put values with commas or brackets in "quotes"'
    )


def _unquoted(text: str) -> str:
    """The text without its quotes, if all of it is quoted."""
    return _ESCAPED.sub(r"\1", text[1:-1]) if _QUOTED.fullmatch(text) else text


def parse_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """The mapping of ``key=value`` options such as ``--encoder eeg=de``."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise SpecError(f"{text!r} is not NAME=VALUE", where=option, remedy=f"write {option} NAME=VALUE")
        pairs[key.strip()] = value.strip()
    return pairs


def bind_parameters(target: type, params: Mapping[str, Any]) -> dict[str, Any]:
    """All keyword parameters of a class: its defaults, updated by ``params`` converted to their annotated types.

    Raises SpecError for an unknown parameter or an invalid value.
    """
    return bind_arguments(target.__init__, params, where=getattr(target, "name", target.__name__))  # type: ignore[misc]


def bind_arguments(function: Any, params: Mapping[str, Any], where: str) -> dict[str, Any]:
    """As `bind_parameters`, for the keyword-only arguments of a function."""
    accepted, hints = _keywords(function)
    for name in params:
        if name not in accepted:
            raise SpecError(f"no parameter {name!r}", where=where, remedy=did_you_mean(name, accepted))
    bound = {name: default for name, default in accepted.items() if default is not inspect.Parameter.empty}
    for name, value in params.items():
        bound[name] = _convert(value, hints.get(name, Any), f"{where}[{name}]")
    if missing := [name for name in accepted if name not in bound]:
        raise SpecError(f"needs {', '.join(missing)}", where=where, remedy=f"write {where}[{missing[0]}=...]")
    return bound


@lru_cache(maxsize=1024)
def _keywords(function: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Defaults of the keyword-only arguments, and annotations; cached, for they are needed in each training."""
    parameters = inspect.signature(function).parameters.items()
    accepted = {name: parameter.default for name, parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    return accepted, get_type_hints(function)


def _convert(value: object, annotation: Any, where: str) -> Any:
    from pydantic import ValidationError

    if isinstance(value, str) and value.lower() == "none" and _admits_none(annotation):
        return None
    try:
        return type_adapter(annotation).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise SpecError(f"invalid value {value!r}: {problem}", where=where, remedy="see mmbench list") from error


def _admits_none(annotation: Any) -> bool:
    return type(None) in getattr(annotation, "__args__", ())


SUGGESTION = "did you mean"
"""How the remedy for a name that is nearly right begins."""


def similar_names(name: str, known: Iterable[str]) -> list[str]:
    """The known names that begin with a misspelt one, else the nearest one; empty if none is near."""
    written = {each.lower(): each for each in sorted(known)}
    begin = [each for lower, each in written.items() if len(name) > 2 and lower.startswith(name.lower())]
    return begin or [written[lower] for lower in difflib.get_close_matches(name.lower(), written, n=1, cutoff=0.6)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt name: the similar names, else all of them."""
    names = sorted(known)
    if near := similar_names(name, names):
        return f"{SUGGESTION} {' or '.join(map(repr, near))}?"
    return f"choose from {', '.join(names)}" if names else "none is available"
