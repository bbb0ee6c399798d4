"""Groups of samples: their names over several groups, the strictest one, and what test samples share with training."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.fold import Fold

Names = NDArray[np.str_]
Groups = Mapping[str, Names]

NESTED = ("trial", "session")
"""Groups whose names identify them within a subject only; names of other groups are the same for all subjects."""


def combine_groups(groups: Groups, n_samples: int) -> Names:
    """All group names of each sample joined into one; the empty name for every sample if there are no groups."""
    if not groups:
        return np.full(n_samples, "", dtype=np.str_)
    first, *others = groups.values()
    for values in others:
        first = np.char.add(np.char.add(first, "\x1f"), values)
    return first


def names_within_subject(groups: Groups, name: str) -> Names:
    """The names of a group, made unique by subject: the name of a trial may occur for several people."""
    own = {key: groups[key] for key in ("subject", name) if key in groups}
    return combine_groups(own, len(groups[name]))


def group_names(groups: Groups, name: str) -> Names:
    """The names of a group over all samples; trials and sessions are those of a subject."""
    return names_within_subject(groups, name) if name in NESTED else groups[name]


def rank_groups(groups: Groups) -> list[str]:
    """The groups from the strictest to the finest: subjects, then by their number, fewest first."""
    counts = {name: len(np.unique(group_names(groups, name))) for name in groups}
    return sorted(groups, key=lambda name: (name != "subject", counts[name]))


def find_group_overlap(folds: Sequence[Fold], groups: Groups, across_subjects: bool = False) -> dict[str, float]:
    """The share of test samples whose group also has samples in training or validation, for each kind of group.

    Without ``across_subjects``, subjects are left out and other groups are those of a subject: a model per subject is
    trained on the subject it is tested on. With it, subjects count, groups such as videos are the same for all
    subjects, and where two kinds of groups are on both sides, their combination counts too (``"actor and sentence"``).
    """
    if not across_subjects:
        return {name: _shared(folds, names_within_subject(groups, name)) for name in groups if name != "subject"}
    names = {name: group_names(groups, name) for name in groups}
    shares = {name: _shared(folds, values) for name, values in names.items()}
    pairs = _crossed_pairs({name: values for name, values in names.items() if shares[name] > 0})
    return {**shares, **{pair: _shared(folds, values) for pair, values in pairs}}


def _crossed_pairs(names: Groups) -> Iterator[tuple[str, Names]]:
    """The combinations of two groups, unless one of them lies within the other."""
    for one, other in combinations(names, 2):
        both = combine_groups({name: names[name] for name in (one, other)}, len(names[one]))
        if len(np.unique(both)) > max(len(np.unique(names[name])) for name in (one, other)):
            yield f"{one} and {other}", both


def _shared(folds: Sequence[Fold], names: Names) -> float:
    shared = [np.isin(names[fold.test], names[np.concatenate([fold.train, fold.validation])]) for fold in folds]
    return float(np.concatenate(shared).mean())
