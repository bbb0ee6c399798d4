"""Components of a plugin that raise, give NaN or change from call to call end a run in one line that names them."""

from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import PluginError
from mmbench.results import Comparison

PLUGINS = Path(__file__).parents[1] / "plugins"
FILES = str(PLUGINS / "toy_plugin.py"), str(PLUGINS / "raising_plugin.py")
RAISING = r"raising_plugin\.py, line \d+\): raises"


def run(
    folder: Path, out: Path, method: str = "concat", encoder: str = "raising-encoder", **options: Any
) -> Comparison:
    return mmbench.run(
        method,
        "toy",
        ["prior"],
        data=folder,
        out=out,
        cache=out / "cache",
        plugins=FILES,
        modalities=("facts",),
        encoders={"facts": encoder},
        training={"epochs": 1},
        protocol="subject",
        folds=2,
        jobs=1,
        diagnose="no",
        **options,
    )


@pytest.mark.parametrize("encoder", ["at=build", "at=forward", "at=forward,frozen=true"])
def test_an_encoder_that_raises_is_named_with_its_line(toy_people: Path, tmp_path: Path, encoder: str) -> None:
    with pytest.raises(PluginError) as caught:
        run(toy_people, tmp_path, encoder=f"raising-encoder[{encoder}]")
    line = caught.value.line
    assert "\n" not in line
    assert line.startswith("encoder raising-encoder of facts (plugin ")
    assert f"line {_line('raise ZeroDivisionError')}): raises ZeroDivisionError: an oversight in two lines" in line


@pytest.mark.parametrize("at", ["build", "forward"])
def test_a_fusion_that_raises_is_named_with_its_line(toy_people: Path, tmp_path: Path, at: str) -> None:
    with pytest.raises(PluginError, match=rf"^fusion raising-fusion \(plugin .*{RAISING} KeyError: 'hidden'"):
        run(toy_people, tmp_path, f"raising-fusion[at={at}]", "mlp")


@pytest.mark.parametrize("at", ["forward", "evaluation"])
def test_a_trained_encoder_that_gives_nan_is_named(toy_people: Path, tmp_path: Path, at: str) -> None:
    comparison = run(toy_people, tmp_path, "only[modality=facts]", f"raising-encoder[at={at},nan=true]")
    ((failure, *_),) = comparison.failed.values()
    assert failure.error.startswith("encoder raising-encoder of facts: gives tokens that are not finite")


def test_a_frozen_encoder_that_gives_nan_is_named_with_a_sample(toy_people: Path, tmp_path: Path) -> None:
    message = r"encoder raising-encoder of facts \(plugin .*not finite for \d+ of 48 samples, the first s0-"
    with pytest.raises(PluginError, match=message):
        run(toy_people, tmp_path, encoder="raising-encoder[at=forward,nan=true,frozen=true]")


def test_a_metric_that_changes_from_call_to_call_is_named(toy_people: Path, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"metric random-accuracy: gives 0\.\d+, then 0\.\d+ for the same predictio"):
        run(toy_people, tmp_path, encoder="mlp", metric="random-accuracy")


def _line(text: str) -> int:
    lines = Path(FILES[1]).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
