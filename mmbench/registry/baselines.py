"""The baselines that ``auto`` stands for."""

from collections.abc import Collection, Sequence

from mmbench.errors import SpecError
from mmbench.registry.specs import Spec, split_list

AUTO = "auto"
"""Stands among the baselines of a comparison for those of `auto_baselines`."""
_NONE = "none"


def auto_baselines(reads: Collection[str], offered: Sequence[str]) -> tuple[str, ...]:
    """Concatenation, late fusion, each single modality and the prior, for a method that ``reads`` these modalities.

    Single modalities are those that the method reads, of those ``offered``; of all of them if it reads none. With one
    modality offered there is nothing to fuse: concatenation and the prior.
    """
    if len(offered) < 2:
        return "concat", "prior"
    single = [str(Spec("only", {"modality": name})) for name in offered if name in reads or not reads]
    return "concat", "late", *single, "prior"


def parse_against(against: str | Sequence[str]) -> tuple[str, ...]:
    """The baselines of ``--against``: a list, or names separated by commas; ``none`` is the empty list.

    Raises SpecError for ``none`` among others.
    """
    names = tuple(split_list(against)) if isinstance(against, str) else tuple(against)
    if _NONE in names and len(names) > 1:
        raise SpecError("none is named with other methods", where="--against", remedy="leave none out, or the others")
    return () if names == (_NONE,) else names
