"""Printed commands parse to the spec that they were made from."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from mmbench.cli import main
from mmbench.data.dataset_files import default_cache_folder
from mmbench.workflows.claims.commands import claim_command, portable_command, run_command
from mmbench.workflows.claims.rows import ClaimSpec
from mmbench.workflows.request import RunSpec

PLAIN = RunSpec("milmer", "deap-sim", ("auto",))
FULL = RunSpec(
    method="milmer[k=2]",
    dataset="deap-sim[subjects=4,scramble=true]",
    against=("late", "only[modality=eeg]"),
    protocol="trial",
    folds=3,
    stratify=True,
    task="valence",
    standardize="subject",
    seeds=2,
    units=["s01", "s02"],
    modalities=["eeg", "face"],
    encoders={"eeg": "de", "face": "swin[model=nano]"},
    training={"epochs": "3", "class_weights": "false"},
    preset="a name.toml",
    data=Path("some where"),
    out=Path("other runs"),
    cache=Path("shelf"),
    device="cpu",
    plugins=("my plugin.py",),
    tune=5,
    tune_seconds=9.5,
    tune_scope="once",
    diagnose="full",
    bad="drop",
    threads=2,
)


class SpecSeenError(Exception):
    """Carries the spec out of the shell."""


def read_back(line: str, monkeypatch: pytest.MonkeyPatch) -> object:
    def stop(spec: object) -> None:
        raise SpecSeenError(spec)

    monkeypatch.setattr("mmbench.workflows.run_spec", stop)
    monkeypatch.setattr("mmbench.workflows.claim_spec", stop)
    monkeypatch.setattr("sys.argv", shlex.split(line))
    with pytest.raises(SpecSeenError) as caught:
        main()
    return caught.value.args[0]


@pytest.mark.parametrize("spec", [PLAIN, FULL, replace(PLAIN, stratify=False)], ids=["plain", "full", "no"])
def test_a_run_comes_back_as_it_was(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    data = str(spec.data) if spec.data else None
    assert read_back(run_command(spec, data), monkeypatch) == spec


def test_a_claim_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ClaimSpec("milmer", "deap", run=True)
    assert read_back(claim_command(plain, "deap"), monkeypatch) == plain
    full = replace(
        plain,
        on="deap-sim[subjects=4]",
        only=("one row", "another"),
        seeds=3,
        training={"lr": "0.1"},
        data=Path("some where"),
        out=Path("other runs"),
        cache=Path("shelf"),
        device="cpu",
        plugins=("my plugin.py",),
    )
    assert read_back(claim_command(full, "deap", "some where"), monkeypatch) == full


def test_values_are_written_as_the_shell_reads_them() -> None:
    line = run_command(replace(PLAIN, cache=default_cache_folder(), training={"augment": True, "lr": 0.1}))
    assert line == "mmbench run milmer deap-sim --training augment=true --training lr=0.1"


def test_a_command_for_others_names_nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    line = portable_command(replace(FULL, plugins=("somebody/my plugin.py",)))
    assert "/home" not in line
    expected = replace(
        FULL, data=Path("DIR"), out=Path("runs"), cache=default_cache_folder(), plugins=("my plugin.py",)
    )
    assert read_back(line, monkeypatch) == expected
    assert portable_command(replace(PLAIN, data=None), "ablate") == "mmbench ablate milmer deap-sim"
