"""Peak memory of preparing, encoding and training by size of the dataset, with simulated tokens (10, 49, 768).

    python benchmarks/memory.py [--samples 400,1000,2000] [--folder DIR]

Each stage runs in its own process, on the results of the earlier stages. Printed are the peaks of the process's own
memory, sampled every 5 ms, and of its memory including mapped files, which the system can reclaim. The last column
extrapolates own memory to all of DEAP (17,480 samples) from the two largest numbers of samples. Preparation holds one
person at a time, here 200 samples of 160 kB; training reads all of these by batch.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

import mmbench
from mmbench import Card, Dataset, Encoder, Modality, Problem, Sample, Schema, TokenSpec, hookimpl

FULL = 17_480
STAGES = ("preparing", "encoding", "training")
UNIT, WIDTH = 200, 4096  # samples of a person, who are read one by one, and numbers in a raw instance
BAG, LENGTH, DIM = 10, 49, 768


class Growing(Dataset):
    """Simulated bags of ten vectors, with a given number of samples."""

    name = "growing"
    card: ClassVar[Card] = Card("Growing", "simulated", "none", "https://example.org", "nobody")

    def __init__(self, *, samples: int = 400) -> None:
        self.samples = samples

    def schema(self) -> Schema:
        return Schema((Modality("video", "vector", (WIDTH,), instances=BAG),), {"side": ("no", "yes")}, ("subject",))

    def check(self, root: Path) -> list[Problem]:
        return []

    def units(self, root: Path) -> list[str]:
        return [f"s{number:03}" for number in range(-(-self.samples // UNIT))]

    def sources(self, root: Path, unit: str) -> list[Path]:
        return []

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        person = int(unit[1:])
        random = np.random.default_rng(person)
        for number in range(min(UNIT, self.samples - person * UNIT)):
            x = random.standard_normal((BAG, WIDTH), dtype=np.float32)
            yield Sample(f"{unit}-{number}", {"side": number % 2}, {"video": x}, {"subject": unit})


class Wide(Encoder):
    """A fixed projection to tokens as many and as wide as those of a Swin."""

    name = "wide"
    kinds = ("vector",)
    frozen = True

    def __init__(self, modality: Modality) -> None:
        super().__init__(modality)
        self.out = TokenSpec(LENGTH, DIM)
        self.project = torch.nn.Linear(WIDTH // LENGTH, DIM)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.project(x[:, : WIDTH // LENGTH * LENGTH].reshape(len(x), LENGTH, -1))
        return tokens


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    register(Growing)


@hookimpl
def register_encoders(register: Callable[[type[Encoder]], None]) -> None:
    register(Wide)


class PeakSampler:
    """The peaks of this process in bytes: its own memory, and with mapped files."""

    def __init__(self) -> None:
        self.own = self.all = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakSampler":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.005):
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.own = max(self.own, 1024 * int(status["RssAnon"].split()[0]))
            self.all = max(self.all, 1024 * int(status["VmRSS"].split()[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", default="400,1000,2000")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--stage", choices=STAGES)
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(measure(options.stage, int(options.samples), options.folder)))
        return
    numbers = sorted({int(number) for number in options.samples.split(",")})
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = {number: measure_in_process(number, Path(folder) / str(number)) for number in numbers}
    print_peaks(found)


def measure_in_process(samples: int, folder: Path) -> dict[str, dict[str, float]]:
    """The peaks of each stage, each in a process of its own."""
    (folder / "data").mkdir(parents=True)
    command = [sys.executable, __file__, "--samples", str(samples), "--folder", str(folder), "--stage"]
    runs = {stage: subprocess.run([*command, stage], check=True, stdout=subprocess.PIPE) for stage in STAGES}
    for path in [*folder.glob("cache/*/*.h5")]:
        path.unlink()  # gigabytes
    return {stage: json.loads(run.stdout.splitlines()[-1]) for stage, run in runs.items()}


def measure(stage: str, samples: int, folder: Path) -> dict[str, float]:
    """The peaks of this process during a stage, and how long it took."""
    torch.set_num_threads(1)
    do = {"preparing": do_prepare, "encoding": do_encode, "training": do_train}[stage]
    start = time.perf_counter()
    with PeakSampler() as watch:
        do(samples, folder)
    return {"own": watch.own, "all": watch.all, "seconds": time.perf_counter() - start}


def do_prepare(samples: int, folder: Path) -> Path:
    from mmbench.data.preparation import Preparation, prepare
    from mmbench.registry.specs import parse_spec

    what = Preparation(parse_spec(f"growing[samples={samples}]"), folder / "data", folder / "cache", (__file__,))
    return prepare(what).path


def do_encode(samples: int, folder: Path) -> None:
    from mmbench.features.cache import Encoding, encode
    from mmbench.registry.specs import parse_spec

    store = do_prepare(samples, folder)
    encode(Encoding(store, "video", parse_spec("wide"), (__file__,), "cpu"), folder / "cache")


def do_train(samples: int, folder: Path) -> None:
    mmbench.run(
        "concat",
        f"growing[samples={samples}]",
        data=folder / "data",
        out=folder / "runs",
        cache=folder / "cache",
        plugins=(__file__,),
        encoders={"video": "wide"},
        training={"epochs": 1},
        protocol="pooled-segment",
        folds=2,
        jobs=1,
        weights="drop",
    )


def print_peaks(found: dict[int, dict[str, dict[str, float]]]) -> None:
    """Print the peaks as a table."""
    few, many = list(found)[-2:]
    print(f"SIMULATED, tokens of ({BAG}, {LENGTH}, {DIM}), peaks in MB: own memory (with mapped files)")
    print("stage    ", *(f"{number:>10,} samples" for number in found), "  KB a sample  all of DEAP")
    for stage in STAGES:
        cells = [
            f"{found[number][stage]['own'] / 1e6:9.0f} ({found[number][stage]['all'] / 1e6:.0f})" for number in found
        ]
        growth = (found[many][stage]["own"] - found[few][stage]["own"]) / (many - few)
        full = found[many][stage]["own"] + max(growth, 0.0) * (FULL - many)
        print(f"{stage:9}", *(f"{cell:>18}" for cell in cells), f"{growth / 1e3:12.1f}  {full / 1e6:11.0f}")


if __name__ == "__main__":
    main()
