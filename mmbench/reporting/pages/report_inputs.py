"""Inputs of a report: comparison, ablations, audits and explanations, loaded from paths of any of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.errors import RecordError, SpecError, UserError
from mmbench.results import Comparison, compare, load_comparison
from mmbench.workflows import (
    AblationResult,
    AuditResult,
    Explanation,
    can_explain,
    explain,
    is_ablation,
    is_audit,
    load_ablation,
    load_audit,
)


@dataclass(frozen=True)
class MethodExplanation:
    """The explanation of one method for one modality."""

    method: str
    explanation: Explanation


@dataclass(frozen=True)
class ReportInputs:
    """A comparison with its ablations, audits and explanations.

    ``unexplained`` gives the reason for each method that has explanations which could not be computed.
    """

    comparison: Comparison
    ablations: tuple[AblationResult, ...] = ()
    audits: tuple[AuditResult, ...] = ()
    explanations: tuple[MethodExplanation, ...] = ()
    unexplained: Mapping[str, str] = field(default_factory=dict)


def load_report_inputs(paths: Sequence[Path]) -> ReportInputs:
    """Load runs, comparisons, ablations and audits; an audit of the same splits is also found beside the records.

    Raises RecordError for a path that is none of these or of other data, SpecError if there is neither run nor
    ablation.
    """
    for path in paths:
        if not path.exists():
            raise RecordError("no such file or folder", where=path, remedy="give the path that mmbench run printed")
    audits = [load_audit(path) for path in paths if is_audit(path)]
    ablations = [load_ablation(path) for path in paths if is_ablation(path)]
    runs = [path for path in paths if not is_audit(path) and not is_ablation(path)]
    if not runs and not ablations:
        raise SpecError("no path is that of a run", where="report", remedy="add the path of a run")
    comparison = _side_by_side(runs) if runs else ablations[0].comparison
    for audit in audits:
        _check_same("audit", audit.dataset, audit.task, comparison.run)
    for ablation in ablations:
        _check_same("ablation", ablation.comparison.run["dataset"], ablation.comparison.run["task"], comparison.run)
    return ReportInputs(comparison, tuple(ablations), tuple(audits) or tuple(_audits_beside(comparison)))


def _side_by_side(runs: Sequence[Path]) -> Comparison:
    """The comparison, or several as one, as ``mmbench compare`` does."""
    found = [load_comparison(path) for path in runs]
    if len(found) == 1:
        return found[0]
    folders = dict.fromkeys(method.folder for comparison in found for method in comparison.methods)
    return compare(runs[0], list(folders))


def _check_same(what: str, dataset: str, task: str, run: Mapping[str, Any]) -> None:
    for name, mine in (("dataset", dataset), ("task", task)):
        if mine != run[name]:
            raise RecordError(
                f"its {name} is {mine}, that of the run is {run[name]}",
                where=what,
                remedy=f"give an {what} of the same data",
            )


def _audits_beside(comparison: Comparison) -> list[AuditResult]:
    """Audits of the same splits, in the folder of the run and the one above."""
    home = comparison.methods[0].folder.parent
    paths = sorted(path for folder in (home, home.parent) for path in folder.glob("audit-*.json") if is_audit(path))
    found = [load_audit(path) for path in paths]
    return [audit for audit in found if comparison.run["fingerprint"] in {one.fingerprint for one in audit.protocols}]


def add_explanations(inputs: ReportInputs, cache: Path, plugins: tuple[str, ...] = ()) -> ReportInputs:
    """The inputs with the explanations of every method that has some, from its weights and the prepared data."""
    found: list[MethodExplanation] = []
    unexplained: dict[str, str] = {}
    for method in inputs.comparison.methods:
        try:
            if can_explain(method, plugins):
                found += [MethodExplanation(method.name, each) for each in explain(method, cache, plugins)]
        except UserError as error:
            unexplained[method.name] = error.message
    return replace(inputs, explanations=tuple(found), unexplained=unexplained)
