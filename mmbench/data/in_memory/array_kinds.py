"""Kind, bags and missing instances of a modality in memory, from its arrays and what the user states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Column, Modality
from mmbench.errors import DataError
from mmbench.storage import counted

KINDS = ("audio", "image", "table", "text", "timeseries", "vector")
Array = NDArray[Any]
_EXAMPLES = 'write "vector", ("timeseries", 128.0) with the rate in Hz, or a mmbench.Modality'


@dataclass(frozen=True)
class ArrayModality:
    """One modality of n samples, as it is stored: an array, or columns of the table of samples.

    ``array`` is ``(n, D)`` vectors, ``(n, C, T)`` time series, ``(n, T)`` audio, ``(n, H, W, 3)`` images, with bags
    ``(n, K, ...)``; with ``offsets`` int64 ``(n + 1,)`` it is ``(C, total)``, instances one after another. ``present``
    is bool, ``(n,)`` or ``(n, K)``. ``levels`` are those of categorical columns.
    """

    name: str
    kind: str
    present: NDArray[np.bool_]
    array: Array | None = None
    offsets: NDArray[np.int64] | None = None
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rate: float | None = None
    instances: int = 1
    channels: tuple[str, ...] = ()
    may_be_constant: bool = False

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of one instance, as that of a `Modality`; None for an open length."""
        if self.array is None:
            return (len(self.columns),) if self.kind == "table" else ()
        if self.kind == "audio":
            return (1, None)
        if self.offsets is not None:
            return (len(self.array), None)
        shape = self.array.shape[2 if self.instances > 1 else 1 :]
        return (3, *shape[:2]) if self.kind == "image" else shape

    @property
    def modality(self) -> Modality:
        """The modality as a schema holds it."""
        is_table = self.kind == "table"
        columns = tuple(Column(name, self.levels.get(name, ())) for name in self.columns) if is_table else ()
        kind: Any = self.kind  # one of KINDS
        return Modality(
            self.name,
            kind,
            self.shape,
            self.instances,
            self.rate,
            self.channels,
            columns,
            may_be_constant=self.may_be_constant,
        )

    @property
    def line(self) -> str:
        """The modality in words, such as ``signal: timeseries (32, 512) at 128 Hz``."""
        shape = f" ({', '.join('open' if each is None else str(each) for each in self.shape)})" if self.shape else ""
        rate = "" if self.rate is None else f" at {self.rate:g} Hz"
        bag = f", {self.instances} instances a sample" if self.instances > 1 else ""
        columns = f": {', '.join(map(self._column, self.columns))}" if self.kind == "table" else ""
        return f"{self.name}: {self.kind}{shape}{rate}{bag}{columns}{self._missing}"

    def _column(self, name: str) -> str:
        levels = f" ({counted(len(self.levels[name]), 'level')})" if name in self.levels else ""
        return f"{name.partition('.')[2]}{levels}"

    @property
    def _missing(self) -> str:
        gone = ~self.present.reshape(len(self.present), -1)
        samples, instances = int(gone.all(axis=1).sum()), int(gone[~gone.all(axis=1)].sum())
        found = [f"missing in {counted(samples, 'sample')}"] if samples else []
        found += [f"{counted(instances, 'instance')} missing"] if instances else []
        return "".join(f"; {each}" for each in found)


@dataclass(frozen=True)
class StatedKind:
    """What the user states about a modality: its kind (empty: not stated), rate in Hz, size of the bag, channels.

    ``may_be_constant`` is that of a `Modality`.
    """

    kind: str = ""
    rate: float | None = None
    instances: int | None = None
    channels: tuple[str, ...] = ()
    shape: tuple[int | None, ...] = ()
    may_be_constant: bool = False


def read_kind(name: str, stated: Any) -> StatedKind:
    """What ``kinds[name]`` states: a kind, a kind with a rate, or a `Modality`; DataError for anything else."""
    if stated is None:
        return StatedKind()
    where = f"kinds[{name!r}]"
    if isinstance(stated, Modality):
        found = _read_stated_modality(name, stated, where)
    else:
        parts = (stated,) if isinstance(stated, str) else tuple(stated) if isinstance(stated, tuple | list) else ()
        if not 1 <= len(parts) <= 2 or not isinstance(parts[0], str):
            raise DataError("is not a kind", where=where, remedy=f"{_EXAMPLES}; kinds are {', '.join(KINDS)}")
        found = StatedKind(*parts)
    if found.kind not in KINDS:
        remedy = f"{_EXAMPLES}; kinds are {', '.join(KINDS)}"
        raise DataError(f"{found.kind!r} is no kind of arrays", where=where, remedy=remedy)
    if found.rate is not None and not _is_rate(found.rate):
        raise DataError(f"{found.rate!r} is no rate in Hz", where=where, remedy=_EXAMPLES)
    if found.rate is not None and found.kind not in ("timeseries", "audio"):
        raise DataError(f"{found.kind} has no rate", where=where, remedy=f'write "{found.kind}"')
    return found


def _is_rate(rate: Any) -> bool:
    return not isinstance(rate, bool) and isinstance(rate, int | float | np.number) and bool(0 < rate < float("inf"))


def _read_stated_modality(name: str, stated: Modality, where: str) -> StatedKind:
    if stated.name != name:
        raise DataError(f"is called {stated.name!r}", where=where, remedy=f'write mmbench.Modality("{name}", ...)')
    if stated.columns or stated.resize:
        what = "columns" if stated.columns else "resize"
        remedy = "leave it out: columns and sizes are those of the data"
        raise DataError(f"{what} of a modality in memory cannot be stated", where=where, remedy=remedy)
    bag = stated.instances if stated.instances > 1 else None
    return StatedKind(stated.kind, stated.rate, bag, stated.channels, stated.shape, stated.may_be_constant)
