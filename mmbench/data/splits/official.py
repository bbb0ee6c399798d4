"""The official split of a dataset as one fold."""

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.balance import choose_balanced
from mmbench.data.splits.classes import Indicators, indicate_classes
from mmbench.data.splits.fold import PARTS, Fold, Rows, Split, shuffle
from mmbench.data.splits.folds import count_validated, find_validation_groups, fold_of, lacks_class, order_for
from mmbench.data.splits.groups import Groups
from mmbench.data.splits.stratify import Cut, classes_of, cover_classes
from mmbench.errors import ProtocolError
from mmbench.storage import counted

NAME = "official"


def cut_official(
    ids: NDArray[np.str_],
    groups: Groups,
    parts: NDArray[np.str_] | None,
    seed: int,
    validation: float,
    labels: NDArray[np.int64] | None = None,
    strata: Indicators | None = None,
) -> Split:
    """One fold with the official ``parts`` ``(N,)``; samples without a part are in none.

    Where there is no validation part, it is cut from the training part: whole groups of the strictest kind of which
    the training part has three or more. Raises ProtocolError without a training or a test part.
    """
    rows = _rows_by_part(ids, parts)
    notes = []
    if unassigned := len(ids) - sum(map(len, rows.values())):
        belong = "belongs" if unassigned == 1 else "belong"
        notes.append(f"{counted(unassigned, 'sample')} {belong} to no part of the official split")
    fold = Fold(NAME, rows["train"], rows["validation"], rows["test"])
    if not len(fold.validation):
        train, note = _cut_validation(ids, groups, fold.train, seed, validation, labels, strata)
        fold = Fold(NAME, train.train, train.validation, fold.test)
        notes.append(note)
    return Split((fold,), tuple(notes))


def _rows_by_part(ids: NDArray[np.str_], parts: NDArray[np.str_] | None) -> dict[str, Rows]:
    where = "--protocol official"
    if parts is None or not (parts != "").any():
        raise ProtocolError("the samples belong to no official split", where=where, remedy="choose another protocol")
    order = np.argsort(ids, kind="stable")
    rows = {part: np.sort(order[parts[order] == part]) for part in PARTS}
    for part, name in (("train", "training"), ("test", "test")):
        if not len(rows[part]):
            raise ProtocolError(
                f"the official split has no {name} part with samples of this task",
                where=where,
                remedy="choose another protocol",
            )
    return rows


def _cut_validation(
    ids: NDArray[np.str_],
    groups: Groups,
    train: Rows,
    seed: int,
    share: float,
    labels: NDArray[np.int64] | None,
    strata: Indicators | None,
) -> tuple[Fold, str]:
    """The training part as a fold without test part, and what is held out for validation in words."""
    if len(train) < 2:
        raise ProtocolError(
            "the training part has 1 sample: none is left for validation",
            where="--protocol official",
            remedy="choose another protocol",
        )
    order = train[np.argsort(ids[train], kind="stable")]
    kind, of = find_validation_groups(ids[order], {name: values[order] for name, values in groups.items()})
    names, order_names, purpose = np.unique(of), order_for(seed, NAME), "validation"
    if strata is None:
        validated = shuffle(names, seed, NAME, purpose)[: count_validated(len(names), share)]
    else:
        validated = choose_balanced(of, strata[order], share, order_names, purpose)
    positions = np.arange(len(order))
    cut = Cut(names[:0], validated)
    fold = fold_of(NAME, positions, of, cut)
    if labels is not None and lacks_class([fold], labels[order], positions):
        classes = classes_of(of, indicate_classes(labels[order]))
        (cut,) = cover_classes([cut], classes, order_names, may_move_tests=False)
        fold = fold_of(NAME, positions, of, cut)
    found = Fold(NAME, np.sort(order[fold.train]), np.sort(order[fold.validation]), fold.test)
    note = (
        f"the official split has no validation part: {len(cut.validation)} of the {counted(len(names), kind)} of its "
        f"training part {'is' if len(cut.validation) == 1 else 'are'} held out for validation"
    )
    return found, note
