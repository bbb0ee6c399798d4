"""Samples of an exported subject."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mmbench import Sample
from mmbench_datasets.moabb_bridge.files import read_runs
from mmbench_datasets.moabb_bridge.layout import Layout


def read_trials(
    path: Path, unit: str, exported: Sequence[str], classes: Sequence[str], layout: Layout, task: str
) -> Iterator[Sample]:
    """The trials of ``classes`` in the file of a subject; ``exported`` are all classes of the export."""
    for run in read_runs(path, exported):
        header = run.header
        order = {
            kind: [header.channels[kind].index(name) for name in names]
            for kind, names in layout.channels.items()
            if kind in header.channels
        }
        session = f"{unit}/{header.session}"
        recording = f"{session}/{header.run}"
        length = header.n_steps / header.rate
        for at, stretch in enumerate(find_stretches(run.starts, length)):
            if run.labels[at] not in classes:
                continue
            yield Sample(
                id=f"{recording}/t{at:03d}",
                labels={task: classes.index(run.labels[at])},
                data={kind: run.signals[kind][at : at + 1, rows] for kind, rows in order.items()},
                groups={
                    "subject": unit,
                    "session": session,
                    "run": recording,
                    "trial": f"{recording}/t{stretch:03d}",
                },
                span=(run.starts[at], run.starts[at] + length),
            )


def find_stretches(starts: Sequence[float], length: float) -> list[int]:
    """For each interval, the first of those that it overlaps with, directly or through others.

    ``starts`` are in order of time; ``length`` is that of all intervals, in s.
    """
    stretches: list[int] = []
    for at, start in enumerate(starts):
        overlaps = at > 0 and start < starts[at - 1] + length - 1e-6
        stretches.append(stretches[-1] if overlaps else at)
    return stretches
