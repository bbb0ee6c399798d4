"""Detection rate of baselines that fail with another method's training settings, by real trainings.

``python benchmarks/inherited.py --out DIR`` trains concat and attention in two folds under 14 settings and the host's
own, on mfeat and on SIMULATED vectors that predict their label well, weakly or not at all, and compares the warnings of
`mmbench.results.inherited_settings` with the loss of balanced accuracy under each setting. A second call trains only
what is missing.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import mmbench
from mmbench import Card, Dataset, Modality, Sample, Schema, hookimpl
from mmbench.results.comparison import Comparison
from mmbench.results.inherited_settings import find_untrained
from mmbench.workflows.arguments.signatures import RunOptions

METHODS = ("prior", "concat", "attention")  # the first lends its settings to the others
SETTINGS: tuple[Mapping[str, Any], ...] = (
    *({"lr": lr} for lr in (1e-6, 3e-5, 1e-4, 3e-2, 1.0)),
    *({"epochs": epochs} for epochs in (1, 4)),
    {"epochs": 100, "patience": 20},
    {"weight_decay": 30.0},
    {"modality_dropout": 0.9},
    {"label_smoothing": 0.9},
    {"batch_size": 8},
    {"batch_size": 512},
    {"patience": 1},
)
DATA: Mapping[str, RunOptions] = {
    "mfeat": {"modalities": ["mor", "zer"]},
    "vectors[strength=0.5]": {"protocol": "subject"},
    "vectors[strength=0.15]": {"protocol": "subject"},
    "vectors[strength=0.0]": {"protocol": "subject"},
}


class Vectors(Dataset):
    """Two modalities of 20 normal values, three of which are shifted by the label times ``strength``; 12 people."""

    name = "vectors"
    card: ClassVar[Card] = Card("Vectors", "simulated", "none", "https://example.org", "nobody")

    def __init__(self, *, strength: float = 0.0) -> None:
        self.strength = strength

    def schema(self) -> Schema:
        """Two vectors, two classes."""
        return Schema(
            (Modality("a", "vector", (20,)), Modality("b", "vector", (20,))), {"side": ("no", "yes")}, ("subject",)
        )

    def check(self, root: Path) -> list[Any]:
        """No file is needed."""
        return []

    def units(self, root: Path) -> list[str]:
        """A unit a person."""
        return [f"s{person}" for person in range(12)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """None."""
        return []

    def locate(self, cache: Path) -> Path:
        """Any folder: nothing is read."""
        return cache

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """40 samples of a person, drawn from their number."""
        draws = np.random.default_rng(int(unit[1:]))
        for number in range(40):
            values = draws.normal(size=(2, 1, 20)).astype(np.float32)
            values[..., :3] += self.strength * (2 * (number % 2) - 1)
            data = {"a": values[0], "b": values[1]}
            yield Sample(f"{unit}-{number}", {"side": number % 2}, data, {"subject": unit})


@hookimpl
def register_datasets(register: Callable[[type[Dataset]], None]) -> None:
    """The simulated one."""
    register(Vectors)


def run(dataset: str, training: Mapping[str, Any], out: Path) -> Comparison:
    """The methods under some settings."""
    options: RunOptions = {
        **DATA[dataset],
        "training": training,
        "out": out,
        "folds": 2,
        "jobs": 1,
        "seeds": 1,
        "diagnose": "no",
        "weights": "drop",
        "plugins": (__file__,),
    }
    return mmbench.run(METHODS[0], dataset, METHODS[1:], **options)


def judge(dataset: str, out: Path) -> Iterator[tuple[str, bool]]:
    """What settings cost a baseline, in words, and whether it was noticed."""
    usual = run(dataset, {}, out)
    for training in SETTINGS:
        found = run(dataset, training, out)
        noticed = {each.method for each in find_untrained(found.methods)}
        for method, before in zip(found.methods[1:], usual.methods[1:], strict=True):
            lost = before.scores["balanced_accuracy"].mean - method.scores["balanced_accuracy"].mean
            word = ".20 and more" if lost >= 0.2 else ".05 to .20" if lost > 0.05 else "less than .05"
            print(
                f"{dataset} {method.name} {dict(training)}: {-lost:+.3f}{' noticed' * (method.name in noticed)}",
                flush=True,
            )
            yield word, method.name in noticed


def main() -> None:
    """Train, and print detection rates by loss of balanced accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs-inherited"))
    out = parser.parse_args().out
    for title, names in (
        ("data with labels to learn", list(DATA)[:-1]),
        ("unpredictable labels", list(DATA)[-1:]),
    ):
        counts = Counter(outcome for name in names for outcome in judge(name, out))
        print(f"\n{title}\n{'lost balanced accuracy':<24}noticed")
        for word in (".20 and more", ".05 to .20", "less than .05"):
            print(f"{word:<24}{counts[word, True]} of {counts[word, True] + counts[word, False]}")


if __name__ == "__main__":
    main()
