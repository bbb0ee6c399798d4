"""Records made readable."""

from mmbench.report.ablations import ablation_tables
from mmbench.report.audits import audit_table
from mmbench.report.caches import cache_table, cleaned_table, explained_table
from mmbench.report.claims import claim_tables
from mmbench.report.diagnoses import diagnosis_tables
from mmbench.report.layout import render
from mmbench.report.tables import comparison_table
from mmbench.report.tunings import tuning_tables

__all__ = [
    "ablation_tables",
    "audit_table",
    "cache_table",
    "claim_tables",
    "cleaned_table",
    "comparison_table",
    "diagnosis_tables",
    "explained_table",
    "render",
    "tuning_tables",
]
