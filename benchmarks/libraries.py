"""Kept implementations against the libraries that could replace them: time, peak memory and damaged files.

``python benchmarks/libraries.py`` prints one line per implementation. ``pooch`` and ``pymatreader`` are measured where
they are installed; mmbench does not depend on them.
"""

import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (40, 40, 8064)
"""Signals of one subject of DEAP: 103 MB in float64."""

N_DAMAGED = 1000
N_RUNS = 3  # of which the fastest is printed
_HERE = Path(__file__).parent  # where the readers' processes find this module

_MAT_READERS = {
    "mmbench": "from mmbench_datasets.shared.mat5 import load_mat; "
    "load_mat(open(path, 'rb').read(), ('data', 'labels'), 512 << 20)",
    "scipy": "from scipy.io import loadmat; loadmat(path)",
    "pymatreader": "from pymatreader import read_mat; read_mat(path)",
}
_PICKLE_READERS = {
    "mmbench": "from pathlib import Path; from mmbench_datasets.shared.array_pickle import load_pickle; "
    "load_pickle(Path(path))",
    "pickle": "from libraries import RestrictedUnpickler; "
    "RestrictedUnpickler(open(path, 'rb'), encoding='latin1').load()",
}


class RestrictedUnpickler(pickle.Unpickler):
    """The C unpickler, limited to the names that arrays need, as the documentation of ``pickle`` recommends."""

    def find_class(self, module: str, name: str) -> Any:
        """Resolve NumPy's names; raises UnpicklingError for any other."""
        if (module, name) not in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


_IMPORTS = {
    "optimizer, mmbench": "import torch; from mmbench.training.optimizer import AdamW as A",
    "optimizer, torch": "import torch; A = torch.optim.AdamW",
}
_STEP = "; p = torch.nn.Parameter(torch.zeros(3)); o = A([p]); p.sum().backward(); o.step(); o.zero_grad()"
_FLOPS = {
    "flops, mmbench": "import torch; from mmbench.training.flops import count_flops; "
    "n = torch.nn.Linear(8, 8); x = torch.zeros(4, 8); print(count_flops(lambda: n(x)))",
    "flops, torch": "import torch; from torch.utils.flop_counter import FlopCounterMode as F\n"
    "n = torch.nn.Linear(8, 8); x = torch.zeros(4, 8); f = F(display=False)\n"
    "with f: n(x)\nprint(f.get_total_flops())",
}
# Seconds without the interpreter and the imports that both sides need, and the peak of the process.
_TIMED = """
import re, sys, time
path = sys.argv[1]
{warmup}
start = time.perf_counter()
{code}
took = time.perf_counter() - start
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(f"{{took:.3f}} {{peak:.0f}}")
"""


