"""The report as a file: whole, safe, the same each time, and with the numbers of the tables."""

import json
import re
from dataclasses import asdict
from itertools import pairwise

import pytest
from markupsafe import Markup
from typer.testing import CliRunner

from mmbench.cli.app import app
from mmbench.errors import RecordError
from mmbench.reporting.pages.report import render_report
from mmbench.reporting.pages.report_inputs import load_report_inputs
from mmbench.reporting.terminal import comparison_table, render
from mmbench.reporting.terminal.verdicts import describe_verdict
from mmbench.results.failures import Failure
from mmbench.results.loading import load_comparison
from mmbench.workflows.audit.files import write_audit
from mmbench.workflows.audit.findings import Control, SharedGroups, SuspectChannel
from mmbench.workflows.audit.results import AuditResult, ModelAudit, ProtocolAudit

EVIL = "<script>alert('x')</script> & \"quoted\""


def page_of(*paths):
    return render_report(load_report_inputs(paths))


@pytest.fixture
def undrawn(monkeypatch):
    """Drawing is what takes time, and most tests are about the texts."""
    monkeypatch.setattr("mmbench.reporting.pages.plot_embedding.to_svg", lambda *_: Markup(""))


@pytest.fixture(scope="module")
def made(write_comparison, tmp_path_factory):
    path = write_comparison(tmp_path_factory.mktemp("made"), ("first", "second", "only[modality=left]"))
    return path, page_of(path)


def number_table(html, caption):
    """The rows of a table of the page, as texts."""
    (table,) = re.findall(rf"<caption>{re.escape(caption)}</caption>(.*?)</table>", html, flags=re.DOTALL)
    rows = re.findall(r"<tr.*?>(.*?)</tr>", table, flags=re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_the_numbers_are_those_of_the_terminal(made):
    path, html = made
    printed = render(comparison_table(load_comparison(path), details=True)).splitlines()
    captions = (
        "Scores of every method",
        "Calibration and cost of every method",
        "first compared with each other method",
    )
    for caption in captions:
        for row in number_table(html, caption)[1:]:
            # A verdict beside a long name goes on in the next line.
            mine = " ".join(
                " ".join(f"{line} {after}".split())
                for line, after in pairwise([*printed, ""])
                if row[0] in line.split()[:2]
            )
            assert [cell for cell in row if " ".join(cell.split()) not in mine] == []


def test_verdict_comes_first(made):
    path, html = made
    verdict = describe_verdict(load_comparison(path))
    assert re.fullmatch(
        r"first scores 0\.\d{3} \[.*\]: (significantly better|not significantly different) .*\.|No method is .*",
        verdict,
    )
    assert html.index(verdict) < html.index("<table>")
    assert html.index("LEAK:") < html.index("SIMULATED data:") < html.index("<h2")


def test_the_same_records_give_the_same_page(made):
    path, html = made
    assert page_of(path) == html


def test_page_loads_no_external_resource(made):
    _, html = made
    assert re.findall(r"(?:src|href)=\"(?!#|data:)([^\"]*)", html) == []
    assert "url(http" not in html
    assert "@import" not in html
    assert re.findall(r"<[^>]*\s(on\w+|style)=", html) == []
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_ids_are_unique_and_references_resolve(made):
    _, html = made
    ids = re.findall(r"\sid=\"([^\"]+)\"", html)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r"(?:href=\"#|url\(#|labelledby=\"|describedby=\")([^\")]+)", html)
    assert set(wanted) <= set(ids)


def test_names_are_only_text(write_comparison, tmp_path):
    card = {"access": "open", "title": EVIL}
    path = write_comparison(tmp_path, (EVIL, "second"), classes=("<b>bold\t&amp;", EVIL), card=card, task=EVIL)
    html = page_of(path)
    assert len(re.findall("<script>", html)) == 1
    assert html.count("&lt;script&gt;alert(") > 10
    assert "SIMULATED" not in html


