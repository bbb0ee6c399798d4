"""Records made readable."""

from mmbench.report.ablations import ablation_tables
from mmbench.report.claims import claim_tables
from mmbench.report.tables import comparison_table, render
from mmbench.report.tunings import tuning_tables

__all__ = ["ablation_tables", "claim_tables", "comparison_table", "render", "tuning_tables"]
