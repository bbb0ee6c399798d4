"""Tables and texts for the terminal, and the words and numbers that pages and plots share with them."""

from mmbench.reporting.terminal.ablations import ablation_tables
from mmbench.reporting.terminal.audits import audit_table
from mmbench.reporting.terminal.caches import cache_table, cleaned_table, explained_table
from mmbench.reporting.terminal.claims import claim_tables
from mmbench.reporting.terminal.comparisons import comparison_table
from mmbench.reporting.terminal.diagnoses import diagnosis_tables
from mmbench.reporting.terminal.layout import render
from mmbench.reporting.terminal.run_lists import run_list_text
from mmbench.reporting.terminal.split_audits import split_audit_table
from mmbench.reporting.terminal.tunings import tuning_tables

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
    "run_list_text",
    "split_audit_table",
    "tuning_tables",
]
