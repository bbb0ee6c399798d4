"""Runs the speed benchmarks, each in its own process, and writes the results to RESULTS.md.

    python benchmarks/bench.py [--only NAME,NAME] [--rounds 5] [--quick] [--out FILE]

A missed goal is reported in the table and is not an error. The exit code is 1 if a benchmark fails or its contenders
return different results. ``make bench`` installs the other libraries and runs all benchmarks.
"""

import argparse
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [] if str(HERE) in sys.path else [str(HERE)]

from timing import LEAST_ROUNDS, Benchmark, Outcome, run_benchmark, table  # noqa: E402  # the folder is not installed

from mmbench.storage.files import write_text  # noqa: E402

MIN_FREE = 4 * 2**30  # bytes
BENCHMARKS = (
    "startup",
    "entropy",
    "reading",
    "preparing",
    "pictures",
    "training",
    "lengths",
    "folds",
    "fusions",
    "milmer_epoch",
    "milmer_evaluation",
    "detection",
    "gpu_tokens",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the selected benchmarks; write and print the table."""
    options = parse(arguments)
    if options.outcome:
        logging.disable(logging.WARNING)  # of other libraries
        return run_here(options.only[0], options.rounds, options.quick, options.outcome)
    benchmarks = [load(name) for name in options.only or BENCHMARKS]
    outcomes = [run_in_process(benchmark, options.rounds, options.quick) for benchmark in benchmarks]
    text = table(benchmarks, outcomes, command(options))
    write_text(options.out, text)
    print(text)
    return int(any(outcome.failed for outcome in outcomes))


def command(options: argparse.Namespace) -> str:
    """The command that gives the same table."""
    words = ["python benchmarks/bench.py"]
    words += [f"--only {','.join(options.only)}"] if options.only else []
    words += ["--quick"] if options.quick else [f"--rounds {options.rounds}"]
    return " ".join(words)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the options of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"subset of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="number of rounds, at least 5")
    parser.add_argument(
        "--quick", action="store_true", help="test all benchmarks with tiny inputs and one round; figures mean nothing"
    )
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--outcome", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.only or ()) - set(BENCHMARKS)):
        parser.error(f"no benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    if options.rounds < LEAST_ROUNDS and not options.outcome:
        parser.error(f"--rounds {options.rounds} is too few: use at least {LEAST_ROUNDS}")
    if options.quick:
        options.rounds = 1
        if options.out == HERE / "RESULTS.md":
            options.out = Path(tempfile.gettempdir()) / "RESULTS-quick.md"
    return options


def load(name: str) -> Benchmark:
    """Import a benchmark by name."""
    return import_module(f"speed.{name}")


def run_in_process(benchmark: Benchmark, rounds: int, quick: bool) -> Outcome:
    """Run a benchmark in its own process, since other libraries change settings of the process."""
    start = time.perf_counter()
    print(f"{benchmark.NAME} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "outcome.json"
        command = [sys.executable, "-W", "ignore", __file__, "--only", benchmark.NAME, "--rounds", str(rounds)]
        run = subprocess.run([*command, *(["--quick"] if quick else []), "--outcome", str(report)], stdout=sys.stderr)
        if report.exists():
            outcome = Outcome(**json.loads(report.read_text()))
        else:  # killed, or a crash of another library: the other benchmarks continue
            outcome = Outcome(benchmark.NAME, failed=f"exit code {run.returncode}")
    print(f"{benchmark.NAME}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return outcome


def run_here(name: str, rounds: int, quick: bool, report: Path) -> int:
    """Run a benchmark in this process and write its outcome to the file ``report``."""
    with tempfile.TemporaryDirectory(dir=memory_disk()) as folder:
        report.write_text(json.dumps(asdict(run_benchmark(load(name), Path(folder), rounds, quick))))
    return 0


def memory_disk() -> str | None:
    """A file system in memory with enough space, or None; disk latency is not part of any benchmark."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > MIN_FREE else None


if __name__ == "__main__":
    sys.exit(main())
