"""Storages of studies; a tuning trial depends only on its number and the trials before it."""

from pathlib import Path

import pytest

from mmbench.contract.space import Choice, Float, Int
from mmbench.errors import SpecError
from mmbench.tuning.studies import ask_tuning_trial, find_tuning_trials, open_study
from mmbench.tuning.study_storage import (
    check_study_storage,
    default_storage_url,
    resolve_storage_url,
    storage_without_password,
)

SPACE = {"a": Float(0.001, 1.0, log=True), "b": Int(1, 9), "c": Choice("x", None, True)}
DEFAULTS = {"a": 0.5, "b": 3, "c": None}


def draw(url: str, n: int, stop_after: int | None = None) -> list[dict[str, object]]:
    """The parameters of ``n`` tuning trials; number ``stop_after`` is interrupted."""
    with open_study(url, "mine", 2, {"method": "m"}) as study:
        while (number := len(find_tuning_trials(study))) < n:
            trial, params = ask_tuning_trial(study, number, SPACE, DEFAULTS)
            if number == stop_after:
                return []
            trial.set_user_attr("epochs", 1)
            study.tell(trial, float(params["a"]) + int(params["b"]))
        return [dict(trial.params) for trial in find_tuning_trials(study)]


def test_an_interrupted_study_has_the_trials_of_one_that_was_not(tmp_path: Path) -> None:
    whole = draw(default_storage_url(tmp_path / "whole"), 13)
    url = default_storage_url(tmp_path / "torn")
    for stop in (0, 0, 5, 11):
        assert draw(url, 13, stop) == []
    assert draw(url, 13) == whole
    assert whole[0] == DEFAULTS


def test_a_tuning_trial_that_is_killed_three_times_counts_as_failed(tmp_path: Path) -> None:
    url = default_storage_url(tmp_path)
    for _ in range(3):
        assert draw(url, 4, stop_after=2) == []
    draw(url, 4)
    with open_study(url, "mine", 2, {}) as study:
        trials = find_tuning_trials(study)
    assert [trial.state for trial in trials] == ["complete", "complete", "failed", "complete"]
    assert trials[2].error == "its process was killed 3 times, perhaps for lack of memory"


def test_defaults_outside_of_the_space_are_kept(tmp_path: Path) -> None:
    with open_study(default_storage_url(tmp_path), "mine", 2, {}) as study:
        _, params = ask_tuning_trial(study, 0, SPACE, {"a": 7.0, "b": 3, "c": "other"})
        assert params == {"a": 7.0, "b": 3, "c": "other"}


@pytest.mark.parametrize(
    "url", ["tuning.db", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "postgresql+psycopg2://host/db"]
)
def test_what_is_no_storage_is_refused(url: str) -> None:
    with pytest.raises(SpecError, match="is not a storage of tuning trials"):
        resolve_storage_url(url)


def test_urls_are_whole_and_shown_without_their_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = resolve_storage_url("sqlite:///mine.db")
    assert url == resolve_storage_url(url)
    check_study_storage(url)
    assert (tmp_path / "mine.db").is_file()
    assert resolve_storage_url("postgresql://me:secret@host/db") == "postgresql+psycopg://me:secret@host/db"
    assert "secret" not in storage_without_password("postgresql+psycopg://me:secret@host/db")
