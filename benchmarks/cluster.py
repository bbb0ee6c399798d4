"""Overhead of a job on a Dask cluster, and what a lost worker costs: 200 jobs on eight workers of this machine.

    python benchmarks/cluster.py [--folds 50] [--workers 8] [--epochs 1] [--out FILE]

The jobs are trainings of `concat` and `linear`, two seeds of each, leaving out one of 50 simulated people: 200 in all.
They run with `--jobs 2`, then on the workers, then on the workers again, one of which is killed when a quarter of the
records are there. The records of the three runs are compared: labels, outputs and scores must be the same bits. Workers
share two folders with the command, as machines would through a network file system.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [] if str(HERE) in sys.path else [str(HERE)]

from timing import machine  # noqa: E402  # the folder is not installed

from mmbench.storage.files import write_text  # noqa: E402

PLUGIN = HERE / "speed" / "scale_plugin.py"
METHODS, SEEDS = ("concat", "linear"), 2
_PATIENCE = 120  # seconds for all workers to be there


@dataclass(frozen=True)
class Measured:
    """A run of ``jobs``: seconds from call to table, and seconds that its jobs themselves took, summed."""

    name: str
    jobs: int
    seconds: float
    inside: float


class Cluster:
    """A scheduler and workers as processes of this machine; ``folder`` holds their files and logs."""

    def __init__(self, folder: Path, n_workers: int) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", "s.json")
        self.workers = [
            self._start("worker", "--scheduler-file", "s.json", "--nthreads", "1", "--no-dashboard", "--no-nanny")
            for _ in range(n_workers)
        ]
        self.address = self._wait(n_workers)

    def _start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=_environment())
        self.processes.append(process)
        return process

    def _wait(self, n_workers: int) -> str:
        from distributed import Client

        path, end = self.folder / "s.json", time.monotonic() + _PATIENCE
        while not path.is_file() and time.monotonic() < end:
            time.sleep(0.1)
        address: str = json.loads(path.read_text(encoding="utf-8"))["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(n_workers, timeout=_PATIENCE)
        return address

    def close(self) -> None:
        """End the processes; a worker that still waits for its scheduler is killed."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def cluster(folder: Path, n_workers: int) -> Iterator[Cluster]:
    """A cluster while a block runs."""
    folder.mkdir()
    started = Cluster(folder, n_workers)
    try:
        yield started
    finally:
        started.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the three runs; write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=50)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS-cluster.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        found = measure_all(Path(name), options.folds, options.workers, options.epochs)
    text = describe(found, options.workers)
    write_text(options.out, text)
    print(text)
    return 0


def measure_all(folder: Path, folds: int, n_workers: int, epochs: int) -> list[Measured]:
    """A run with two processes, one on the cluster, and one that loses a worker, over the same prepared data."""
    (folder / "data").mkdir()
    run_command(folder, "warm-up", folds, epochs, "--folds", "2", "--protocol", "subject")
    found = [measure(folder, "two processes", folds, epochs, "--jobs", "2")]
    with cluster(folder / "first", n_workers) as first:
        run_command(folder, "warm-up", folds, epochs, "--folds", str(n_workers), "--protocol", "subject", *_at(first))
        found.append(measure(folder, "cluster", folds, epochs, *_at(first)))
    with cluster(folder / "second", n_workers) as second:
        command = start_command(folder, "lost worker", folds, epochs, *_at(second))
        start = time.perf_counter()
        n_jobs = folds * len(METHODS) * SEEDS
        while len(records(folder / "lost worker")) < n_jobs // 4 and command.poll() is None:
            time.sleep(0.05)
        second.workers[0].send_signal(signal.SIGKILL)
        finish(command)
        found.append(summarise(folder, "lost worker", time.perf_counter() - start))
    for name in ("cluster", "lost worker"):
        compare(folder / "two processes", folder / name)
    return found


def _at(started: Cluster) -> tuple[str, str]:
    return "--cluster", started.address


def measure(folder: Path, name: str, folds: int, epochs: int, *options: str) -> Measured:
    """Run the command to its end."""
    start = time.perf_counter()
    run_command(folder, name, folds, epochs, *options)
    return summarise(folder, name, time.perf_counter() - start)


def summarise(folder: Path, name: str, seconds: float) -> Measured:
    """What the records of a run say."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in records(folder / name)]
    return Measured(name, len(found), seconds, sum(each["seconds"] for each in found))


def start_command(folder: Path, name: str, folds: int, epochs: int, *options: str) -> "subprocess.Popen[bytes]":
    """Start the comparison; its records go to a folder of this name."""
    first, *others = METHODS
    words = ["run", first, f"scale[samples={20 * folds},people={folds}]", "--against", ",".join(others)]
    words += ["--seeds", str(SEEDS), "--training", f"epochs={epochs}", "--diagnose", "no", "--quiet"]
    words += ["--plugin", str(PLUGIN), "--data", str(folder / "data"), "--cache", str(folder / "cache")]
    words += ["--out", str(folder / name), *options]
    words += [] if "--protocol" in options else ["--protocol", "loso"]
    command = [sys.executable, "-m", "mmbench", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_environment())


def run_command(folder: Path, name: str, folds: int, epochs: int, *options: str) -> None:
    """Run the comparison to its end."""
    finish(start_command(folder, name, folds, epochs, *options))


def finish(process: "subprocess.Popen[bytes]") -> None:
    """Wait for a command; SystemExit with what it said if it failed."""
    _, told = process.communicate()
    if process.returncode:
        raise SystemExit(f"mmbench failed:\n{told.decode()[-2000:]}")


def records(folder: Path) -> list[Path]:
    """The records of a run."""
    return sorted(folder.glob("*/*/fold-*.json"))


def compare(one: Path, other: Path) -> None:
    """SystemExit unless two runs have the same results in every record."""
    both = [{path.relative_to(folder): path for path in records(folder)} for folder in (one, other)]
    if both[0].keys() != both[1].keys():
        raise SystemExit(f"{other.name}: {len(both[1])} records, not the {len(both[0])} of {one.name}")
    for name, path in both[0].items():
        first, second = (json.loads(each.read_text(encoding="utf-8")) for each in (path, both[1][name]))
        for key in ("ids", "labels", "logits", "scores", "epochs"):
            if first[key] != second[key]:
                raise SystemExit(f"{other.name}: {name} has other {key} than {one.name}")


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def describe(found: Sequence[Measured], n_workers: int) -> str:
    """The table in Markdown."""
    lines = [
        "# Jobs on a cluster",
        "",
        "Written by `python benchmarks/cluster.py`. All data are simulated. Trainings of `concat` and `linear` that",
        f"leave out one person each, on two processes and on {n_workers} Dask workers of the same machine, one of",
        "which is killed in the last run. All records of the three runs have the same results, bit for bit.",
        "",
        *(f"- {line}" for line in machine()),
        "",
        "| run | jobs | passed | a job | inside jobs |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {each.name} | {each.jobs} | {each.seconds:.1f} s | {each.seconds / each.jobs * 1e3:.0f} ms "
        f"| {each.inside:.1f} s |"
        for each in found
    ]
    note = "Passed: from the call of `mmbench run` to its end. Inside jobs: the times in the records, summed."
    return "\n".join([*lines, "", note, ""])


if __name__ == "__main__":
    raise SystemExit(main())
