"""Models within a checkpoint: found by their entries and chosen by name or prefix."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from mmbench.errors import WeightsError

# Prefixes of entries of a checkpoint that hold tensors but no model.
_NO_MODELS = ("optim", "sched", "lr_", "scaler", "amp", "rng", "random", "loss", "criterion", "hyper", "args", "config")
_MAX_LISTED = 8
NAMELESS = '""'
"""The name of a model that is neither in an entry nor behind a prefix."""


def find_models(state: Mapping[Any, Any], name: str = "") -> dict[str, dict[str, Tensor]]:
    """The state dicts in a checkpoint by the names of their entries, ``""`` for the whole checkpoint."""
    tensors = {key: value for key, value in state.items() if isinstance(key, str) and isinstance(value, Tensor)}
    models = {name: tensors} if tensors else {}
    if tensors and all(value.ndim == 0 for value in tensors.values()):
        models = {}  # counters and scores, not weights
    for key, value in state.items():
        if isinstance(key, str) and isinstance(value, Mapping) and not key.lower().startswith(_NO_MODELS):
            models |= find_models(value, f"{name}.{key}".removeprefix("."))
    return models


def choose_model(models: Mapping[str, Mapping[str, Tensor]], part: str | None, where: object) -> dict[str, Tensor]:
    """The only one of ``models``, or the one that ``part`` names: an entry, or a prefix of the names in a model.

    Raises WeightsError if there are several and ``part`` is None, or if ``part`` names none.
    """
    if part is None:
        if len(models) > 1:
            raise make_ambiguous_error(list(models), where)
        return dict(next(iter(models.values())))
    for name, tensors in models.items():
        if part == name:
            return dict(tensors)
        within = f"{part.removeprefix(f'{name}.')}." if name and part.startswith(f"{name}.") else f"{part}."
        if found := {key.removeprefix(within): value for key, value in tensors.items() if key.startswith(within)}:
            return found
    firsts = dict.fromkeys(key.partition(".")[0] for tensors in models.values() for key in tensors)
    known = [name for name in models if name] or list(firsts)
    raise WeightsError(f"has no part {part!r}", where=where, remedy=f"choose from {_listed(known)}")


def choose_prefix(
    state: Mapping[str, Tensor], anchors: Iterable[Collection[str]], where: object, part: str | None = None
) -> str | None:
    """The prefix of the names of a model in a state dict, such as ``module.`` or ``teacher.backbone.``.

    ``anchors`` are sets of names; all names of one set must exist behind the prefix. None if no prefix fits. Raises
    WeightsError if several fit; the user then chooses with ``part``.
    """
    found = list(dict.fromkeys(prefix for names in anchors for prefix in _prefixes(state, names)))
    if len(found) > 1 and not (part == "" and "" in found):
        raise make_ambiguous_error([prefix.removesuffix(".") for prefix in found], where, part)
    return min(found, key=len) if found else None


def _prefixes(state: Mapping[str, Tensor], names: Collection[str]) -> Iterator[str]:
    first = min(names)
    for key in state:
        prefix = key.removesuffix(first)
        if key.endswith(first) and prefix[-1:] in ("", ".") and all(prefix + name in state for name in names):
            yield prefix


def make_ambiguous_error(names: Sequence[str], where: object, part: str | None = None) -> WeightsError:
    """The error for a file that holds several models."""
    within = f"{part}." if part else ""
    return WeightsError(
        f"holds {len(names)} models: {_listed(names)}",
        where=where,
        remedy=f"choose one with part={within}{names[0] or NAMELESS}, beside weights=FILE",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(name or NAMELESS for name in names[:_MAX_LISTED]) + more
