"""What a report is made of: the paths given on the shell line, read and sorted by what they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmbench.ablation import AblationResult, is_ablation, load_ablation
from mmbench.auditing import AuditResult, is_audit, load_audit
from mmbench.comparison import Comparison, compare, load_comparison
from mmbench.errors import RecordError, SpecError


@dataclass(frozen=True)
class Sources:
    """A comparison, and what there is beside it."""

    comparison: Comparison
    ablations: tuple[AblationResult, ...] = ()
    audits: tuple[AuditResult, ...] = ()


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
        _check_audit(audit, comparison)
    return Sources(comparison, tuple(ablations), tuple(audits) or tuple(_audits_beside(comparison)))


def _side_by_side(runs: Sequence[Path]) -> Comparison:
    """One comparison as it stands, several as ``mmbench compare`` puts them together."""
    found = [load_comparison(path) for path in runs]
    if len(found) == 1:
        return found[0]
    folders = dict.fromkeys(method.folder for comparison in found for method in comparison.methods)
    return compare(runs[0], list(folders))


def _check_audit(audit: AuditResult, comparison: Comparison) -> None:
    run = comparison.run
    for name, mine in (("dataset", audit.dataset), ("task", audit.task)):
        if mine != run[name]:
            raise RecordError(
                f"{name} is {mine}, but {run[name]} in the run", where="audit", remedy="give an audit of the same data"
            )


def _audits_beside(comparison: Comparison) -> list[AuditResult]:
    """Audits in the folders around the records that looked at these very splits."""
    home = comparison.methods[0].folder.parent
    paths = sorted(path for folder in (home, home.parent) for path in folder.glob("audit-*.json") if is_audit(path))
    found = [load_audit(path) for path in paths]
    return [audit for audit in found if comparison.run["fingerprint"] in {one.fingerprint for one in audit.protocols}]