@pytest.mark.usefixtures("undrawn")
def test_failures_are_reported(write_comparison, tmp_path):
    path = write_comparison(tmp_path, ("first", "second", "third"))
    (tmp_path / "run1" / "fold-1-seed-0.json").unlink()
    for folder, fold in (("run1", "1"), ("run2", "0"), ("run2", "1")):
        record = tmp_path / folder / f"fold-{fold}-seed-0.json"
        record.unlink(missing_ok=True)
        name = {"run1": "second", "run2": "third"}[folder]
        failure = Failure(name, fold, 0, "ValueError: <it> broke")
        record.with_name(f"failed-{record.name}").write_text(json.dumps(asdict(failure)))
    html = page_of(path)
    assert "third: 2 folds failed, fold 0 with: ValueError: &lt;it&gt; broke" in html
    assert "second: 1 fold failed, fold 1 with" in html
    assert {row[0] for row in number_table(html, "Scores of every method")[1:]} == {"first", "second"}
    headless = json.loads(path.read_text())
    path.write_text(json.dumps({**headless, "runs": ["run2", "run0"]}))
    assert "The first method failed in every fold and has no verdict." in page_of(path)


@pytest.mark.usefixtures("undrawn")
def test_one_method_alone_needs_no_verdict(write_comparison, tmp_path):
    html = page_of(write_comparison(tmp_path, ("alone",)))
    assert "<h1>alone on made</h1>" in html
    assert "against each of the others" not in html


def test_command_is_shown_if_recorded(made, write_comparison, tmp_path):
    path, html = made
    assert "<code>mmbench run first made --data DIR</code>" in html
    for fact in ("concat[dim=8]", "left: raw, right: raw", "epochs=4, patience=4", "Python 3.11 on nowhere"):
        assert fact in html
    assert "do not hold the command" in page_of(path.parent / "run0", path.parent / "run1")


def audit(fingerprint, dataset="made"):
    def look(name, mark, score, p):
        control = Control(20, score, 0.5, p)
        structure = SharedGroups({"trial": 0.9}, 0.0, {})
        return ProtocolAudit(name, 2, mark, structure, True, ModelAudit(0.8, 0.82, control), doubts=())

    protocols = (look("segment", "other", 0.9, 1e-6), look("subject", fingerprint, 0.5, 0.6))
    oddity = SuspectChannel("left", "channel <1>", "constant")
    return AuditResult(
        "first", dataset, "side", ("no", "yes"), True, "train", 96, "trial", 16, {"left, raw": "raw"},
        protocols, "subject", {}, (oddity,), {},
    )  # fmt: skip


@pytest.mark.usefixtures("undrawn")
def test_an_audit_of_these_splits_is_found_beside_the_records(write_comparison, tmp_path):
    path = write_comparison(tmp_path / "home")
    assert 'id="audit"' not in page_of(path)
    write_audit(tmp_path / "audit-1.json", audit("another"))
    assert 'id="audit"' not in page_of(path)
    other = "no leak found (on other splits than those of this report, audited with first)"
    assert other in page_of(path, tmp_path / "audit-1.json")
    write_audit(tmp_path / "audit-2.json", audit("f" * 12))
    html = page_of(path)
    assert html.count("<h2") == html.count("</h2>")
    assert "Protocol subject of this report: no leak found (on the splits of this report, audited with first)." in html
    assert "channel &lt;1&gt;: constant" in html
    assert ["segment", "LEAKS", "0.800", "0.900", "0.500"] in number_table(
        html, "Randomly assigned labels under each protocol"
    )


@pytest.mark.usefixtures("undrawn")
def test_an_audit_of_other_data_is_refused(write_comparison, tmp_path):
    path = write_comparison(tmp_path / "home")
    write_audit(tmp_path / "audit.json", audit("f" * 12, dataset="other"))
    done = CliRunner().invoke(app, ["report", str(path), str(tmp_path / "audit.json"), "--out", str(tmp_path / "page")])
    assert "its dataset is other, that of the run is made" in done.exception.line
    assert not (tmp_path / "page").exists()


