"""What trials choose, and the file that holds them."""

import json
from pathlib import Path

import pytest

from mmbench.errors import RecordError
from mmbench.tuning.results import Budget, FoldTuning, State, TuningTrial, read_tuning, tuning_path, write_tuning


def trial(number: int, score: float | None, loss: float = 1.0, state: State = "complete") -> TuningTrial:
    return TuningTrial(
        number, {"fusion.dim": 8 + number}, state, score, loss, 0, 1, 0.5, "it broke" * (state == "failed")
    )


def tuning(*trials: TuningTrial) -> FoldTuning:
    return FoldTuning("s1/0", "a study", trials)


def test_the_best_score_is_chosen_then_the_lower_loss_then_the_first() -> None:
    assert tuning(trial(0, 0.5), trial(1, 0.7), trial(2, 0.6)).chosen.number == 1
    assert tuning(trial(0, 0.7, 0.9), trial(1, 0.7, 0.3), trial(2, 0.7, 0.8)).chosen.number == 1
    assert tuning(trial(0, 0.7), trial(1, 0.7)).chosen.number == 0


def test_only_complete_trials_are_chosen() -> None:
    result = tuning(trial(0, 0.5), trial(1, 0.9, state="pruned"), trial(2, None, state="failed"))
    assert result.chosen.number == 0
    assert [result.count(state) for state in ("complete", "pruned", "failed")] == [1, 1, 1]


def test_the_curve_is_the_best_score_so_far() -> None:
    result = tuning(trial(0, None, state="failed"), trial(1, 0.6), trial(2, 0.8, state="pruned"), trial(3, 0.5))
    assert result.curve == [None, 0.6, 0.6, 0.6]
    assert result.default is None


def test_file_round_trip(tmp_path: Path) -> None:
    path = tuning_path(tmp_path, "s1/0")
    assert path != tuning_path(tmp_path, "s1_0")
    write_tuning(path, tuning(trial(0, 0.1 + 0.2), trial(1, None, state="failed")))
    assert read_tuning(path) == tuning(trial(0, 0.1 + 0.2), trial(1, None, state="failed"))


@pytest.mark.parametrize("change", [{"chosen": {"fusion.dim": 3}}, {"score": 0.99}, {"trials": []}, {"trials": [{}]}])
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "tuning-0.json"
    write_tuning(path, tuning(trial(0, 0.5)))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RecordError, match=r"tuning-0\.json: holds no tuning results"):
        read_tuning(path)


def test_records_do_not_hold_the_storage() -> None:
    assert Budget(3, 10.0, "once", "postgresql://me:secret@host/db").described() == {
        "trials": 3,
        "seconds": 10.0,
        "scope": "once",
    }
