"""Model lint: faults of a network that show before it is trained."""

from mmbench.integrity.model_lint.machine import Machine as Machine
from mmbench.integrity.model_lint.machine import find_machine as find_machine
from mmbench.integrity.model_lint.methods import Question as Question
from mmbench.integrity.model_lint.methods import lint_method as lint_method
from mmbench.integrity.model_lint.recipes import Finding as Finding
from mmbench.integrity.model_lint.recipes import Findings as Findings
from mmbench.integrity.model_lint.recipes import check_size as check_size
from mmbench.integrity.model_lint.recipes import find_size as find_size
from mmbench.integrity.model_lint.recipes import lint as lint
from mmbench.integrity.model_lint.recipes import tell as tell

__all__ = [
    "Finding",
    "Findings",
    "Machine",
    "Question",
    "check_size",
    "find_machine",
    "find_size",
    "lint",
    "lint_method",
    "tell",
]
