"""Settings of an export, and parsers of lists of subjects and of arguments of MOABB's classes."""

import ast
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmbench import SpecError

FORMAT = 1  # of exported files; increased whenever the same settings give other files
_WORDS = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class ExportSettings:
    """What the exported trials depend on.

    ``name`` is MOABB's name of the dataset, ``arguments`` those of its class. ``tmin`` and ``tmax`` (s) are relative to
    the start of the dataset's interval, as in MOABB's paradigms; ``tmax`` None is its end. ``fmin`` and ``fmax`` (Hz)
    are the pass band of the EEG, None for no limit; ``rate`` (Hz) is that of all channels, None for the recorded one.
    """

    name: str
    arguments: Mapping[str, Any]
    tmin: float = 0.0
    tmax: float | None = None
    fmin: float | None = None
    fmax: float | None = None
    rate: int | None = None

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values; names that MOABB does not distinguish are one."""
        values = asdict(self) | {"name": plain_name(self.name), "format": FORMAT}
        plain: dict[str, Any] = json.loads(json.dumps(values, sort_keys=True))
        return plain

    def folder_name(self, version: str) -> str:
        """The name of the folder of an export by this version of MOABB."""
        content = json.dumps({"moabb": version, **self.plain()}, sort_keys=True)
        return f"moabb-{plain_name(self.name)}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def plain_name(name: str) -> str:
    """A name of MOABB without case, hyphens and underscores: codes and classes differ in these."""
    return re.sub(r"[-_\s]", "", name).casefold()


def parse_subjects(text: str | None) -> tuple[int, ...] | None:
    """The numbers in a text such as ``1-4,7``, in order and once each; None for None.

    Raises SpecError for anything else.
    """
    if text is None:
        return None
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            message = f"{text!r} does not name subjects"
            raise SpecError(message, where="moabb[subjects]", remedy='write "1,2,5" or 1-5')
        numbers |= set(range(first, last + 1))
    return tuple(sorted(numbers))


def parse_arguments(text: str) -> dict[str, Any]:
    """The keyword arguments in ``text``, such as ``n_subjects=4, channels=["C3", "Cz"], accept=true``.

    Raises SpecError for what is not ``NAME=VALUE``, with a number, a text, true, false, none, or a list of these.
    """
    where = "moabb[options]"
    remedy = 'write NAME=VALUE, separated by commas: options="n_subjects=4,accept=true"'
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise SpecError(f"{text!r} cannot be parsed", where=where, remedy=remedy) from error
    if not isinstance(call, ast.Call) or call.args or any(keyword.arg is None for keyword in call.keywords):
        raise SpecError(f"{text!r} has a part without NAME=", where=where, remedy=remedy)
    arguments: dict[str, Any] = {}
    for keyword in call.keywords:
        name = str(keyword.arg)
        if name == "subjects":
            raise SpecError("subjects is an option of its own", where=where, remedy="write moabb[subjects=1-4]")
        try:
            arguments[name] = _value(keyword.value)
        except ValueError as error:
            message = f"{name}={ast.unparse(keyword.value)} is neither a number, a text, nor a list of these"
            raise SpecError(message, where=where, remedy=remedy) from error
    return arguments


def _value(node: ast.expr) -> Any:
    """A literal; a word without quotes is a text, true, false or none."""
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id.casefold(), node.id)
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(each) for each in node.elts]
    value = ast.literal_eval(node)
    if not isinstance(value, str | int | float | None):
        raise ValueError(f"a {type(value).__name__}")
    return value
