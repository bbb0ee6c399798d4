"""Kills and restarts a run at random points; its results must equal those of an uninterrupted run to the bit.

    python benchmarks/killing.py [--kills 200] [--seed 0] [--folder DIR]

Each run compares two methods on simulated data (`tests/plugins/toy_plugin.py`): prepare, encode with a frozen encoder,
tune, train with a trained encoder, record. It is killed (SIGKILL to its process group, or to its first process alone)
shortly after the first sign of a stage in its files, and restarted by the same command, until it is complete. Then its
records are compared with those of an uninterrupted run: all values except times and costs must be bit-identical. No
finished record, tuning result, prepared file or token file may be written again, and no prepared file of a person may
be read again.
"""

import argparse
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

TOY = Path(__file__).parents[1] / "tests" / "plugins" / "toy_plugin.py"
SIGNS = {
    "prepare": ("cache/prepared/*", "cache/prepared/.*"),
    "encode": ("cache/tokens/*", "cache/tokens/.*"),
    "tune": ("runs/*/*/tuning.db*",),
    "train": ("runs/*/*/tuning-*.json",),
    "record": ("runs/*/*/fold-*", "runs/*/*/.part-*fold-*"),
}
"""Files whose creation, removal or growth shows that a stage is running."""
DONE = ("runs/*/*/fold-*.json", "runs/*/*/tuning-*.json", "cache/prepared/[!.]*.h5", "cache/tokens/[!.]*.h5")
"""Files that must not be written again once they exist."""
MAX_TUNE_KILLS = 2  # kills per run during tuning: a tuning trial that is killed three times counts as failed
MAX_KILLS = 10  # per run
IMPORTED = (
    *(
        "mmbench.cli",
        "mmbench.workflows.experiment",
        "mmbench.reporting.terminal",
        "mmbench.execution.tune_fold",
        "scipy.stats",
        "torch._dynamo",
    ),
    *("optuna.storages", "optuna.samplers", "alembic.command", "sqlite3", "safetensors.torch", "threadpoolctl"),
)
"""Modules whose import takes seconds."""
LONGEST = 300  # seconds that a run may take
Look = dict[str, tuple[int, int, int]]


@dataclass
class Tally:
    """Counts of kills and faults so far."""

    kills: Counter[str] = field(default_factory=Counter)
    alone: int = 0
    lives: int = 0
    starts: int = 0
    kept: int = 0
    left: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class ForkServer:
    """A process with all imports that forks a run on request, so that starting one takes no seconds."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, "--serve"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def start(self, arguments: list[str], log: Path) -> int:
        """Start a run; returns its process id, which is that of its group."""
        self._say({"arguments": arguments, "log": str(log)})
        return int(self._hear())

    def ended(self, seconds: float) -> int | None:
        """Exit code of the run, or None if it does not end within ``seconds``."""
        assert self._process.stdout is not None
        return int(self._hear()) if select.select([self._process.stdout], [], [], seconds)[0] else None

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _say(self, what: object) -> None:
        assert self._process.stdin is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def serve() -> None:
    """The loop of the fork server: reads requests as JSON lines, prints process id and exit code of each run."""
    for name in IMPORTED:
        import_module(name)
    for line in sys.stdin:
        what = json.loads(line)
        child = os.fork()
        if not child:
            run_program(what["arguments"], what["log"])
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def run_program(arguments: list[str], log: str) -> None:
    """Run mmbench in this process and exit."""
    from mmbench.cli import main

    os.setsid()
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    sys.argv = ["mmbench", *arguments]
    code: object = 70
    try:
        main()
        code = 0
    except SystemExit as error:
        code = error.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def command(home: Path, jobs: int) -> list[str]:
    """Arguments of the run in the folder ``home``."""
    options = {
        "plugin": TOY,
        "data": home / "people",
        "out": home / "runs",
        "cache": home / "cache",
        "against": "late",
        "encoder": "signal=spectrum",
        "protocol": "subject",
        "folds": 2,
        "tune": 3,
        "training": "epochs=3",
        "device": "cpu",
        "jobs": jobs,
    }
    return ["run", "concat", "toy", *(f"--{name}={value}" for name, value in options.items()), "--json"]


def simulate_people(home: Path) -> Path:
    """Create a folder with files of simulated people."""
    from mmbench.registry.plugins import load_registry

    load_registry((str(TOY),)).find("datasets", "toy").component().simulate(home / "people", subjects=4, trials=4)
    return home


def list_files(home: Path, patterns: tuple[str, ...]) -> Look:
    """Size, modification time and inode of files that match ``patterns``, by path."""
    found = {}
    for pattern in patterns:
        for path in home.glob(pattern):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found[str(path.relative_to(home))] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def results(home: Path) -> dict[str, Any]:
    """All records without times, costs and environment, which differ between runs."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(each) for key, each in value.items() if key not in ("seconds", "cost", "environment")}
        return [bare(each) for each in value] if isinstance(value, list) else value

    return {
        str(path.relative_to(home)): bare(json.loads(path.read_text())) for path in home.glob("runs/*/*/fold-*.json")
    }


