"""What ``mmbench data simulate`` says that it made."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmbench.cli.app import app


@pytest.mark.parametrize(("name", "subjects", "made"), [("mm-imdb", "1", "50 films"), ("mmsa", "3", "3 videos")])
def test_units_are_those_that_the_dataset_counts(tmp_path: Path, name: str, subjects: str, made: str) -> None:
    done = CliRunner().invoke(app, ["data", "simulate", name, str(tmp_path / "files"), "--subjects", subjects])
    assert done.exit_code == 0, done.exception
    assert f"simulated {name}: {made} in" in " ".join(done.stdout.split())
