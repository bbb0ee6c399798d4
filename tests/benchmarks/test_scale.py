"""The benchmarks of growth and of profiles measure what they say, on tiny inputs; no figure is looked at."""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("scale", "profiles", "timing"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("scripts")
def test_a_step_is_measured_and_described(tmp_path: Path) -> None:
    import scale

    out = tmp_path / "scale.md"
    assert scale.main(["--samples", "40", "--people", "4", "--steps", "prepare", "--out", str(out)]) == 0
    (row,) = [line for line in out.read_text().splitlines() if line.startswith("| prepare")]
    assert row.split("|")[2].strip() == "40"
    assert "simulated" in out.read_text()
    (measured,) = scale.measure_all(40, 4, ["prepare"])
    assert measured.left > 0
    assert measured.peak > measured.own > 10
    assert measured.processor > 0.1


@pytest.mark.usefixtures("scripts")
def test_a_command_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    import scale

    with pytest.raises(SystemExit, match="failed"):
        scale.measure("show", ["show", str(tmp_path / "none")], 1, tmp_path)


@pytest.mark.usefixtures("scripts")
def test_the_parts_of_a_fold_have_times(tmp_path: Path) -> None:
    import profiles

    stats = profiles.profile("concat", "scale[samples=60,people=6]", 1, tmp_path)
    shares = {line.split()[0]: line for line in profiles.describe(stats).splitlines()}
    assert shares["a"].endswith("100.0%")
    assert all(profiles._seconds(stats, name) > 0 for _, name in profiles.PARTS if name != "_passes")
