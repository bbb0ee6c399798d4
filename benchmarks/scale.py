"""Time, memory and bytes of each step by number of samples, with simulated data of 2,000 people and three modalities.

    python benchmarks/scale.py [--samples 10000,50000,200000] [--people 2000] [--steps NAME,NAME] [--out FILE]

Every step is a command of its own: preparing, a run with trained encoders, the same run again, a run on tokens of a
frozen encoder, showing the records, and adding them to a leaderboard. Reported are the time that passed, the time of
the processor of all processes, the peak memory of the largest process, its own and with mapped files, which the system
can reclaim, and the bytes that the step left behind. Processes are looked at 20 times a second. The plot beside the
table shows time and own memory; a line that is as steep as the dashed one grows like the samples.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [] if str(HERE) in sys.path else [str(HERE)]

from timing import machine  # noqa: E402  # the folder is not installed

from mmbench.storage.files import write_text  # noqa: E402

PLUGIN = HERE / "speed" / "scale_plugin.py"
MMBENCH = (sys.executable, "-m", "mmbench")


@dataclass(frozen=True)
class Measured:
    """A step on ``samples``: ``seconds`` that passed and of the ``processor``; ``own``, ``peak`` and ``left`` in MB."""

    step: str
    samples: int
    seconds: float
    processor: float
    own: float
    peak: float
    left: float


@dataclass(frozen=True)
class Place:
    """Where a number of samples is measured: a folder, and the spec of the simulated dataset."""

    folder: Path
    dataset: str

    @property
    def home(self) -> Path:
        """The folder of the records."""
        return next((self.folder / "runs").glob("scale-*"))

    def run(self, *options: str) -> list[str]:
        """A comparison of three methods over two folds and one epoch."""
        shared = "--protocol subject --folds 2 --seeds 1 --training epochs=1 --jobs 1 --diagnose no"
        shared += f" --cache {self.folder / 'cache'}"
        files = f"--plugin {PLUGIN} --data {self.folder / 'data'} --out {self.folder / 'runs'}"
        return ["run", "concat", self.dataset, "--against", "late,prior", *shlex.split(f"{shared} {files}"), *options]

    def prepare(self) -> list[str]:
        """The preparation of the dataset."""
        files = f"--plugin {PLUGIN} --data {self.folder / 'data'} --cache {self.folder / 'cache'} --jobs 1"
        return ["data", "prepare", self.dataset, *shlex.split(files)]


STEPS: dict[str, Callable[[Place], list[str]]] = {
    "prepare": Place.prepare,
    "run with trained encoders": lambda place: place.run(),
    "the same run again": lambda place: place.run(),
    "run with frozen encoders": lambda place: place.run("--encoder", "vector=fixed"),
    "show": lambda place: ["show", str(place.home)],
    "leaderboard add": lambda place: ["leaderboard", "add", str(place.home), "--root", str(place.folder / "boards")],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every step for every number of samples; write and print the table, and plot it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=_numbers, default=[10_000, 50_000, 200_000])
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--steps", type=lambda text: text.split(","), default=list(STEPS))
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS-scale.md")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.steps) - set(STEPS)):
        parser.error(f"no step {unknown[0]!r}: choose from {', '.join(STEPS)}")
    found: list[Measured] = []
    for samples in options.samples:
        for each in measure_all(samples, options.people, options.steps):
            found.append(each)
            write_text(options.out, describe(found, options.people))  # what is done survives an interruption
    if len(options.samples) > 1:
        plot(found, options.out.with_suffix(".svg"))
    print(describe(found, options.people))
    return 0


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def measure_all(samples: int, people: int, steps: Sequence[str]) -> Iterator[Measured]:
    """The steps for a number of samples, each on what the earlier ones left."""
    with tempfile.TemporaryDirectory() as name:
        place = Place(Path(name), f"scale[samples={samples},people={people}]")
        (place.folder / "data").mkdir()
        for step in steps:
            yield measure(step, STEPS[step](place), samples, place.folder)


def measure(step: str, command: list[str], samples: int, folder: Path) -> Measured:
    """Run a command to its end; its memory and times are those of all processes that it starts."""
    before, start = _size(folder), time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    seen: dict[int, Usage] = {}
    family = Family()
    with tempfile.TemporaryFile() as errors:
        words = [*MMBENCH, *command]
        process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=errors, env=environment, start_new_session=True
        )
        while process.poll() is None:
            for number, usage in family.look(process.pid):
                seen[number] = usage.with_earlier(seen.get(number))
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        errors.seek(0)
        told = errors.read().decode()
    if process.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{told[-2000:]}")
    processor = sum(usage.processor for usage in seen.values())
    own, peak = (max(getattr(usage, name) for usage in seen.values()) for name in ("own", "peak"))
    return Measured(step, samples, seconds, processor, own, peak, (_size(folder) - before) / 1e6)


@dataclass(frozen=True)
class Usage:
    """What a process used: seconds of the ``processor``, the largest ``own`` memory and ``peak`` memory in MB."""

    processor: float
    own: float
    peak: float

    def with_earlier(self, earlier: "Usage | None") -> "Usage":
        """The same with what was seen before, whose own memory may have been larger."""
        return self if earlier is None else Usage(self.processor, max(self.own, earlier.own), self.peak)


class Family:
    """A process, those that it started, and theirs, also after one that started another has ended."""

    def __init__(self) -> None:
        self.members: set[int] = set()
        self.sessions: set[int] = set()

    def look(self, first: int) -> Iterator[tuple[int, Usage]]:
        """What each process has used so far."""
        self.members.add(first)
        fields = dict(_look_at_processes())
        grown = True
        while grown:
            of = {number for number, each in fields.items() if self._is_of(int(each[1]), int(each[3]))}
            grown = not of <= self.members
            self.members |= of
            self.sessions |= {int(fields[number][3]) for number in self.members & fields.keys()}
        tick = os.sysconf("SC_CLK_TCK")
        for number in self.members & fields.keys():
            with suppress(OSError, KeyError):  # it ends meanwhile
                lines = Path(f"/proc/{number}/status").read_text().splitlines()
                memory = {name: int(text.split()[0]) / 1024 for name, text in _memory_fields(lines)}
                ticks = sum(map(int, fields[number][11:13]))
                yield number, Usage(ticks / tick, memory["RssAnon"], memory["VmHWM"])

    def _is_of(self, parent: int, session: int) -> bool:
        return parent in self.members or session in self.sessions


def _look_at_processes() -> Iterator[tuple[int, list[str]]]:
    """The fields of every process behind its name, as in proc(5)."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):  # it ends meanwhile
                yield int(entry.name), Path(entry, "stat").read_text().rpartition(")")[2].split()


