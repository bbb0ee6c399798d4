"""Options of EEGMAT's windows, in samples."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowOptions:
    """``window`` and ``stride`` are in samples of the file, ``length`` is the resampled window's.

    ``rate`` is in Hz; ``instances`` is the number of parts of the ECG; ``rest_seconds`` limits the recording at rest.
    """

    window: int
    stride: int
    length: int
    rate: int
    instances: int
    rest_seconds: float | None
