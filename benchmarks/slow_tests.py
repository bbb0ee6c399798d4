"""Writes tests/slow.txt, the tests that `make test` leaves out, from the durations of a run of all tests.

    pytest -n 2 --dist loadfile --durations=0 --durations-min=0.05 > LOG
    python benchmarks/slow_tests.py LOG [--keep 600]

``--keep`` are the seconds of all calls that `make test` may take, on one core; the functions with the longest calls are
left out, all their parameters together, until the others fit.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LIST = Path(__file__).parents[1] / "tests" / "slow.txt"
_LINE = re.compile(r"\s*(\d+\.\d+)s (?:call|setup|teardown)\s+(\S+?::\w+)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the list and print what it leaves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--keep", type=float, default=600.0)
    options = parser.parse_args(arguments)
    took = measure(options.log.read_text(encoding="utf-8", errors="replace").splitlines())
    slow = choose(took, options.keep)
    LIST.write_text("".join(f"{name}\n" for name in sorted(slow)))
    of_slow = sum(took[name] for name in slow)
    print(f"{len(slow)} of {len(took)} functions are slow: {of_slow:.0f} s of {sum(took.values()):.0f} s")


def measure(lines: Iterable[str]) -> dict[str, float]:
    """Seconds of each test function, with all its parameters and the fixtures that it was the first to need."""
    took: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        if match := _LINE.match(line):
            took[match[2]] += float(match[1])
    return took


def choose(took: Mapping[str, float], keep: float) -> list[str]:
    """The functions that take longest, so that the others take at most ``keep`` seconds."""
    left, slow = sum(took.values()), []
    for name, seconds in sorted(took.items(), key=lambda each: -each[1]):
        if left <= keep:
            break
        slow.append(name)
        left -= seconds
    return slow


if __name__ == "__main__":
    main()
