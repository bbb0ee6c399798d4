"""A repeated request finds its comparison without computing anything, unless something it depends on has changed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import mmbench.workflows.experiment as experiment
from mmbench.results import Comparison
from mmbench.storage import record_messages
from mmbench.workflows.finished_runs import StartedRun, start_run
from mmbench.workflows.request import RunSpec
from mmbench.workflows.run import run_spec

TOY, FAULTY = (Path(__file__).parents[1] / "plugins" / f"{name}_plugin.py" for name in ("toy", "faulty"))
Request = Callable[..., Comparison]
LATER = """

def _later():
    import imported_later
    from pathlib import Path

    return imported_later.LATER, Path(__file__).with_name("settings.json").read_text()
"""


@pytest.fixture
def spec(tmp_path: Path, toy_people: Path) -> RunSpec:
    """A request with a copy of the toy plugin, which imports its neighbour, and of its files."""
    shutil.copytree(toy_people, tmp_path / "people")
    plugin = tmp_path / "own_toy_plugin.py"
    neighbour = tmp_path / f"neighbour_{uuid4().hex}.py"
    neighbour.write_text("KNOWN = 1\n")
    imported = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport {neighbour.stem}\n"
    head, rest = TOY.read_text().split("import ", 1)
    plugin.write_text(f"{head}{imported}import {rest}{LATER}")
    (tmp_path / "imported_later.py").write_text("LATER = 1\n")
    (tmp_path / "settings.json").write_text("{}\n")
    return RunSpec(
        "late",
        "toy",
        protocol="subject",
        folds=2,
        modalities=("facts",),
        training={"epochs": 1},
        data=tmp_path / "people",
        out=tmp_path / "runs",
        cache=tmp_path / "cache",
        plugins=(str(plugin),),
        diagnose="no",
        jobs=1,
    )


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[RunSpec]:
    """The requests that were resolved and planned."""
    found: list[RunSpec] = []
    inner = experiment.run_unfinished

    def counted(spec: RunSpec, started: StartedRun) -> Comparison:
        found.append(spec)
        return inner(spec, started)

    monkeypatch.setattr(experiment, "run_unfinished", counted)
    return found


def test_a_finished_request_is_not_computed_again(spec: RunSpec, computed: list[RunSpec]) -> None:
    first, second = run_spec(spec), run_spec(spec)
    assert len(computed) == 1
    assert second.to_json() == first.to_json()


def test_the_number_of_processes_does_not_matter(spec: RunSpec, computed: list[RunSpec]) -> None:
    run_spec(spec)
    run_spec(replace(spec, jobs=2))
    assert len(computed) == 1


def test_it_prints_the_lines_of_a_computed_request(spec: RunSpec) -> None:
    run_spec(spec)
    for note in spec.out.glob("*/.finished-*.json"):
        note.unlink()
    with record_messages() as computed:
        run_spec(spec)
    with record_messages() as found:
        run_spec(spec)
    assert found == computed
    assert "2 of 2 folds have records and are kept" in found


def add_a_comment(path: Path) -> None:
    path.write_text(path.read_text() + "# another line\n")


def change_a_recording(spec: RunSpec) -> None:
    path = Path(str(spec.data), "s1.txt")
    path.write_text(path.read_text().replace(" ", " 1"))


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: add_a_comment(Path(spec.plugins[0])),
        lambda spec: add_a_comment(next(Path(spec.plugins[0]).parent.glob("neighbour_*.py"))),
        lambda spec: add_a_comment(Path(spec.plugins[0]).with_name("imported_later.py")),
        lambda spec: Path(spec.plugins[0]).with_name("settings.json").write_text("[]\n"),
        change_a_recording,
        lambda spec: next(spec.out.glob("*/*/fold-1-*.json")).unlink(),
        lambda spec: next(spec.out.glob("*/*/fold-1-*.json")).write_text("{"),
        lambda spec: next(spec.out.glob("*/folds.json")).unlink(),
        lambda spec: next(spec.out.glob("*/comparison-*.json")).unlink(),
        lambda spec: next(spec.out.glob("*/.finished-*.json")).write_text("[]"),
        lambda spec: next(spec.out.glob("*/.finished-*.json")).write_text('{"comparison": 3}'),
    ],
    ids=[
        "plugin",
        "module of a plugin",
        "module that a function imports",
        "file that a plugin reads",
        "recording",
        "record",
        "damaged record",
        "folds",
        "comparison",
        "note",
        "keys of the note",
    ],
)
def test_what_changed_is_computed_again(
    spec: RunSpec, computed: list[RunSpec], change: Callable[[RunSpec], object]
) -> None:
    run_spec(spec)
    change(spec)
    assert len(run_spec(spec).methods[0].records) == 2
    assert len(computed) == 2


def test_a_plugin_edited_after_it_was_loaded_leaves_no_note(spec: RunSpec, computed: list[RunSpec]) -> None:
    # The second request ran the code that was loaded for the first: another process must not find it.
    run_spec(spec)
    add_a_comment(Path(spec.plugins[0]).with_name("imported_later.py"))
    run_spec(spec)
    run_spec(spec)
    assert len(computed) == 3


def test_an_incomplete_comparison_leaves_no_note(spec: RunSpec, computed: list[RunSpec]) -> None:
    run_spec(spec)
    for note in spec.out.glob("*/.finished-*.json"):
        note.unlink()
    record = next(spec.out.glob("*/late-*/fold-0-*.json"))
    record.write_text(json.dumps({**json.loads(record.read_text()), "seed": 5}))
    run_spec(spec)
    run_spec(spec)
    assert len(computed) == 3


def test_code_that_is_computed_leaves_no_note(spec: RunSpec, computed: list[RunSpec]) -> None:
    with Path(spec.plugins[0]).open("a") as file:
        file.write("\nexec(input.__name__ and 'HIDDEN = 1')\n")
    run_spec(spec)
    run_spec(spec)
    assert len(computed) == 2


def test_a_dataset_is_known_by_its_place(spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for folder in ("one", "other"):
        (tmp_path / folder / "data").mkdir(parents=True)
        link = tmp_path / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / folder / "data")
        names.add(start_run(replace(spec, dataset=str(link))).name)
        monkeypatch.chdir(tmp_path / folder)
        names.add(start_run(replace(spec, dataset="./data")).name)
    assert len(names) == 4


@pytest.mark.parametrize(
    "changes", [{"folds": 3}, {"seeds": 2}, {"weights": "drop"}, {"training": {"epochs": 2}}], ids=str
)
def test_other_options_are_another_request(spec: RunSpec, computed: list[RunSpec], changes: dict) -> None:
    run_spec(spec)
    run_spec(replace(spec, **changes))
    assert len(computed) == 2


@pytest.mark.parametrize("edited", ["own_toy_plugin.py", "neighbour_*.py"])
def test_code_that_is_edited_during_a_run_does_not_stand_for_its_results(
    spec: RunSpec, computed: list[RunSpec], monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    compare = experiment.compare_records

    def edit_and_compare(*arguments: Any) -> Comparison:
        add_a_comment(next(Path(spec.plugins[0]).parent.glob(edited)))
        return compare(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(experiment, "compare_records", edit_and_compare)
        run_spec(spec)
    assert not list(spec.out.glob("*/.finished-*.json"))
    run_spec(spec)
    assert len(computed) == 2


def test_a_preset_that_was_changed_is_read_again(spec: RunSpec, computed: list[RunSpec], tmp_path: Path) -> None:
    preset = tmp_path / "small.toml"
    preset.write_text("[training]\nlr = 0.01\n")
    own = replace(spec, preset=str(preset))
    assert run_spec(own).run["training"]["lr"] == 0.01
    preset.write_text("[training]\nlr = 0.02\n")
    assert run_spec(own).run["training"]["lr"] == 0.02
    assert len(computed) == 2


def test_a_failed_fold_is_tried_again(spec: RunSpec, computed: list[RunSpec], tmp_path: Path) -> None:
    (tmp_path / "accidents").mkdir()
    (tmp_path / "accidents" / "bug-1").touch()
    faulty, training = f"faulty[folder={tmp_path / 'accidents'}]", {"epochs": 1, "batch_size": 7}
    failing = replace(spec, against=(faulty,), training=training, plugins=(*spec.plugins, str(FAULTY)))
    assert run_spec(failing).failed
    assert not run_spec(failing).failed
    assert len(computed) == 2


def test_neither_torch_nor_the_statistics_of_scipy_are_imported(tmp_path: Path) -> None:
    command = ["run", "prior", "mfeat", "--against", "none", "--modalities", "mor", "--folds", "2", "--seeds", "1"]
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom mmbench.cli.app import app\n"
        f"done = CliRunner().invoke(app, {command!r})\nassert done.exit_code == 0, done.output\n"
        "print([name for name in ('torch', 'scipy.stats', 'optuna', 'sklearn', 'mne') if name in sys.modules])"
    )
    for expected in ("torch", "[]"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
