"""All races, each in a process of its own; the results are written to RESULTS.md.

    python benchmarks/bench.py [--only NAME,NAME] [--rounds 5] [--quick] [--out FILE]

A goal that is missed is told in the table and is no error; a race that fails, or whose competitors do not give the
same, is one (exit code 1). ``make bench`` installs the peers and runs all of them.
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

from racing import LEAST_ROUNDS, Outcome, Race, hold, table  # noqa: E402  # the folder is not installed

from mmbench.storage.files import write_text  # noqa: E402

ROOM = 4 * 2**30  # bytes
RACES = (
    "startup",
    "entropy",
    "reading",
    "preparing",
    "training",
    "folds",
    "fusions",
    "milmer_epoch",
    "milmer_evaluation",
    "detection",
    "gpu_tokens",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the races that are asked for, and write and print the table."""
    options = parse(arguments)
    if options.held:
        logging.disable(logging.WARNING)  # of peers, between the lines
        return hold_here(options.only[0], options.rounds, options.quick, options.held)
    races = [load(name) for name in options.only or RACES]
    outcomes = [apart(race, options.rounds, options.quick) for race in races]
    text = table(races, outcomes, command(options))
    write_text(options.out, text)
    print(text)
    return int(any(outcome.refused for outcome in outcomes))


def command(options: argparse.Namespace) -> str:
    """The shell line that gives the same table."""
    words = ["python benchmarks/bench.py"]
    words += [f"--only {','.join(options.only)}"] if options.only else []
    words += ["--quick"] if options.quick else [f"--rounds {options.rounds}"]
    return " ".join(words)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the shell line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {', '.join(RACES)}")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="of each race, at least 5")
    parser.add_argument("--quick", action="store_true", help="see that all races work: tiny, one round, no figures")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    parser.add_argument("--held", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.only or ()) - set(RACES)):
        parser.error(f"no race {', '.join(unknown)}: there is {', '.join(RACES)}")
    if options.rounds < LEAST_ROUNDS and not options.held:
        parser.error(f"--rounds {options.rounds} tells little: give at least {LEAST_ROUNDS}")
    if options.quick:
        options.rounds = 1
        if options.out == HERE / "RESULTS.md":
            options.out = Path(tempfile.gettempdir()) / "RESULTS-quick.md"
    return options


def load(name: str) -> Race:
    """A race by name."""
    return import_module(f"races.{name}")


def apart(race: Race, rounds: int, quick: bool) -> Outcome:
    """Hold a race in a process of its own, since peers change settings of the whole process."""
    start = time.perf_counter()
    print(f"{race.NAME} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "outcome.json"
        command = [sys.executable, "-W", "ignore", __file__, "--only", race.NAME, "--rounds", str(rounds)]
        run = subprocess.run([*command, *(["--quick"] if quick else []), "--held", str(told)], stdout=sys.stderr)
        if told.exists():
            outcome = Outcome(**json.loads(told.read_text()))
        else:  # of a peer: the other races go on
            outcome = Outcome(race.NAME, refused=f"it failed with exit code {run.returncode}")
    print(f"{race.NAME}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return outcome


def hold_here(name: str, rounds: int, quick: bool, told: Path) -> int:
    """What the process of a race does; it tells the outcome in a file."""
    with tempfile.TemporaryDirectory(dir=memory_disk()) as folder:
        told.write_text(json.dumps(asdict(hold(load(name), Path(folder), rounds, quick))))
    return 0


def memory_disk() -> str | None:
    """A file system in memory with room, where there is one: no race is about how soon a disk answers."""
    shelf = Path("/dev/shm")
    return str(shelf) if shelf.is_dir() and shutil.disk_usage(shelf).free > ROOM else None


if __name__ == "__main__":
    sys.exit(main())
