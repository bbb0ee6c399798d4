"""Records made readable."""

from mmbench.report.tables import comparison_table, render

__all__ = ["comparison_table", "render"]