def main() -> None:
    """Print every comparison."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        compare_readers("mat5", _MAT_READERS, _write_mat(root))
        compare_readers("array_pickle", _PICKLE_READERS, _write_pickle(root))
        for name, code in _IMPORTS.items():
            print(f"{name:28s} {_run(code + _STEP, root, 'import torch')}")
        for name, code in _FLOPS.items():
            print(f"{name:28s} {_run(code, root, 'import torch')}")
        if find_spec("psutil"):
            print(f"{'peak_memory':28s} {_measure_peaks()}")
        if find_spec("pooch"):
            print(f"{'download, pooch':28s} {_resumed_bytes(_fetch_with_pooch, root / 'pooch')}")
        print(f"{'download, mmbench':28s} {_resumed_bytes(_fetch_with_mmbench, root / 'mmbench')}")


def _measure_peaks() -> str:
    """How many of 30 short peaks of 20 MB are measured to a tenth, by psutil every 10 ms and by mmbench."""
    import psutil
    import torch

    from mmbench.training.peak_memory import PeakMemory

    process, found = psutil.Process(), Counter[str]()
    for _ in range(30):
        ours, start, stop = PeakMemory(torch.device("cpu")), process.memory_info().rss, threading.Event()
        sampled = [start]

        def sample(sampled: list[int] = sampled, stop: threading.Event = stop) -> None:
            while not stop.wait(0.01):
                sampled.append(process.memory_info().rss)

        thread = threading.Thread(target=sample)
        thread.start()
        time.sleep(0.03)
        tensor = torch.ones(5_000_000)
        del tensor
        time.sleep(0.03)
        stop.set()
        thread.join()
        found["mmbench"] += (ours.read() or 0) > 18_000_000
        found["psutil"] += max(sampled) - start > 18_000_000
    return f"peaks measured of 30: mmbench {found['mmbench']}, psutil {found['psutil']}"


def compare_readers(label: str, readers: dict[str, str], path: Path) -> None:
    """Print time and memory for a complete file, and the outcome for damaged ones."""
    damaged = _damage(path)
    for name, code in readers.items():
        if name == "mmbench" or find_spec(name):
            outcomes = ", ".join(f"{fate} {count}" for fate, count in Counter(_fates(code, damaged)).most_common())
            print(f"{label + ', ' + name:28s} {_run(code, path, code.partition('; ')[0])}; damaged files: {outcomes}")


def _write_mat(root: Path) -> Path:
    from scipy.io import savemat

    random = np.random.default_rng(0)
    arrays = {"labels": random.uniform(1, 9, (40, 4)), "data": random.normal(size=SHAPE)}
    savemat(root / "s01.mat", arrays, do_compression=True)
    return root / "s01.mat"


def _write_pickle(root: Path) -> Path:
    random = np.random.default_rng(0)
    arrays = {"labels": random.uniform(1, 9, (40, 4)), "data": random.normal(size=SHAPE)}
    (root / "s01.dat").write_bytes(pickle.dumps(arrays, 2))
    return root / "s01.dat"


def _damage(path: Path) -> list[Path]:
    """Small files of the format of ``path``, each with one to three bytes changed."""
    from scipy.io import savemat

    random = np.random.default_rng(1)
    arrays = {"labels": random.uniform(1, 9, (4, 4)), "data": random.normal(size=(4, 4, 8))}
    whole = path.with_name(f"small{path.suffix}")
    if path.suffix == ".mat":
        savemat(whole, arrays)
    else:
        whole.write_bytes(pickle.dumps(arrays, 2))
    start = 128 if path.suffix == ".mat" else 0  # after the header, which each reader checks
    made = []
    for number in range(N_DAMAGED):
        changed = bytearray(whole.read_bytes())
        for _ in range(int(random.integers(1, 4))):
            changed[start + int(random.integers(0, 160))] = int(random.integers(256))
        made.append(path.with_name(f"{number}{path.suffix}"))
        made[-1].write_bytes(changed)
    return made


_READ_ALL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for path in sys.argv[1:]:
    try:
        {code}
        fate = "read"
    except MemoryError:
        fate = "asks for more than 4 GiB"
    except Exception as error:
        fate = type(error).__name__
    print("fate", fate, flush=True)
"""


def _fates(code: str, paths: list[Path]) -> list[str]:
    """The outcome of reading each file in a process with 4 GiB of memory, which is restarted if it dies."""
    fates: list[str] = []
    while len(fates) < len(paths):
        command = [sys.executable, "-c", _READ_ALL.format(code=code), *map(str, paths[len(fates) :])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_HERE)
        fates += [line.removeprefix("fate ") for line in done.stdout.splitlines() if line.startswith("fate ")]
        if done.returncode < 0:
            fates.append(f"killed by signal {-done.returncode}")
    return fates


def _run(code: str, path: Path, warmup: str) -> str:
    script = _TIMED.format(code=code, warmup=warmup)
    command = [sys.executable, "-c", script, str(path)]
    outputs = [
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=_HERE).stdout for _ in range(N_RUNS)
    ]
    runs = [output.split()[-2:] for output in outputs]
    seconds, peak = min(runs, key=lambda run: float(run[0]))
    return f"{seconds} s, peak {peak} MB"


CONTENT = np.random.default_rng(0).bytes(20_000_000)


class _Breaking(BaseHTTPRequestHandler):
    """A server that closes the first connection after half of the file."""

    sent: list[int]

    def log_message(self, *args: object) -> None: ...

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        stop = len(CONTENT) // 2 if not self.sent else len(CONTENT)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        self.wfile.write(CONTENT[start:stop])
        self.sent.append(max(0, stop - start))


def _resumed_bytes(fetch: Callable[[str, Path], None], folder: Path) -> str:
    """Bytes that a server sends until a file is complete whose first connection was interrupted."""
    sent: list[int] = []
    handler = type("Handler", (_Breaking,), {"sent": sent})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        start = time.perf_counter()
        try:
            fetch(f"http://127.0.0.1:{server.server_port}/", folder)
        finally:
            server.shutdown()
        return f"{sum(sent) / len(CONTENT):.2f} times the size of the file, {time.perf_counter() - start:.1f} s"


def _fetch_with_pooch(url: str, folder: Path) -> None:
    import hashlib

    import pooch

    digest = hashlib.sha256(CONTENT).hexdigest()
    pooch.create(path=folder, base_url=url, registry={"a.bin": digest}, retry_if_failed=3).fetch("a.bin")


def _fetch_with_mmbench(url: str, folder: Path) -> None:
    import hashlib

    from mmbench.contract import Download, Pin
    from mmbench.data.download import fetch

    fetch(Download(url, (Pin("a.bin", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),)), folder)


if __name__ == "__main__":
    main()
