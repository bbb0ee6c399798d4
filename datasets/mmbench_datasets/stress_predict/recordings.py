"""What a sensor recorded, out of its file, and windows of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench import DataError
from mmbench_datasets.stress_predict.sensors import REMEDY, Sensor, read_start, shorten


@dataclass(frozen=True)
class Recording:
    """What a sensor recorded: ``values`` ``(channels, time)`` from the Unix time ``start`` on."""

    sensor: Sensor
    start: float
    values: NDArray[np.float32]

    def cut(self, start: float, seconds: float) -> NDArray[np.float32] | None:
        """The window ``(1, channels, time)`` from a Unix time on; None unless the whole of it was recorded."""
        first = round((start - self.start) * self.sensor.rate)
        stop = first + round(seconds * self.sensor.rate)
        return self.values[None, :, first:stop] if first >= 0 and stop <= self.values.shape[1] else None


def load_recording(path: Path, sensor: Sensor) -> Recording:
    """A file in the unit of its samples; DataError names what is damaged."""
    start = read_start(path, sensor)
    try:
        values = np.loadtxt(path, np.float64, delimiter=",", skiprows=2, ndmin=2)
    except (ValueError, OverflowError) as error:
        raise DataError(f"holds no numbers ({shorten(error)})", where=path, remedy=REMEDY) from error
    if values.shape[1] != len(sensor.channels):
        raise DataError(f"has {values.shape[1]} columns, not {len(sensor.channels)}", where=path, remedy=REMEDY)
    with np.errstate(over="ignore"):  # the host refuses what is infinite
        return Recording(sensor, start, np.ascontiguousarray(values.T * sensor.scale, np.float32))
