"""What a trainer of a plugin does wrong is said in one line that names it, its file and the line."""

from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench import WorkerError
from mmbench.reporting.terminal import comparison_table, render
from mmbench.results import Comparison

PLUGINS = Path(__file__).parents[1] / "plugins"
TRAINER = PLUGINS / "failing_trainer.py"


def run(folder: Path, out: Path, trainer: str, *against: str, **options: Any) -> Comparison:
    return mmbench.run(
        "concat",
        "toy",
        against,
        data=folder,
        out=out,
        cache=out / "cache",
        plugins=(str(PLUGINS / "toy_plugin.py"), str(TRAINER)),
        modalities=("facts",),
        encoders={"facts": "mlp"},
        training={"epochs": 2},
        trainer=trainer,
        protocol="subject",
        folds=2,
        jobs=1,
        diagnose="no",
        **options,
    )


def _line(text: str) -> int:
    lines = TRAINER.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raise", f"trainer failing ({TRAINER}, line {_line('raise KeyError')}): raises KeyError: 'eeg'"),
        ("stop", f"trainer failing ({TRAINER}, line {_line('raise SystemExit')}): raises SystemExit: 3"),
        ("exit", f"trainer failing ({TRAINER}): its process ended itself with exit code 0, as os._exit does"),
        ("nan", "trainer failing, fold 0: the weight encoders.facts."),
    ],
)
def test_a_trainer_that_fails_is_named(toy_people: Path, tmp_path: Path, how: str, message: str) -> None:
    comparison = run(toy_people, tmp_path, f"failing[how={how}]", "prior")
    (failures,) = comparison.failed.values()
    assert failures[0].error.startswith(message)
    assert "memory" not in failures[0].error
    assert ("in after_backward" in failures[0].traceback) is (how in ("raise", "stop"))
    assert [method.name for method in comparison.methods] == ["prior"]


@pytest.mark.parametrize(
    ("dataset", "encoder", "line"),
    [
        ("leaving", "raw", "dataset leaving: its process ended itself with exit code 5, as os._exit does"),
        (
            "leaving[leave=false]",
            "leaving-encoder",
            "encoder leaving-encoder of facts: its process ended itself with exit code 6, as os._exit does",
        ),
    ],
)
def test_other_components_that_end_the_process_are_named(tmp_path: Path, dataset: str, encoder: str, line: str) -> None:
    with pytest.raises(WorkerError) as caught:
        mmbench.run(
            "concat",
            dataset,
            "none",
            data=tmp_path,
            out=tmp_path / "runs",
            plugins=(str(PLUGINS / "leaving_plugin.py"),),
            encoders={"facts": encoder},
            jobs=2,
        )
    assert caught.value.line.startswith(line)


def test_a_tuned_trainer_is_shown_with_what_was_chosen_and_prior_has_none(toy_people: Path, tmp_path: Path) -> None:
    comparison = run(toy_people, tmp_path, "tunable", "prior", tune=3)
    chosen = [record.tuning["chosen"]["trainer.factor"] for record in comparison.methods[0].records if record.tuning]
    low, high = (f"{each:.3g}" for each in (min(chosen), max(chosen)))
    span = low if low == high else f"{low} to {high}"
    text = " ".join(render(comparison_table(comparison)).split())
    assert f"trainer of concat: tunable[power=1.0], tuned: factor {span}" in text
    assert "trainer" not in comparison.methods[1].run
