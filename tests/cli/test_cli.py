import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from mmbench.cli import main
from mmbench.cli.app import _narrow, app
from mmbench.cli.completion import complete_dataset, complete_method
from mmbench.cli.output.progress_lines import ProgressLines
from mmbench.registry.plugins import load_registry


class Finished(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Shell = Callable[..., Finished]


@pytest.fixture
def mmbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The program, run in this process and an empty folder: what it returns and prints."""
    monkeypatch.chdir(tmp_path)

    def shell(*arguments: str) -> Finished:
        monkeypatch.setattr(sys, "argv", ["mmbench", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Finished(code, *capsys.readouterr())

    return shell


def assert_one_line(result: Finished, *words: str) -> None:
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("mmbench: ")
    for word in words:
        assert word in line


def test_describe_asks_and_takes_the_answers(mmbench: Shell) -> None:
    Path("data").mkdir()
    rows = "".join(f"s{at // 2}_{at},{at}.5,{'xy'[at % 2]}\n" for at in range(8))
    Path("data/metadata.csv").write_text(f"id,pulse,label\n{rows}s9_9,1.5,NA\n")
    Path("data/v.npz").write_bytes(b"no archive")
    asked = mmbench("data", "describe", "data", "--ignore", "v.npz")
    assert asked.returncode == 2
    first, second = asked.stderr.splitlines()
    assert first.startswith("no column says who or what must stay in one part: add --group subject=COLUMN")
    assert second.startswith("label has 1 cell 'NA', which may be empty or a value: add --missing NA if empty")
    answers = ("--ignore", "v.npz", "--group", r"subject=id:^(s\d+)_", "--missing", "")
    answered = mmbench("data", "describe", "data", *answers)
    assert answered.returncode == 0, answered.stderr
    assert "samples: 9 (NA 1, x 4, y 4)" in answered.stdout
    assert r'subject = {from = "id", pattern = "^(s\\d+)_"}' in Path("data/dataset.toml").read_text()
    answered = mmbench("data", "describe", "data", *answers[:-1], "NA", "--force")
    assert "samples: 8 (x 4, y 4)" in answered.stdout
    wrong = mmbench("data", "describe", "data", *answers[:2], "--group", "subject=id:(s")
    assert_one_line(wrong, "--group: pattern (s is not a regular expression")


def test_describe_says_what_a_run_refuses_and_which_files_no_row_names(mmbench: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "told"
    folder.mkdir()
    rows = [f"a{at},s{at // 4},{at}.5,{'xy'[at % 2]}" for at in range(12)]
    (folder / "metadata.csv").write_text(
        "\n".join(["id,subject,pulse,label", *rows, *(f"a0,,{at},x" for at in (1, 2))])
    )
    for name in ("notes.pdf", "more.pdf"):
        (folder / name).write_text("not named")
    found = mmbench("data", "describe", str(folder))
    assert found.returncode == 2
    assert "not read: 2 .pdf files, of which no sample is made: more.pdf, notes.pdf" in found.stdout
    assert (
        f"a run refuses: {folder}/metadata.csv: several rows have the id 'a0' (row 2, row 14, row 15)" in found.stderr
    )
    assert "2 rows without a value for group subject (row 14, row 15)" in found.stderr
    assert (folder / "dataset.toml").is_file()
    plain = json.loads(mmbench("data", "describe", str(folder), "--force", "--json").stdout)
    assert len(plain["problems"]) == 2
    (folder / "metadata.csv").write_text("\n".join(["id,subject,pulse,label", *rows]))
    assert mmbench("data", "describe", str(folder), "--force").returncode == 0


def test_describe_matches_arrays_in_order_if_it_is_said(mmbench: Shell) -> None:
    Path("metadata.csv").write_text("subject,label\n" + "".join(f"s{at // 2},{'xy'[at % 2]}\n" for at in range(8)))
    np.save("v.npy", np.zeros((8, 2)))
    asked = mmbench("data", "describe", ".")
    assert (asked.returncode, asked.stderr.partition(":")[0]) == (2, "v.npy has no ids to match its rows by")
    answered = mmbench("data", "describe", ".", "--in-order")
    assert answered.returncode == 0, answered.stderr
    assert "v: rows in the order of the table" in answered.stdout


def test_json_is_the_only_thing_on_stdout(mmbench: Shell, widest: Callable[[str], int]) -> None:
    result = mmbench("run", "concat", "mfeat", "--against", "prior", "--training", "epochs=1", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["dataset"] == "mfeat"
    assert document["protocol"] == "pooled-segment"
    assert document["chance"] == pytest.approx(0.1)
    assert document["simulated"] is False
    assert [method["name"] for method in document["methods"]] == ["concat", "prior"]
    concat = document["methods"][0]
    for metric in ("accuracy", "balanced_accuracy", "macro_f1"):
        interval = concat["scores"][metric]
        assert interval["low"] <= interval["mean"] <= interval["high"]
    assert concat["parameters"]["total"] >= concat["parameters"]["trainable"] > 0
    assert sum(fold["samples"] for fold in concat["folds"]) == 2000
    again = mmbench("run", "concat", "mfeat", "--against", "prior", "--training", "epochs=1")
    assert "10 of 10 folds have records and are kept" in again.stderr
    table = again.stdout
    assert widest(table) <= 80
    shown = mmbench("show", document["records"])
    assert shown.stdout == table


def test_run_uses_the_parameters_that_tune_printed(mmbench: Shell, widest: Callable[[str], int]) -> None:
    line = ("logistic", "mfeat", "--modalities", "mor", "--folds", "2", "--training", "epochs=1", "--tune", "2")
    result = mmbench("tune", *line, "--jobs", "1", "--json")
    assert result.returncode == 0, result.stderr
    (method,) = json.loads(result.stdout)["methods"]
    assert [len(fold["trials"]) for fold in method["folds"]] == [2, 2]
    table = mmbench("tune", *line, "--jobs", "1").stdout
    assert "default, best: balanced accuracy on the validation part" in table
    assert widest(table) <= 80
    document = json.loads(mmbench("run", *line, "--jobs", "1", "--json").stdout)
    (ran,) = document["methods"]
    assert [fold["tuning"] for fold in ran["folds"]] == method["folds"]
    assert "tuned on the validation part of each fold" in mmbench("show", document["records"]).stdout


def test_diagnose_adds_missing_diagnoses_to_records(mmbench: Shell, widest: Callable[[str], int]) -> None:
    line = ("run", "late", "mfeat", "--modalities", "mor,zer", "--folds", "2", "--training", "epochs=1", "--jobs", "1")
    document = json.loads(mmbench(*line, "--diagnose", "no", "--json").stdout)
    assert document["methods"][0]["diagnosis"] is None
    assert "not diagnosed: late; mmbench diagnose" in mmbench("show", document["records"]).stdout
    result = mmbench("diagnose", document["records"], "--jobs", "1", "--json")
    assert result.returncode == 0, result.stderr
    (late,) = json.loads(result.stdout)["methods"]
    values = late["diagnosis"]["shapley"]
    assert list(values) == ["mor", "zer"]
    assert all(value["low"] <= value["mean"] <= value["high"] for value in values.values())
    table = mmbench("diagnose", document["records"], "--method", "late").stdout
    assert widest(table) <= 80
    assert f"{values['zer']['mean']:+.3f}".replace("0.", ".") in table
    assert "Shapley value" in mmbench("show", document["records"]).stdout


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all commands and groups."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(get_command(app))), ids=" ".join)
@pytest.mark.parametrize("columns", [60, 80, 140])
def test_help_of_every_command_has_an_example_and_fits(
    path: tuple[str, ...], columns: int, mmbench: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    short, long = mmbench(*path, "-h"), mmbench(*path, "--help")
    assert short == long
    assert short.returncode == 0
    lines = short.stdout.rstrip().splitlines()
    assert lines[0].startswith(f"Usage: {' '.join(('mmbench', *path))}")
    assert lines[-2] == "Example:"
    assert lines[-1].startswith("  mmbench ")
    assert max(map(len, lines)) <= columns
    assert "..." not in short.stdout.partition("Commands:")[2] or columns < 80


def test_options_of_a_run_are_in_panels(mmbench: Shell) -> None:
    lines = mmbench("run", "--help").stdout.splitlines()
    titles = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    panels = ["Data", "Methods", "Training", "Tuning", "Execution", "Output"]
    assert titles == ["Arguments", *panels, "Options", "Example"]


def test_names_of_methods_and_datasets_are_completed() -> None:
    assert complete_method("conc") == ["concat"]
    assert "mfeat" in complete_dataset("mf")
    output = CliRunner().invoke(app, ["--help"]).output
    assert "--install-completion" in output
    assert "--show-completion" in output


def test_list_tells_what_every_component_takes(mmbench: Shell) -> None:
    document = json.loads(mmbench("list", "--json").stdout)
    found = {kind: {item["name"]: item for item in document[kind]} for kind in document if kind != "failures"}
    encoders = found["encoders"]
    assert (encoders["conv1d"]["kinds"], encoders["conv1d"]["open_lengths"]) == (["timeseries"], True)
    assert (encoders["timm"]["kinds"], encoders["timm"]["open_lengths"]) == (["image"], False)
    assert encoders["hashing"]["open_lengths"]
    assert found["fusions"]["concat"]["tasks"] == found["methods"]["logistic"]["tasks"] == ["class", "labels", "values"]
    assert found["metrics"]["mae"]["tasks"] == ["values"]
    assert found["datasets"]["icons"]["kinds"] == ["image", "text"]
    assert found["datasets"]["icons"]["tasks"] == ["labels"]
    shown = mmbench("list").stdout
    for words in ("timeseries of any length", "audio of unequal length", "image, text; labels", "any task"):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_list_names_installed_plugins_that_failed_to_load(
    mmbench: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_plugin.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [*entry_points(group="mmbench"), EntryPoint("broken", "broken_plugin", "mmbench")]
    monkeypatch.setattr("mmbench.registry.plugins.entry_points", lambda group: points)
    load_registry.cache_clear()
    try:
        result = mmbench("list", "--json")
    finally:
        load_registry.cache_clear()
    document = json.loads(result.stdout)
    assert result.returncode == 0
    assert {"concat", "late", "only", "prior", "gated", "milmer"} <= {item["name"] for item in document["methods"]}
    (failure,) = document["failures"]
    assert "no_such_module" in failure["error"]


@pytest.mark.parametrize(
    "command", [["list"], ["list", "--json"], ["data", "list"], ["show", "."], ["run", "concat", "mfeat"]], ids=" ".join
)
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("missing.py", ["missing.py: no such file", "give --plugin the path of a Python file"]),
        ("broken.py", ["broken.py: cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"]),
    ],
)
def test_a_plugin_file_that_cannot_be_used_is_an_error(
    mmbench: Shell, command: list[str], file: str, words: list[str]
) -> None:
    Path("broken.py").write_text("import no_such_module\n")
    result = mmbench(*command, "--plugin", file)
    assert result.stdout == ""
    assert_one_line(result, *words)


@pytest.mark.parametrize("command", [["list"], ["run", "concat", "mfeat"], ["check", "nameless.py"]], ids=" ".join)
def test_a_class_without_a_name_is_an_error_of_its_file(mmbench: Shell, command: list[str]) -> None:
    Path("nameless.py").write_text(
        "from mmbench import Metric, hookimpl\nclass Mine(Metric): ...\n"
        "@hookimpl\ndef register_metrics(register): register(Mine)\n"
    )
    plugin = [] if command[0] == "check" else ["--plugin", "nameless.py"]
    assert_one_line(mmbench(*command, *plugin), "nameless.py: Mine has no name", 'write name = "mine" in the class')


def test_a_report_without_matplotlib_is_refused_before_its_work(
    mmbench: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    # The folder does not exist either, which would be found later.
    assert_one_line(mmbench("report", "nowhere"), 'matplotlib is not installed — pip install "mmbench[pictures]"')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "conct", "mfeat"], ["no method 'conct'", "did you mean 'concat'?"]),
        (["run", "concat", "mfaet"], ["no dataset 'mfaet'", "did you mean 'mfeat'?"]),
        (["run", "concat[dimm=3]", "mfeat"], ["concat", "'dimm'", "did you mean 'dim'?"]),
        (["run", "concat[dim=many]", "mfeat"], ["concat[dim]", "'many'"]),
        (["run", "concat[dim", "mfeat"], ["'concat[dim'", "name[param=value,...]"]),
        (["run", "concat", "mfeat", "--protocol", "subject"], ["--protocol subject", "declares no subject"]),
        (["run", "concat", "mfeat", "--protocol", "lopo"], ["no protocol 'lopo'", "choose pooled-segment"]),
        (["run", "concat", "eegmat", "--protocol", "trial"], ["no trial", "choose segment, subject, loso"]),
        (["run", "concat", "mfeat", "--task", "digits"], ["no task 'digits'", "did you mean 'digit'?"]),
        (["run", "concat", "mfeat", "--standardize", "subject"], ["mfeat has no subjects", "choose train"]),
        (["run", "concat", "mfeat", "--standardize", "all"], ["--standardize", "invalid value 'all'"]),
        (["run", "concat", "mfeat", "--encoder", "pixx=mlp"], ["--encoder", "did you mean 'pix'?"]),
        (["run", "concat", "mfeat", "--encoder", "pix"], ["--encoder", "'pix' is not NAME=VALUE"]),
        (["run", "concat", "mfeat", "--encoder", "pix=de"], ["encoder de", "pix is of kind vector", "mlp or raw"]),
        (["run", "concat", "mfeat", "--tune", "0"], ["--tune", "0 is too few"]),
        (["run", "concat", "mfeat", "--tune-scope", "once"], ["--tune-scope", "nothing is tuned"]),
        (["tune", "concat", "mfeat", "--tune-storage", "here.db"], ["--tune-storage", "write sqlite:///FILE"]),
        (["run", "concat", "mfeat", "--training", "epoch=3"], ["--training", "did you mean 'epochs'?"]),
        (["run", "concat", "mfeat", "--training", "lr=-1"], ["--training", "lr is -1"]),
        (["run", "concat", "mfeat", "--training", "lr=fast"], ["--training lr", "'fast'"]),
        (["run", "concat", "mfeat", "--units", "pupil"], ["--units", "no 'pupil'", "choose from"]),
        (["run", "concat", "mfeat", "--modalities", "pix,fuo"], ["--modalities", "did you mean 'fou'?"]),
        (["run", "concat", "mfeat", "--seeds", "0"], ["--seeds", "0 is too few"]),
        (["run", "concat", "mfeat", "--folds", "1"], ["--folds", "use 2 or more"]),
        (["run", "concat", "mfeat", "--device", "cuda:9"], ["--device", "this machine has no CUDA device"]),
        (["run", "concat", "mfeat", "--device", "abacus"], ["--device", "no device 'abacus'"]),
        (["run", "concat", "mfeat", "--against", "concat"], ["'concat' is named twice"]),
        (["run", "concat", "mfeat", "--preset", "paper"], ["--preset", "no preset 'paper'"]),
        (["check", "nothing.py"], ["nothing.py: no such file", "give --plugin the path of a Python file"]),
        (["run", "concat", "mfeat", "--preset", "none.toml"], ["none.toml", "cannot be read"]),
        (["run", "concat", "mfeat", "--data", "nowhere"], ["nowhere", "no such folder"]),
        (["run", "concat", "eegmat"], ["eegmat", "is not here", "--data"]),
        (["run", "milmer", "deap"], ["deap", "is not here", "agreement", "deap-sim"]),
        (["run", "milmer", "deap", "--data", "."], ["deap-sim"]),
        (["ablate", "milmer", "deap-sim", "--only", "kk"], ["--only", "no table 'kk'", "did you mean 'k'?"]),
        (["ablate", "concat", "mfeat", "--modalities", "pix"], ["mfeat", "declares no ablation"]),
        (["run", "concat", "mfeat", "--diagnose", "yes"], ["--diagnose", "invalid value 'yes'"]),
        (["diagnose", "nowhere"], ["nowhere", "no such file"]),
        (["diagnose", "."], ["holds no records"]),
        (["show", "nowhere"], ["nowhere", "no such file"]),
        (["show", "."], ["holds no records"]),
        (["data", "simulate", "mfeat", "out", "--subjects", "2"], ["mfeat has no simulator"]),
        (
            ["data", "simulate", "mmsa", "out", "--option", "name=sims"],
            ["name is a parameter of the dataset", 'write "mmsa[name=sims]"'],
        ),
        (["check", "nothing_like_it"], ["nothing_like_it"]),
        (["check", str(Path(__file__).parents[2] / "README.md")], ["README.md", "is not a Python file"]),
        (["leaderboard", "add", "nowhere"], ["nowhere", "no such file or folder"]),
        (["audit", "concat", "mfeat", "--trainings", "3"], ["--trainings", "the method is not trained", "--full"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0] in ("run", "show", "data", "check") else "",
)
def test_user_errors_are_one_line(mmbench: Shell, arguments: list[str], words: list[str]) -> None:
    assert_one_line(mmbench(*arguments), *words)


def test_a_plugin_file_that_cannot_be_loaded_stops_a_run(mmbench: Shell, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise RuntimeError('oh no')\n")
    assert_one_line(mmbench("run", "prior", "mfeat", "--plugin", str(broken)), str(broken), "RuntimeError: oh no")


@pytest.mark.parametrize("command", ["run", "tune", "explain", "audit"])
def test_a_plugin_file_with_the_name_of_a_built_in_stops_a_run(mmbench: Shell, tmp_path: Path, command: str) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from mmbench import Fusion, hookimpl\n"
        "class Mine(Fusion):\n    name = 'concat'\n"
        "@hookimpl\ndef register_fusions(register):\n    register(Mine)\n"
    )
    result = mmbench(command, "prior", "mfeat", "--plugin", str(mine))
    assert_one_line(result, str(mine), "fusion 'concat' is already registered by builtin", "builtin/plugin.py")


def test_a_plain_failure_of_typer_is_a_usage_error(mmbench: Shell) -> None:
    result = mmbench("run", "concat", "mfeat", "--no-such-option")
    assert result.returncode == 2
    assert "--no-such-option" in result.stderr


def test_ctrl_c_keeps_finished_work(mmbench: Shell, tmp_path: Path) -> None:
    line = ["run", "concat", "mfeat", "--modalities", "mor", "--against", "prior", "--jobs", "1"]
    line += ["--training", "epochs=3"]
    command = [sys.executable, "-m", "mmbench", *line]
    # A shell that starts the tests in the background has them, and all they start, ignore Ctrl-C.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, preexec_fn=heed, **pipes)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*/*/fold-*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "finished jobs are kept" in errors
    n_kept = len(list(tmp_path.glob("runs/*/*/fold-*.json")))
    assert n_kept >= 1
    assert not list(tmp_path.glob("runs/*/*/.part-*"))
    result = mmbench(*line)
    assert f"{n_kept} of 10 folds have records and are kept" in result.stderr


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    line = ["run", "concat", "mfeat", "--modalities", "mor", "--against", "prior", "--jobs", "2"]
    line += ["--training", "epochs=30"]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "mmbench", *line]
    # A group of its own, to which a terminal would send Ctrl-C as a whole.
    process = subprocess.Popen(command, cwd=tmp_path, preexec_fn=heed, start_new_session=True, **pipes)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*/*/fold-*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "finished jobs are kept" in errors
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("somebody is still at work")


def test_log_shows_rate_and_remaining_time(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter([0.0, 0.0, 20.0, 40.0])
    monkeypatch.setattr("mmbench.cli.output.progress_lines.time.monotonic", lambda: next(clock))
    lines = ProgressLines()
    key = lines.start("folds", 2)
    lines.advance(key, "concat")
    lines.advance(key)
    assert capsys.readouterr().err.splitlines() == [
        "folds: 1/2 (concat), 20.0s each, 0:00:20 left",
        "folds: 2/2, 20.0s each",
    ]


def test_a_log_has_a_line_every_ten_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("mmbench.cli.output.progress_lines.time.monotonic", lambda: now)
    lines = ProgressLines()
    for stage in ("checking files", "encoding"):
        key = lines.start(stage, 100)
        for _ in range(100):
            now += 0.3
            lines.advance(key)
        lines.finish(key)
    printed = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in printed] == [
        *(f"checking files: {done}/100" for done in (34, 68)),
        *(f"encoding: {done}/100" for done in (10, 44, 78)),
    ]


def test_check_lints_a_method(mmbench: Shell) -> None:
    result = mmbench("check", "milmer[variant=published]", "--dataset", "deap-sim", "--json")
    assert result.returncode == 1
    assert {finding["check"] for finding in json.loads(result.stdout)} >= {"gradient", "registration"}
    result = mmbench("check", "concat", "--dataset", "mfeat")
    assert (result.returncode, result.stdout.strip()) == (0, "concat on mfeat: no findings")


def test_options_of_methods_are_refused_for_plugins(mmbench: Shell) -> None:
    assert_one_line(mmbench("check", "builtin", "--dataset", "mfeat"), "'builtin' is not a method")


def test_run_reports_findings_of_lint(mmbench: Shell, tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text(
        "from torch import nn\n"
        "from mmbench import Fusion, hookimpl\n"
        "class Lazy(Fusion):\n"
        "    name = 'lazy'\n"
        "    def __init__(self, inputs, n_outputs):\n"
        "        super().__init__(inputs, n_outputs)\n"
        "        self.used, self.idle = (nn.Linear(inputs['fou'].dim, n_outputs) for _ in range(2))\n"
        "    def forward(self, tokens):\n"
        "        return self.used(tokens['fou'].x.mean(dim=(1, 2)))\n"
        "@hookimpl\n"
        "def register_fusions(register):\n"
        "    register(Lazy)\n"
    )
    result = mmbench("run", "lazy", "mfeat", "--plugin", "lazy.py", "--training", "epochs=1", "--json")
    finding = "fusion lazy: 650 weights get no gradient: idle.weight, idle.bias"
    assert f"lint: {finding}" in result.stderr
    assert json.loads(result.stdout)["methods"][0]["lint"] == [finding]


def test_preparation_reports_missing_files(mmbench: Shell, tmp_path: Path) -> None:
    toy = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
    assert mmbench("data", "simulate", "toy", "files", "--plugin", toy).returncode == 0
    lines = ["data", "prepare", "toy", "--data", "files", "--jobs", "1", "--plugin", toy]
    first, again = mmbench(*lines), mmbench(*lines)
    assert first.stdout.splitlines()[-1].startswith("facts: ")
    assert first.stdout == again.stdout


def test_a_folder_of_runs_is_listed_and_the_newest_comparison_is_named(
    mmbench: Shell, write_comparison: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_comparison(tmp_path / "runs" / "home")
    older = path.with_name("comparison-1.json")
    older.write_text(json.dumps({"runs": ["run1"], "seeds": 1}))
    os.utime(older, (1, 1))
    listed = mmbench("show", "runs")
    assert "runs/home/comparison-0.json" in listed.stdout
    assert [run["methods"] for run in json.loads(mmbench("show", "runs", "--json").stdout)["runs"]] == [
        ["first", "second"],
        ["second"],
    ]
    shown = mmbench("show", "runs/home")
    assert "first" in shown.stdout
    assert shown.stderr == (
        "runs/home: comparison-0.json is the newest of 2 comparisons; the others: comparison-1.json\n"
    )
    assert mmbench("show", "runs/home/comparison-0.json").stderr == ""
    report = mmbench("report", "runs/home", "--no-explain")
    assert report.returncode == 0, report.stderr
    assert "mmbench run first made --data DIR" in (tmp_path / "report" / "index.html").read_text()
    assert_one_line(mmbench("report", "runs"), "runs", "mmbench show FOLDER lists them")


def test_a_command_alone_is_that_of_the_whole_program() -> None:
    """Only the command that is called is built; what begins with no command gets all of them, to suggest one."""
    whole = get_command(app)
    for name, command in whole.commands.items():
        alone = get_command(_narrow([name, "--help"]))
        assert list(alone.commands) == [name]
        assert [each.opts for each in alone.commands[name].params] == [each.opts for each in command.params]
        assert getattr(alone.commands[name], "commands", {}).keys() == getattr(command, "commands", {}).keys()
        assert [each.opts for each in alone.params] == [each.opts for each in whole.params]
    for words in ([], ["--help"], ["dat", "list"], ["--version", "data"]):
        assert _narrow(words) is app
