"""Static pages: results as HTML that needs no server and asks nothing of the network."""

from mmbench.pages.report import Written as Written
from mmbench.pages.report import write_report as write_report

__all__ = ["Written", "write_report"]
