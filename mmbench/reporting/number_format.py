"""Format numbers for tables and texts: scores, differences, p values, counts, sizes and durations."""

import sys
from math import copysign, inf, isfinite, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmbench.results import Interval


def format_interval(interval: "Interval") -> str:
    """A score with its interval as ``0.620 [.57, .68]``, or ``8.12 [7.45, 8.79]`` where numbers exceed 1."""
    if (largest := _largest(interval)) > 1:
        low, high = (_plain(value, largest) for value in (interval.low, interval.high))
        return f"{_plain(interval.mean, abs(interval.mean))} [{low}, {high}]"
    return f"{interval.mean:.3f} [{_two_digits(interval.low)}, {_two_digits(interval.high)}]"


def format_score(value: float) -> str:
    """A score as ``0.620``, or with fewer decimals where it exceeds 1: ``8.12``, ``72.4``; NaN as a dash."""
    if isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) <= 1 else _plain(value, abs(value))


def format_difference(interval: "Interval") -> str:
    """A difference with its interval as ``+.021 [-.03, +.07]``, or ``+8.12 [+7.45, +8.79]`` where numbers exceed 2."""
    # Bounds of differences of scores up to 1 may lie beyond 1.
    if (largest := _largest(interval)) > 2:
        low, high = (_plain(value, largest, "+") for value in (interval.low, interval.high))
        return f"{_plain(interval.mean, abs(interval.mean), '+')} [{low}, {high}]"
    return f"{format_signed(interval.mean)} [{format_signed(interval.low, 2)}, {format_signed(interval.high, 2)}]"


def format_signed(value: float, digits: int = 3) -> str:
    """A difference as ``+.012`` or ``-.012``, or ``+1.25`` where it exceeds 1; NaN as a dash."""
    if isnan(value):
        return "–"
    if abs(value) > 1:
        return _plain(value, abs(value), "+")
    return f"{value:+.{digits}f}".replace("0.", ".", 1)


def format_p(p: float) -> str:
    """A p value as ``.021`` or ``<.001``."""
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _two_digits(value: float) -> str:
    # Zero is added, since a score just below 0 would read -.00.
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1) if value < 1 else "1"


def _largest(interval: "Interval") -> float:
    """The largest finite magnitude of a score and its bounds."""
    return max(abs(value) for value in map(_unbounded, (interval.mean, interval.low, interval.high)) if isfinite(value))


def _unbounded(value: float) -> float:
    """Infinity for the number that stands for it in intervals, since JSON cannot write infinity."""
    return copysign(inf, value) if abs(value) >= sys.float_info.max else value


def _plain(value: float, largest: float, sign: str = "") -> str:
    """A number with as many decimals as numbers up to ``largest`` need for three digits."""
    digits = 2 if largest < 10 else 1 if largest < 100 else 0
    return f"{_unbounded(value):{sign}.{digits}f}"


def format_count(number: int) -> str:
    """1234567 as ``1.2M``."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return str(number)


def format_duration(seconds: float) -> str:
    """Seconds as ``3.2s``, ``4m10s`` or ``2h05m``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def format_size(n_bytes: float) -> str:
    """Bytes as ``123 kB``, ``45 MB`` or ``6.7 GB``; 1 kB is 1000 bytes."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if n_bytes >= limit:
            return f"{n_bytes / limit:.{1 if unit == 'GB' else 0}f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def format_latency(milliseconds: float) -> str:
    """Milliseconds as ``0.12 ms``, ``3.4 ms``, ``56 ms`` or ``7.8 s``."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2
    return f"{milliseconds:.{digits}f} ms"