def live(server: ForkServer, home: Path, chance: random.Random, stages: list[str], jobs: int, tally: Tally) -> None:
    """A run that is killed in each of ``stages``, restarted, and finally completed."""
    tally.lives += 1
    done: Look = {}
    killed: list[str] = []
    for stage in [*stages, None]:
        before = (
            {later: list_files(home, SIGNS[later]) for later in list(SIGNS)[list(SIGNS).index(stage) :]}
            if stage
            else {}
        )
        if killed.count("tune") == MAX_TUNE_KILLS:
            before.pop("tune", None)
        child = server.start(command(home, jobs), home / "log")
        tally.starts += 1
        code, found = wait_for(server, home, before, chance)
        if code is None and found:
            kill(child, chance, tally)
            tally.kills[found] += 1
            killed.append(found)
            server.ended(LONGEST)
        elif code is None:
            os.killpg(child, signal.SIGKILL)
            server.ended(LONGEST)
            tally.faults.append(f"{home.name}: it hung after {killed}")
        elif code:
            tally.faults.append(f"{home.name}: exit status {code} after {killed}: {tail(home)}")
            return
        now = list_files(home, DONE)
        for path in sorted(done.keys() - now.keys()):
            tally.faults.append(f"{home.name}: {path} is gone after {killed}")
        for path in sorted(path for path in done.keys() & now.keys() if done[path] != now[path]):
            tally.faults.append(f"{home.name}: {path} was written again after {killed}")
        tally.kept += len(done)
        done = now
        if code == 0:
            return


def wait_for(
    server: ForkServer, home: Path, before: dict[str, Look], chance: random.Random
) -> tuple[int | None, str | None]:
    """The exit code of the run, or None and its stage, shortly after the first sign of that stage."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if (code := server.ended(0.001 if before else 1.0)) is not None:
            return code, None
        for stage, seen in reversed(before.items()):
            if list_files(home, SIGNS[stage]) != seen:
                moment = chance.choice((0.0, chance.uniform(0, 0.01), chance.uniform(0, 0.1), chance.uniform(0, 0.5)))
                return server.ended(moment), stage
    return None, None


def kill(child: int, chance: random.Random, tally: Tally) -> None:
    """Kill the process group, or only its first process, which leaves the workers behind."""
    if chance.random() < 0.2:
        tally.alone += 1
        os.kill(child, signal.SIGKILL)
        return
    os.killpg(child, signal.SIGKILL)


def tail(home: Path) -> str:
    """The last lines of the log."""
    return " | ".join((home / "log").read_text(errors="replace").splitlines()[-3:])


def check(home: Path, expected: dict[str, Any], kills: Counter[str], tally: Tally) -> None:
    """Compare the results of a killed run with those of an uninterrupted one."""
    found = results(home)
    for path in sorted(expected.keys() ^ found.keys()):
        tally.faults.append(f"{home.name}: {path} is in one of both only")
    for path in sorted(path for path in expected.keys() & found.keys() if expected[path] != found[path]):
        differing = [name for name in expected[path] if expected[path][name] != found[path].get(name)]
        tally.faults.append(f"{home.name}: {path} differs in {differing}")
    reads = Counter((home / "people" / "reads.log").read_text().split())
    if max(reads.values()) > 1 + kills["prepare"] or sum(reads.values()) > len(reads) + 2 * kills["prepare"]:
        tally.faults.append(f"{home.name}: read {dict(reads)} with {kills['prepare']} kills")
    for left in [*home.glob("runs/**/.part-*"), *home.glob("cache/**/.part-*"), *home.glob("cache/**/*.damaged")]:
        tally.left[left.parent.parent.name if "runs" in left.parts else left.parent.name] += 1


def choose(chance: random.Random, most: int) -> list[str]:
    """Random stages to kill, in the order of a run."""
    order = list(SIGNS)
    stages = [chance.choice(order) for _ in range(most)]
    while stages.count("tune") > MAX_TUNE_KILLS:
        stages[stages.index("tune")] = "train"
    return sorted(stages, key=order.index)


def lives(folder: Path, kills: int, seed: int, jobs: tuple[int, ...] = (1, 1, 2)) -> Iterator[Tally]:
    """Run and kill until the number of kills is reached; yields the tally after each run."""
    server, tally, chance = ForkServer(), Tally(), random.Random(seed)
    try:
        reference = simulate_people(folder / "reference")
        server.start(command(reference, 1), reference / "log")
        if code := server.ended(LONGEST):
            raise SystemExit(f"the run itself fails: {code}: {tail(reference)}")
        expected = results(reference)
        while tally.kills.total() < kills and len(tally.faults) < 20:
            home = simulate_people(folder / f"life-{tally.lives}")
            before = tally.kills.copy()
            stages = choose(chance, min(MAX_KILLS, kills - tally.kills.total()))
            live(server, home, chance, stages, jobs[tally.lives % len(jobs)], tally)
            check(home, expected, tally.kills - before, tally)
            shutil.rmtree(home, ignore_errors=not tally.faults)
            yield tally
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    start, tally = time.monotonic(), Tally()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for tally in lives(Path(folder), options.kills, options.seed):
            print(f"life {tally.lives}: {tally.kills.total()} kills, {len(tally.faults)} faults", file=sys.stderr)
    print_tally(tally, time.monotonic() - start)
    sys.exit(bool(tally.faults))


def print_tally(tally: Tally, seconds: float) -> None:
    """Print the numbers of kills by stage, and the faults."""
    much = f"{tally.lives} runs, each killed up to {MAX_KILLS} times, {tally.starts} starts"
    print(f"SIMULATED data; {much}, {seconds:.0f} s")
    print("killed in  kills")
    for stage in SIGNS:
        print(f"{stage:9} {tally.kills[stage]:6}")
    print(f"{'all':9} {tally.kills.total():6}  of these {tally.alone} of the first process alone")
    if not tally.faults:
        print(f"finished files checked after each start: {tally.kept}, none of them written again")
    print(f"temporary files at the end: {dict(tally.left) or 'none'}")
    print(f"{len(tally.faults)} faults")
    for fault in tally.faults:
        print(f"  {fault}")


if __name__ == "__main__":
    main()
