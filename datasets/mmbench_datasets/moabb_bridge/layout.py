"""The modalities that the runs of all subjects share, from their headers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbench import DataError, Modality, SpecError
from mmbench_datasets.moabb_bridge.files import RunHeader
from mmbench_datasets.moabb_bridge.trials import VOLTAGES

Headers = Sequence[tuple[Path, Sequence[RunHeader]]]


@dataclass(frozen=True)
class Layout:
    """``channels`` of each modality, ``rate`` in Hz and ``n_steps`` of a trial; ``unshared`` are channels of only some.

    ``n_runs_without`` counts the runs that lack a modality.
    """

    channels: Mapping[str, Sequence[str]]
    rate: float
    n_steps: int
    unshared: Mapping[str, Sequence[str]]
    n_runs_without: Mapping[str, int]

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """A time series for each type of channel; those that are no voltages may be constant in a trial."""
        return tuple(
            Modality(
                kind,
                "timeseries",
                (len(names), self.n_steps),
                rate=self.rate,
                channels=tuple(names),
                may_be_constant=kind not in VOLTAGES,
            )
            for kind, names in self.channels.items()
        )


def find_layout(files: Headers, excluded: Sequence[str]) -> Layout:
    """What the runs share: of each type of channel, the channels of all runs that have the type, in the first's order.

    ``excluded`` channels are left out. Raises DataError for runs at different rates, SpecError for an excluded channel
    that no run has, or where no channel is left.
    """
    headers = [header for _, runs in files for header in runs]
    check_rates(files)
    kinds = list(dict.fromkeys(kind for header in headers for kind in header.channels))
    by_kind = {kind: [header.channels[kind] for header in headers if kind in header.channels] for kind in kinds}
    everywhere = {name for lists in by_kind.values() for names in lists for name in names}
    if strange := [name for name in excluded if name not in everywhere]:
        raise SpecError(
            f"no run has a channel {strange[0]!r}",
            where="moabb[exclude]",
            remedy=f"choose from {', '.join(sorted(everywhere))}",
        )
    channels, unshared = {}, {}
    for kind, lists in by_kind.items():
        shared = set(lists[0]).intersection(*lists[1:])
        if kept := [name for name in lists[0] if name in shared and name not in excluded]:
            channels[kind] = kept
        if others := sorted(_union(lists) - shared - set(excluded)):
            unshared[kind] = others
    if not channels:
        raise SpecError("no channel is left that all runs share", where="moabb[exclude]", remedy="exclude fewer")
    without = {kind: len(headers) - len(by_kind[kind]) for kind in channels}
    return Layout(channels, headers[0].rate, headers[0].n_steps, unshared, without)


def check_rates(files: Headers) -> None:
    """Raise DataError about the first file with a run at another rate than the first run of all."""
    first = files[0][1][0]
    for path, runs in files:
        for header in runs:
            if header.rate != first.rate:
                message = (
                    f"run {header.session}/{header.run} was recorded at {header.rate:g} Hz, others at {first.rate:g}"
                )
                lowest = min(each.rate for _, others in files for each in others)
                raise DataError(message, where=path, remedy=f"give rate={int(lowest)}, to resample all runs")


def _union(lists: Iterable[Sequence[str]]) -> set[str]:
    return {name for names in lists for name in names}
