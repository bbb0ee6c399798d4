"""What a report is made of: the paths given on the shell line, read and sorted by what they are."""

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
class Look:
    """What one method looked at in one modality."""

    method: str
    explanation: Explanation


@dataclass(frozen=True)
class Sources:
    """A comparison, and what there is beside it.

    ``unseen`` tells of methods that explain themselves why that was not to be had.
    """

    comparison: Comparison
    ablations: tuple[AblationResult, ...] = ()
    audits: tuple[AuditResult, ...] = ()
    looks: tuple[Look, ...] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)


def find_sources(paths: Sequence[Path]) -> Sources:
    """Read runs, comparisons, ablations and audits; an audit of the same splits is also found beside the records.

    Raises RecordError for what is none of them or does not go together, SpecError where no run is among them.
    """
    for path in paths:
        if not path.exists():
            raise RecordError("no such file or folder", where=path, remedy="give the path that mmbench run printed")
    audits = [load_audit(path) for path in paths if is_audit(path)]
    ablations = [load_ablation(path) for path in paths if is_ablation(path)]
    runs = [path for path in paths if not is_audit(path) and not is_ablation(path)]
    if not runs and not ablations:
        raise SpecError("an audit alone is no run", where="report", remedy="give the path of a run, too")
    comparison = _side_by_side(runs) if runs else ablations[0].comparison
    for audit in audits:
        _check_same("audit", audit.dataset, audit.task, comparison.run)
    for ablation in ablations:
        _check_same("ablation", ablation.comparison.run["dataset"], ablation.comparison.run["task"], comparison.run)
    return Sources(comparison, tuple(ablations), tuple(audits) or tuple(_audits_beside(comparison)))


def _side_by_side(runs: Sequence[Path]) -> Comparison:
    """One comparison as it stands, several as ``mmbench compare`` puts them together."""
    found = [load_comparison(path) for path in runs]
    if len(found) == 1:
        return found[0]
    folders = dict.fromkeys(method.folder for comparison in found for method in comparison.methods)
    return compare(runs[0], list(folders))


def _check_same(what: str, dataset: str, task: str, run: Mapping[str, Any]) -> None:
    for name, mine in (("dataset", dataset), ("task", task)):
        if mine != run[name]:
            raise RecordError(
                f"{name} is {mine}, but {run[name]} in the run", where=what, remedy=f"give an {what} of the same data"
            )


def _audits_beside(comparison: Comparison) -> list[AuditResult]:
    """Audits in the folders around the records that looked at these very splits."""
    home = comparison.methods[0].folder.parent
    paths = sorted(path for folder in (home, home.parent) for path in folder.glob("audit-*.json") if is_audit(path))
    found = [load_audit(path) for path in paths]
    return [audit for audit in found if comparison.run["fingerprint"] in {one.fingerprint for one in audit.protocols}]


def with_looks(sources: Sources, cache: Path, plugins: tuple[str, ...] = ()) -> Sources:
    """The sources with what every method looked at that explains itself, from its weights and the prepared data."""
    looks: list[Look] = []
    unseen: dict[str, str] = {}
    for method in sources.comparison.methods:
        try:
            if can_explain(method, plugins):
                looks += [Look(method.name, each) for each in explain(method, cache, plugins)]
        except UserError as error:
            unseen[method.name] = error.message
    return replace(sources, looks=tuple(looks), unseen=unseen)
