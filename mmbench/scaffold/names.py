"""What a new plugin is called: its distribution, its module, its components."""

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from mmbench.errors import SpecError

LONGEST = 40  # characters; the templates' lines stay within those that ruff allows
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
    """The name that a user gave; SpecError where it is none of a distribution, or its module cannot be imported."""
    if not _ALLOWED.fullmatch(text) or not text.isascii():
        raise _refused(text, "is no name of a distribution", "write letters, digits and hyphens, such as sleep-study")
    if len(text) > LONGEST:
        raise _refused(text, f"has {len(text)} characters", f"choose a name of at most {LONGEST}")
    name = PluginName(_SEPARATORS.sub("-", text).lower())
    if not name.module.isidentifier() or keyword.iskeyword(name.module) or keyword.issoftkeyword(name.module):
        raise _refused(text, f"gives the module {name.module}, which Python cannot import", "begin with another word")
    _check_free(text, name)
    return name


def _check_free(text: str, name: PluginName) -> None:
    """Refuse a module that would hide another one, or be hidden by it."""
    if name.module in sys.stdlib_module_names or find_spec(name.module) is not None:
        raise _refused(text, f"gives the module {name.module}, which is there already", "choose another name")


def _refused(text: str, why: str, remedy: str) -> SpecError:
    return SpecError(f"{text!r} {why}", where="NAME", remedy=remedy)
