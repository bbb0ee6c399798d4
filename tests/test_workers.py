"""Tasks in several processes end, whatever becomes of a process."""

import subprocess
import sys

GROWING = """
import os, sys, time
from mmbench.workers import in_processes

def grow(megabytes, seconds):
    sys.__dict__.setdefault("kept", []).append(b"x" * (megabytes * 1_000_000))
    time.sleep(seconds)  # loky looks at the size of a worker once a second
    return os.getpid()

if __name__ == "__main__":
    tasks = [(1, 0.1)] * 2 + [(400, 1.2)] * 2 + [(1, 0.1)] * 6
    workers = list(in_processes(2, grow, tasks))
    print(len(workers), len(set(workers)) > 2)
"""


def test_a_worker_that_has_grown_is_replaced_though_warnings_are_errors() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", GROWING], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.split(), done.stderr) == (["10", "True"], "")
