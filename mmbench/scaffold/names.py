"""Names of a new plugin: distribution, module and components."""

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from mmbench.errors import SpecError

MAX_LENGTH = 40  # characters; lines of the templates stay within the limit of ruff
_ALLOWED = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)  # PEP 508
_SEPARATORS = re.compile(r"[-_.]+")  # PEP 503


@dataclass(frozen=True)
class PluginName:
    """The name of a distribution, normalised as in PEP 503: lower case, words joined by single hyphens."""

    distribution: str

    @property
    def module(self) -> str:
        """The import name."""
        return self.distribution.replace("-", "_")


def parse_name(text: str) -> PluginName:
    """The name in ``text``; SpecError if it is not valid for a distribution or its module cannot be imported."""
    if not _ALLOWED.fullmatch(text) or not text.isascii():
        raise _make_error(
            text, "is not a valid name of a distribution", "write letters, digits and hyphens, such as sleep-study"
        )
    if len(text) > MAX_LENGTH:
        raise _make_error(text, f"has {len(text)} characters", f"choose a name of at most {MAX_LENGTH}")
    name = PluginName(_SEPARATORS.sub("-", text).lower())
    if not name.module.isidentifier() or keyword.iskeyword(name.module) or keyword.issoftkeyword(name.module):
        raise _make_error(text, f"gives the module {name.module}, which Python cannot import", "choose another name")
    _check_free(text, name)
    return name


def _check_free(text: str, name: PluginName) -> None:
    """Raise SpecError for a module that would hide another one, or be hidden by it."""
    if name.module in sys.stdlib_module_names or find_spec(name.module) is not None:
        raise _make_error(text, f"gives the module {name.module}, which exists already", "choose another name")


def _make_error(text: str, why: str, remedy: str) -> SpecError:
    return SpecError(f"{text!r} {why}", where="NAME", remedy=remedy)
