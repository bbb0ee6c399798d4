"""A run of two methods on the toy dataset of the tests, whose files are corrupted one at a time."""

import shutil
from pathlib import Path
from typing import Literal

TESTS = Path(__file__).parents[2] / "tests"
TOY = str(TESTS / "plugins" / "toy_plugin.py")
KINDS = str(TESTS / "plugins" / "kinds.py")


def run_toy(folder: Path) -> Path:
    """The records of two methods on the toy dataset, in ``folder``, and nothing else but what they stand in."""
    home = folder / "home"
    if not home.is_dir():
        shutil.copytree(_run(folder / "made", "drop"), home)
        shutil.rmtree(folder / "made")
    return home


def runs(folder: Path) -> list[Path]:
    """The folders of their records."""
    return sorted(path for path in run_toy(folder).iterdir() if path.is_dir())


def train_toy(folder: Path) -> tuple[Path, Path]:
    """The same with weights: a record of the first method, and the cache that its data are in."""
    made = folder / "trained"
    home = next((made / "runs").glob("*"), None) or _run(made, "keep")
    return min(home.glob("concat-*/fold-*.json")), made / "cache"


def _run(made: Path, weights: Literal["keep", "drop"]) -> Path:
    import mmbench
    from mmbench.registry.plugins import load_registry

    load_registry((TOY,)).find("datasets", "toy").component().simulate(made / "people", subjects=3, trials=4)
    comparison = mmbench.run(
        "concat",
        "toy",
        against=["prior"],
        data=made / "people",
        plugins=(TOY,),
        out=made / "runs",
        cache=made / "cache",
        training={"epochs": 2},
        protocol="subject",
        folds=3,
        jobs=1,
        weights=weights,
    )
    return Path(comparison.methods[0].folder.parent)
