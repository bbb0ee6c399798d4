"""The audit as a whole: simulated recordings, the toy dataset, the command line, and errors."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.cli import main
from mmbench.errors import ProtocolError, RecordError, SpecError
from mmbench.reporting.terminal import audit_table, render
from mmbench.workflows.audit import audit_path, is_audit, load_audit

TOY = str(Path(__file__).parents[2] / "plugins" / "toy_plugin.py")
HONEST = ("trial", "subject", "loso", "pooled-trial")


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shelf = tmp_path_factory.mktemp("audits")
    return {"cache": shelf, "out": shelf / "runs", "jobs": 1}


@pytest.fixture(scope="module")
def simulated(where: dict[str, Any]) -> Any:
    """Signals of simulated people, with a fingerprint of each trial."""
    return mmbench.audit("concat", "deap-sim[subjects=3,video=false]", **where)


@pytest.fixture
def toy(where: dict[str, Any], toy_people: Path) -> dict[str, Any]:
    return {**where, "data": toy_people, "plugins": (TOY,), "training": {"epochs": 1}, "folds": 3}


def test_shuffled_windows_leak_and_whole_trials_do_not(simulated: Any) -> None:
    found = {audit.protocol: audit for audit in simulated.protocols}
    assert set(found) == {"segment", "trial", "subject", "loso", "pooled-segment", "pooled-trial"}
    assert [found[name].leaks for name in ("segment", "pooled-segment")] == [True, True]
    assert [name for name in HONEST if found[name].leaks is not False] == []
    assert (simulated.strictest, simulated.lots, simulated.n_lots) == ("loso", "trial", 120)
    assert simulated.inflation(found["segment"]) > 0.1
    assert simulated.inflation(found["loso"]) == 0
    assert found["segment"].structure.straddling["trial"] > 0.8
    assert found["segment"].probe.oracle >= found["segment"].probe.score


def test_json_has_the_documented_fields(simulated: Any) -> None:
    document = json.loads(json.dumps(simulated.to_json()))
    assert document["simulated"] is True
    protocols = {row["protocol"]: row for row in document["protocols"]}
    for row in protocols.values():
        assert {"protocol", "leaks", "p_value", "score", "control", "straddling"} <= set(row)
    assert protocols["segment"]["p_value"] < 0.001 < protocols["trial"]["p_value"]
    assert protocols["segment"]["control"] > 0.45  # chance level: 0.25
    assert protocols["trial"]["straddling"] == {"trial": 0.0}


def test_the_table_says_the_verdict_in_eighty_columns(
    simulated: Any, where: dict[str, Any], widest: Callable[[str], int]
) -> None:
    text = render(audit_table(simulated, audit_path(where["out"], simulated)))
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert "LEAKS" in rows["segment"]
    assert "no leak found" in rows["loso"]
    assert "SIMULATED" in text
    assert widest(text) <= 80


def test_an_audit_is_kept_and_read_again(simulated: Any, where: dict[str, Any]) -> None:
    path = audit_path(where["out"], simulated)
    assert is_audit(path)
    assert load_audit(path) == simulated


def test_a_damaged_audit_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "audit-x.json"
    path.write_text('{"audit": {"method": "concat"}}')
    assert is_audit(path)
    with pytest.raises(RecordError, match="is not an audit"):
        load_audit(path)
    path.write_text('{"audit"')
    assert not is_audit(path)


def test_one_recording_per_class_and_person_is_undecidable(toy: dict[str, Any], tmp_path: Path) -> None:
    """Two trials a person, one of each class: shuffled windows may or may not be recognised by their trial."""
    from mmbench.registry.plugins import load_registry

    people = tmp_path / "people"
    load_registry((TOY,)).find("datasets", "toy").component().simulate(people, subjects=6, trials=2)
    options = {**toy, "data": people, "out": tmp_path, "modalities": ["signal"]}
    result = mmbench.audit("concat", "toy[windows=40]", **options)
    assert result.lots == "part of a trial"
    assert {audit.protocol: audit.leaks for audit in result.protocols} == {
        "segment": None, "subject": False, "loso": False, "pooled-segment": None, "pooled-trial": False
    }  # fmt: skip
    assert "only 2 trials" in result.skipped["trial"]
    text = render(audit_table(result, tmp_path))
    assert "inconclusive" in text
    assert "trial was not audited: only 2 trials" in text


def test_protocols_may_be_chosen(toy: dict[str, Any]) -> None:
    result = mmbench.audit("concat", "toy", protocol="pooled-trial, subject", **toy)
    assert [audit.protocol for audit in result.protocols] == ["pooled-trial", "subject"]
    assert result.strictest == "subject"


def test_frozen_encoders_of_the_method_are_probed_too(toy: dict[str, Any]) -> None:
    frozen = mmbench.audit("concat", "toy", protocol="subject", encoders={"signal": "spectrum[octaves=2]"}, **toy)
    assert frozen.features == {"signal": "spectrum", "facts": "raw", "signal, tokens": "spectrum[octaves=2]"}
    plain = mmbench.audit("concat", "toy", protocol="subject", encoders={"signal": "spectrum"}, **toy)
    assert plain.features == {"signal": "spectrum", "facts": "raw"}
    single = mmbench.audit("only[modality=facts]", "toy", protocol="subject", **toy)
    assert single.features == {"facts": "raw"}


def test_results_do_not_depend_on_the_number_of_processes(toy: dict[str, Any]) -> None:
    one, two = (mmbench.audit("concat", "toy", **{**toy, "jobs": jobs}) for jobs in (1, 2))
    assert one == two


def test_the_method_itself_is_trained_once(toy: dict[str, Any], tmp_path: Path, widest: Callable[[str], int]) -> None:
    options = {**toy, "out": tmp_path, "protocol": "subject"}
    before = mmbench.audit("concat", "toy", **options)
    assert before.protocols[0].method is None
    mmbench.run("concat", "toy", **options)
    without_control = mmbench.audit("concat", "toy", **options).protocols[0].method
    assert without_control is not None
    assert (without_control.control.draws, without_control.control.score) == (0, None)

    full = mmbench.audit("concat", "toy", full=True, **options)
    method = full.protocols[0].method
    assert method is not None
    assert method.score == without_control.score
    assert method.control.draws == 5
    assert 0.2 < (method.control.score or 0) < 0.8
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("lots/*/*.json")}
    assert len(trained) == 2 * 5 * 3
    removed, spoilt, *_ = sorted(trained)
    removed.unlink()
    spoilt.write_text("{}")
    assert mmbench.audit("concat", "toy", full=True, **options) == full
    again = {path for path, stamp in trained.items() if path.stat().st_mtime_ns != stamp}
    assert again == {removed, spoilt}
    text = render(audit_table(full, tmp_path))
    assert "concat trained" in text
    assert widest(text) <= 80


def test_a_method_that_recognises_trials_is_caught_itself(where: dict[str, Any], tmp_path: Path) -> None:
    result = mmbench.audit(
        "concat",
        "deap-sim[subjects=2,video=false,windows=8]",
        full=True,
        protocol="pooled-segment",
        encoders={"eeg": "de"},
        training={"epochs": 8},
        folds=2,
        **{**where, "out": tmp_path},
    )
    method = result.protocols[0].method
    assert method is not None
    assert method.control.leaks


def test_what_cannot_be_audited_is_one_line(toy: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="prior reads no modality"):
        mmbench.audit("prior", "toy", **toy)
    with pytest.raises(ProtocolError, match="no protocol 'trail'"):
        mmbench.audit("concat", "toy", protocol="subject,trail", **toy)
    with pytest.raises(ProtocolError, match="declares no subject"):
        mmbench.audit("concat", "mfeat", protocol="loso", out=toy["out"], cache=toy["cache"])


def shell(*arguments: str) -> int:
    before, sys.argv = sys.argv, ["mmbench", *arguments]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    return 0


def test_the_shell_prints_json_and_shows_it_again(
    toy_people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["audit", "concat", "toy", "--plugin", TOY, "--data", str(toy_people), "--out", str(tmp_path), "--jobs", "1"]
    assert shell(*line, "--draws", "3", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["draws"] for row in printed["protocols"]] == [3] * 6
    (path,) = tmp_path.glob("audit-*.json")
    assert shell("show", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out) == printed
    assert shell("show", str(path)) == 0
    assert "audit with concat" in capsys.readouterr().out
    assert shell("show", str(path), "--explain") == 2
    assert "an audit has no explanations" in capsys.readouterr().err
    assert shell(*line, "--draws", "1") == 2
    assert capsys.readouterr().err.startswith("mmbench: --draws: 1 is too few")
