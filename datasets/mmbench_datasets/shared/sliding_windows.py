"""Cuts recordings of several rates into windows of one length, which stand at the same times in all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.shared.damage import how_to_drop

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Windows:
    """Windows of ``seconds`` s, one every ``stride`` s from the start of a recording; whole samples at its rates."""

    seconds: float
    stride: float

    def size(self, rate: float) -> int:
        """Samples of a window at ``rate`` Hz."""
        return round(self.seconds * rate)

    def count(self, n_samples: int, rate: float) -> int:
        """The number of windows that lie within ``n_samples`` at ``rate`` Hz."""
        return max(0, (n_samples - self.size(rate)) // round(self.stride * rate) + 1)

    def cut(self, signal: "NDArray[Any]", rate: float, number: int) -> "NDArray[np.float32] | None":
        """Window ``number`` of a signal ``(channels, time)``; None if the signal ends before it does."""
        start = round(number * round(self.stride * rate))
        window = signal[:, start : start + self.size(rate)]
        return None if window.shape[1] < self.size(rate) else window.astype("float32")

    def span(self, number: int, begin: float = 0.0) -> tuple[float, float]:
        """Start and end of a window in s, of a recording that begins at ``begin`` s."""
        start = begin + number * self.stride
        return start, start + self.seconds

    def unused(self, n_samples: int, rate: float) -> float:
        """The seconds of a recording that are in no window."""
        n_windows = self.count(n_samples, rate)
        step = min(self.stride, self.seconds)
        return n_samples / rate - (n_windows and (n_windows - 1) * step + self.seconds)


def make_windows(where: str, window: float, stride: float | None, rates: tuple[float, ...], longest: float) -> Windows:
    """The windows of the options ``window`` and ``stride`` of the dataset ``where``; None: no overlap.

    Raises SpecError unless both are above 0 s, at most ``longest`` s and whole samples at all ``rates`` (Hz).
    """
    for option, seconds in {"window": window, "stride": window if stride is None else stride}.items():
        if not 0 < seconds <= longest:
            remedy = f"choose {option} above 0 and at most {longest:g}"
            raise SpecError(f"{option}={seconds:g} is outside 0-{longest:g} s", where=where, remedy=remedy)
        for rate in rates:
            if abs(seconds * rate - round(seconds * rate)) > 1e-6 or round(seconds * rate) < 1:
                message = f"{option}={seconds:g} s is not a whole number of samples at {rate:g} Hz"
                raise SpecError(message, where=where, remedy=f"use a multiple of 1/{min(rates):g} s")
    return Windows(window, window if stride is None else stride)


class Signal(NamedTuple):
    """A recording of a modality: ``values`` ``(channels, time)`` at ``rate`` Hz.

    Each window is resampled to ``wanted`` Hz by itself, where that is given.
    """

    values: "NDArray[Any]"
    rate: float
    wanted: float | None = None


def cut_samples(
    windows: Windows,
    signals: Mapping[str, Signal],
    name: str,
    labels: Mapping[str, Any],
    groups: Mapping[str, str],
    *,
    where: str,
    begin: float = 0.0,
) -> Iterator[Sample | DataError]:
    """The windows of a stretch called ``name``, whose signals begin together, ``begin`` s from the recording's start.

    A window that a signal ends before lacks this modality, as does the whole stretch where the signal has no number at
    all. A window with single values that are NaN or infinite is an error about ``where``, and so is a stretch that has
    no window at all.
    """
    recorded = {key: signal for key, signal in signals.items() if not _is_blank(signal.values)}
    n_windows = max((windows.count(s.values.shape[1], s.rate) for s in recorded.values()), default=0)
    if not n_windows:
        message = f"{name}: nothing was recorded for a window of {windows.seconds:g} s"
        yield DataError(message, where=where, remedy=how_to_drop("choose a shorter window", "it"))
    for number in range(n_windows):
        sample = f"{name}/w{number:03d}"
        cut = {key: windows.cut(signal.values, signal.rate, number) for key, signal in recorded.items()}
        data = {key: _resample(window, recorded[key])[None] for key, window in cut.items() if window is not None}
        if damaged := [key for key, window in data.items() if not _is_finite(window)]:
            remedy = "leave such samples out: mmbench run ... --bad drop"
            yield DataError(f"{sample}: {', '.join(damaged)} has NaN or infinite values", where=where, remedy=remedy)
        else:
            yield Sample(sample, labels, data, groups, span=windows.span(number, begin))


def _resample(window: "NDArray[np.float32]", signal: Signal) -> "NDArray[np.float32]":
    if signal.wanted in (None, signal.rate):
        return window
    from scipy.signal import resample_poly

    ratio = Fraction(signal.wanted or 0) / Fraction(signal.rate)
    # Padding along the line from first to last sample avoids ringing of the filter at the edges.
    resampled = resample_poly(window.astype("float64"), ratio.numerator, ratio.denominator, axis=-1, padtype="line")
    return resampled.astype("float32")


def _is_finite(values: "NDArray[Any]") -> bool:
    import numpy as np

    return bool(np.isfinite(values).all())


def _is_blank(values: "NDArray[Any]") -> bool:
    import numpy as np

    return values.size == 0 or bool(np.isnan(values).all())
