"""The split of a protocol: folds of whole groups, the official split, or blocks in order of time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.data.splits.classes import Indicators
from mmbench.data.splits.fold import Split
from mmbench.data.splits.folds import check_n_folds, check_not_empty, make_folds
from mmbench.data.splits.in_time import cut_in_time
from mmbench.data.splits.official import cut_official
from mmbench.data.splits.protocols import Protocol
from mmbench.errors import ProtocolError


@dataclass(frozen=True)
class SampleIndex:
    """What splits are cut from: ids ``(N,)``, groups, times ``(N, 2)`` in seconds and official parts of samples.

    ``spans`` has NaN where a sample has no time. ``parts`` has ``"train"``, ``"validation"``, ``"test"`` or ``""``;
    None without an official split. ``labels`` are class indices ``(N,)`` or 0 and 1 per label ``(N, L)``; None for
    values. ``strata``, bool ``(N, S)``, is what parts are balanced by; None for no stratification.
    """

    ids: NDArray[np.str_]
    groups: Mapping[str, NDArray[np.str_]]
    spans: NDArray[np.float64]
    parts: NDArray[np.str_] | None = None
    labels: NDArray[np.int64] | None = None
    strata: Indicators | None = None


def make_split(
    index: SampleIndex, protocol: Protocol, n_folds: int = 5, seed: int = 0, validation: float = 0.2
) -> Split:
    """The folds of a protocol; ProtocolError where the samples lack what it needs, or there are too few.

    No sample is in two parts of a fold or in two test parts. `Split.notes` say which are in none.
    """
    check_n_folds(n_folds)
    check_not_empty(index.ids)
    if protocol.folding == "official":
        return cut_official(index.ids, index.groups, index.parts, seed, validation, index.labels, index.strata)
    if protocol.folding == "time":
        if index.strata is not None:
            raise ProtocolError(
                "the parts of protocol time follow from the order of time",
                where="--stratify",
                remedy="leave it out, or choose another protocol",
            )
        return cut_in_time(index.ids, index.groups, index.spans, n_folds, validation)
    return Split(
        tuple(make_folds(index.ids, index.groups, protocol, n_folds, seed, validation, index.labels, index.strata))
    )
