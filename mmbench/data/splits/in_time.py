"""Folds in order of time: each block is tested after training on what came before it."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.fold import Fold, Rows, Split
from mmbench.data.splits.folds import count_validated, name_fold, split_scopes
from mmbench.data.splits.groups import Groups, Names, combine_groups
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.errors import ProtocolError
from mmbench.storage import counted

Spans = NDArray[np.float64]
_WHERE = "--protocol time"
_TOLERANCE_S = 1e-6  # windows that touch do not overlap, despite rounding


def cut_in_time(ids: NDArray[np.str_], groups: Groups, spans: Spans, n_folds: int, validation: float) -> Split:
    """Up to ``n_folds`` folds for each subject, or for all samples without subjects.

    Recordings (samples that have all groups in common; single samples where a subject has only one) are ordered by the
    start of their ``spans`` ``(N, 2)`` and divided into ``n_folds + 1`` consecutive blocks of nearly equal numbers. The
    first block is tested by no fold; every other is tested after training on the recordings before it, of which the
    last share ``validation`` is the validation part. A sample that ends after the next part has begun is left out.

    Raises ProtocolError where samples have no span, recordings overlap in time (each has a clock of its own), or a
    subject has fewer than three recordings.
    """
    _check_spans(spans)
    order = np.argsort(ids, kind="stable")
    recordings = _find_recordings(groups, ids)
    folds, n_untested, n_reaching = [], 0, 0
    for scope, rows in split_scopes(order, groups, PROTOCOLS["time"]):
        units = _in_order(rows, recordings, spans, scope)
        for index, (before, tested) in enumerate(_blocks(units, n_folds, scope)):
            fold = _make_fold(name_fold(scope, index), before, tested, spans, validation)
            n_before = sum(map(len, before))
            n_reaching += n_before - len(fold.train) - len(fold.validation)
            n_untested += 0 if index else n_before
            folds.append(fold)
    return Split(tuple(folds), tuple(_notes(n_untested, n_reaching, len(ids), len(folds))))


def _check_spans(spans: Spans) -> None:
    if unknown := int((~np.isfinite(spans).all(axis=1)).sum()):
        raise ProtocolError(
            f"{unknown} of {counted(len(spans), 'sample')} {'has' if unknown == 1 else 'have'} no time",
            where=_WHERE,
            remedy="choose another protocol",
        )


def _find_recordings(groups: Groups, ids: NDArray[np.str_]) -> Names:
    """The recording of each sample; the sample itself where groups other than subjects are not declared."""
    return combine_groups(groups, len(ids)) if groups.keys() - {"subject"} else ids


def _in_order(rows: Rows, recordings: Names, spans: Spans, scope: str) -> list[Rows]:
    """The rows of each recording, in order of time; ProtocolError if recordings overlap."""
    rows = rows[np.argsort(spans[rows, 0], kind="stable")]
    names, of = np.unique(recordings[rows], return_inverse=True)
    if len(names) == 1:
        return [rows[at : at + 1] for at in range(len(rows))]
    if len(names) < len(rows):
        _check_one_clock(of, spans[rows], scope)
    found = [rows[of == at] for at in range(len(names))]
    return sorted(found, key=lambda each: (spans[each[0], 0], str(recordings[each[0]])))


def _check_one_clock(of: NDArray[np.int64], spans: Spans, scope: str) -> None:
    """Raise ProtocolError if samples, in order of time, of different recordings ``of`` overlap."""
    last, last_end, end_of_others = -1, -np.inf, -np.inf  # the latest end so far, and that of other recordings
    for recording, (start, end) in zip(of.tolist(), spans.tolist(), strict=True):
        if (end_of_others if recording == last else last_end) > start + _TOLERANCE_S:
            raise ProtocolError(
                f"recordings{f' of {scope}' if scope else ''} overlap in time: if each has a clock of its own, their "
                "order is not known",
                where=_WHERE,
                remedy="give the spans of samples on one clock, or choose another protocol",
            )
        if recording == last:
            last_end = max(last_end, end)
        elif end >= last_end:
            last, last_end, end_of_others = recording, end, last_end
        else:
            end_of_others = max(end_of_others, end)


def _blocks(units: list[Rows], n_folds: int, scope: str) -> Iterator[tuple[list[Rows], list[Rows]]]:
    """What comes before each tested block, and the block."""
    if len(units) < 3:
        raise ProtocolError(
            f"{len(units)} in order of time{f' in {scope}' if scope else ''} "
            f"{'is' if len(units) == 1 else 'are'} too few for training, validation and test",
            where=_WHERE,
            remedy="add data or choose another protocol",
        )
    n_tested = min(n_folds, len(units) - 2)
    begins = np.cumsum([len(block) for block in np.array_split(np.arange(len(units)), n_tested + 1)])
    for begin, end in pairwise(begins.tolist()):
        yield units[:begin], units[begin:end]


def _make_fold(name: str, before: list[Rows], tested: list[Rows], spans: Spans, share: float) -> Fold:
    """The fold that tests ``tested``, without the samples before it that reach into a later part."""
    test = np.concatenate(tested)
    known = [rows for each in before if len(rows := _ending_before(each, test, spans))]
    n_validated = count_validated(len(known), share) if len(known) > 1 else 0
    validation = np.concatenate(known[len(known) - n_validated :] or [test[:0]])
    train = _ending_before(np.concatenate(known[: len(known) - n_validated] or [test[:0]]), validation, spans)
    if not (len(train) and len(validation)):
        raise ProtocolError(
            f"too few samples before the test part of fold {name} end before it and before the validation part",
            where=_WHERE,
            remedy="use fewer --folds or windows that overlap less",
        )
    return Fold(name, np.sort(train), np.sort(validation), np.sort(test))


def _ending_before(rows: Rows, later: Rows, spans: Spans) -> Rows:
    begin = float(spans[later, 0].min(initial=np.inf))
    kept: Rows = rows[spans[rows, 1] <= begin + _TOLERANCE_S]
    return kept


def _notes(n_untested: int, n_reaching: int, n_samples: int, n_folds: int) -> Iterator[str]:
    yield f"{n_untested} of {counted(n_samples, 'sample')} are tested by no fold: nothing comes before the first blocks"
    if n_reaching:
        yield (
            f"{counted(n_reaching, 'sample')}, over {counted(n_folds, 'fold')}, left out of training or validation: "
            "they overlap in time with the next part"
        )
