"""Model lint: checks of networks before training."""

from mmbench.integrity.model_lint.machine import Machine as Machine
from mmbench.integrity.model_lint.machine import find_machine as find_machine
from mmbench.integrity.model_lint.methods import LintRequest as LintRequest
from mmbench.integrity.model_lint.methods import lint_method as lint_method
from mmbench.integrity.model_lint.recipes import Finding as Finding
from mmbench.integrity.model_lint.recipes import Findings as Findings
from mmbench.integrity.model_lint.recipes import check_size as check_size
from mmbench.integrity.model_lint.recipes import find_size as find_size
from mmbench.integrity.model_lint.recipes import lint as lint
from mmbench.integrity.model_lint.recipes import report_findings as report_findings

__all__ = [
    "Finding",
    "Findings",
    "LintRequest",
    "Machine",
    "check_size",
    "find_machine",
    "find_size",
    "lint",
    "lint_method",
    "report_findings",
]
