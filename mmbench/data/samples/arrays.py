"""Arrays: vectors and time series, of one length or each of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.data.samples.bag import FIX, LEAVE_OUT, BagCheck
from mmbench.errors import DataError

Array = NDArray[np.float32]


def check_array(data: Any, present: NDArray[np.bool_], check: BagCheck) -> Array:
    """A bag as float32 ``(K, *shape)``; DataError unless the ``present`` instances ``(K,)`` are finite and vary.

    Time series need not vary where the modality may be constant.

    Checked as float32, as it is stored: large values become infinite, small differences vanish.
    """
    x = to_numbers(data, check)
    expected = (check.modality.instances, *check.modality.shape)
    if x.shape != expected:
        raise check.error(f"has the shape {x.shape}, not {expected}")
    here = x if present.all() else x[present]
    check_finite(here, check)
    if check.modality.kind == "timeseries" and here.size:
        _check_channels(here, check)
    return x


def check_series(items: Sequence[Any], check: BagCheck) -> list[Array | None]:
    """Time series of any length, each float32 ``(channels, time)``; None for absent ones.

    A channel that is constant in every instance is an error, unless the modality may be constant; series of one step
    are not judged.
    """
    series = [None if item is None else to_numbers(item, check) for item in items]
    present = [each for each in series if each is not None]
    for each in present:
        check_length(each, check)
        check_finite(each, check)
    if judged := [each for each in present if each.shape[1] > 1]:
        _judge_channels(np.stack([np.ptp(each, axis=1) == 0 for each in judged]), check)
    return series


def check_length(x: Array, check: BagCheck) -> None:
    """DataError unless ``x`` is ``(channels, time)`` with at least one step and the length of the modality, if any."""
    n_channels, length = check.modality.shape
    if x.ndim != 2 or x.shape[0] != n_channels or length not in (None, x.shape[1]):
        shown = f"({n_channels}, {'time' if length is None else length})"
        raise check.error(f"has an instance of the shape {x.shape}, not {shown}")
    if x.shape[1] == 0:
        raise check.error("has an instance of length 0", LEAVE_OUT)


def check_finite(x: Array, check: BagCheck) -> None:
    """DataError for NaN and infinite values."""
    if not np.isfinite(x).all():
        raise check.error("holds NaN or infinite values", FIX)


def to_numbers(data: Any, check: BagCheck) -> Array:
    """Numbers as float32; DataError for anything else."""
    try:
        if np.asarray(data).dtype.kind == "c":
            raise TypeError("they are complex")
        with np.errstate(over="ignore"):
            return np.asarray(data, dtype=np.float32)
    except (TypeError, ValueError) as error:
        shown = f"{error}".partition("\n")[0][:120]
        raise check.error(f"does not hold real numbers in one array: {shown}") from None


def _check_channels(here: Array, check: BagCheck) -> None:
    if (here[..., 0] != here[..., -1]).any(axis=0).all():
        return  # the usual case, and faster to check
    _judge_channels(np.ptp(here, axis=-1) == 0, check)


def _judge_channels(constant: NDArray[np.bool_], check: BagCheck) -> None:
    """DataError for channels that are constant ``(K, channels)`` in all instances; counted where they may be."""
    if check.modality.may_be_constant:
        if n_still := int(constant.any(axis=1).sum()):
            check.changes["with a constant channel"] += n_still
        return
    flat = np.flatnonzero(constant.all(axis=0))
    if flat.size:
        names = check.modality.channels or tuple(str(index) for index in range(constant.shape[1]))
        raise DataError(
            f"channel{'s' if flat.size > 1 else ''} {', '.join(names[at] for at in flat)} of {check.modality.name} "
            f"{'is' if flat.size == 1 else 'are'} constant",
            where=check.sample,
            remedy=f"{FIX}; for a sensor that may rest, set may_be_constant of the modality",
        )
