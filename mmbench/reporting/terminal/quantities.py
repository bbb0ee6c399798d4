"""Counts, sizes and times, short enough for a column."""


def short_count(number: int) -> str:
    """1234567 as 1.2M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return str(number)


def short_time(seconds: float) -> str:
    """Seconds as 3.2s, 4m10s or 2h05m."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def short_size(n_bytes: float) -> str:
    """Bytes as 123 kB, 45 MB or 6.7 GB, of 1000."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB")):
        if n_bytes >= limit:
            return f"{n_bytes / limit:.{1 if unit == 'GB' else 0}f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def short_latency(milliseconds: float) -> str:
    """Milliseconds as 0.12 ms, 3.4 ms, 56 ms or 7.8 s."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2
    return f"{milliseconds:.{digits}f} ms"