def _memory_fields(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and values, in kB, of the memory fields of a status."""
    parts = (line.partition(":") for line in lines)
    return ((name, value) for name, _, value in parts if name in ("RssAnon", "VmHWM"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def describe(found: Sequence[Measured], people: int) -> str:
    """The table in Markdown."""
    lines = [
        "# Growth with the number of samples",
        "",
        f"Written by `python benchmarks/scale.py`. All data are simulated: {people:,} people, three vectors of 32",
        "numbers. Three methods (concat, late, prior), two folds over people, one epoch, one process. One run each:",
        "other load of the machine lengthens the time that passed more than that of the processor.",
        "",
        *(f"- {line}" for line in machine()),
        "",
        "| step | samples | passed | processor | own memory | with mapped files | left behind |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    order = {step: at for at, step in enumerate(STEPS)}
    for each in sorted(found, key=lambda each: (order[each.step], each.samples)):
        lines.append(
            f"| {each.step} | {each.samples:,} | {each.seconds:.1f} s | {each.processor:.1f} s "
            f"| {each.own:.0f} MB | {each.peak:.0f} MB | {each.left:.1f} MB |"
        )
    return "\n".join([*lines, "", "```json", json.dumps([vars(each) for each in found]), "```", ""])


def plot(found: Sequence[Measured], path: Path) -> None:
    """Processor time and own memory of each step by number of samples, on logarithmic axes."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
    for axis, name, unit in ((axes[0], "processor", "processor time, s"), (axes[1], "own", "own memory, MB")):
        for step in dict.fromkeys(each.step for each in found):
            mine = sorted((each.samples, getattr(each, name)) for each in found if each.step == step)
            axis.plot(*zip(*mine, strict=True), marker="o", label=step)
        samples = sorted({each.samples for each in found})
        least = min(getattr(each, name) for each in found if each.samples == samples[0])
        axis.plot(samples, [least * n / samples[0] for n in samples], "--", color="grey", label="like the samples")
        axis.set(xscale="log", yscale="log", xlabel="samples (simulated)", ylabel=unit)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize="small")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    raise SystemExit(main())