@pytest.mark.usefixtures("undrawn")
def test_ablations_are_shown_value_by_value(write_comparison, tmp_path):
    write_comparison(tmp_path, ("first", "first[k=2]"))
    rows = [{"value": "k=1", "run": "run0", "reason": ""}, {"value": "k=2", "run": "run1", "reason": ""}]
    rows.append({"value": "k=9", "run": None, "reason": "larger than the bag"})
    listed = {"default": "run0", "seeds": 1, "tables": [{"name": "size", "parameter": "k", "rows": rows}]}
    path = tmp_path / "ablation-1.json"
    path.write_text(json.dumps(listed))
    html = page_of(path)
    shown = number_table(html, "size: each value compared with the default")
    assert [row[0] for row in shown] == ["k", "k=1", "k=2", "k=9"]
    assert shown[1][2] == "default"
    assert shown[3][1:] == ["–", "not run"]
    assert "k k=9 was not run: larger than the bag" in html


@pytest.mark.usefixtures("undrawn")
def test_runs_are_put_side_by_side_and_their_splits_must_match(write_comparison, tmp_path):
    one = write_comparison(tmp_path / "a", ("first",))
    other = write_comparison(tmp_path / "b", ("second",))
    assert {row[0] for row in number_table(page_of(one, other), "Scores of every method")[1:]} == {"first", "second"}
    listed = {"default": "run0", "seeds": 1, "tables": []}
    write_comparison(tmp_path / "d", ("first",), dataset="other")
    (tmp_path / "d" / "ablation-0.json").write_text(json.dumps(listed))
    with pytest.raises(RecordError, match="ablation: its dataset is other, that of the run is made"):
        load_report_inputs([one, tmp_path / "d" / "ablation-0.json"])
    cut = write_comparison(tmp_path / "c", ("third",), fingerprint="e" * 12)
    done = CliRunner().invoke(app, ["report", str(one), str(cut), "--out", str(tmp_path / "page")])
    assert "fingerprint" in done.exception.line


def test_the_command_says_where_the_page_is_and_how_large(made, tmp_path):
    path, _ = made
    out = tmp_path / "page"
    done = CliRunner().invoke(app, ["report", str(path), "--out", str(out), "--no-explain"])
    assert done.exit_code == 0
    assert done.stdout == f"{out / 'index.html'}\n"
    assert re.fullmatch(r"\d+ kB, one file, works offline\n", done.stderr)
    assert [each.name for each in out.iterdir()] == ["index.html"]
    done = CliRunner().invoke(app, ["report", str(path), "--out", str(out), "--no-explain", "--json"])
    size = (out / "index.html").stat().st_size
    assert json.loads(done.stdout) == {"page": str(out / "index.html"), "bytes": size}
    assert size < 500_000


@pytest.mark.parametrize("given", ["nowhere", "audit"])
def test_what_is_no_run_is_refused(tmp_path, given):
    write_audit(tmp_path / "audit", audit("f" * 12))
    done = CliRunner().invoke(app, ["report", str(tmp_path / given), "--out", str(tmp_path / "page")])
    assert {"nowhere": "no such file or folder", "audit": "no path is that of a run"}[given] in done.exception.line


@pytest.mark.parametrize("kind", ["class", "labels", "values"])
def test_the_page_of_any_kind_of_task_has_its_metrics_and_plots(write_task, undrawn, tmp_path, kind):
    path = write_task(tmp_path, kind)
    comparison, html = load_comparison(path), page_of(path)
    headings, *rows = number_table(html, "Scores of every method")
    assert [heading.replace("&#39;", "'") for heading in headings[1:5]] == [
        comparison.title_of(name) for name in (comparison.metric, *comparison.other_metrics)
    ]
    assert [row[0] for row in rows] == ["first", "second"]  # the best first, of errors the smallest
    assert (">Confusion matrices<" in html) == (kind == "class")
    assert (">F1 of every label<" in html) == (kind == "labels")
    assert (
        (">Predicted over observed values<" in html) == (">Coverage of 95 % intervals<" in html) == (kind == "values")
    )
    assert ("Lower MAE is better." in html) == (kind == "values")
    assert f"metric {comparison.metric_title}" in html.replace("&#39;", "'")
