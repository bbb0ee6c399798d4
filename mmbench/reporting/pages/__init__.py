"""Static HTML pages of results, which work offline and without a server."""

from mmbench.reporting.pages.boards import board_page as board_page
from mmbench.reporting.pages.boards import index_page as index_page
from mmbench.reporting.pages.report import Written as Written
from mmbench.reporting.pages.report import write_report as write_report

__all__ = ["Written", "board_page", "index_page", "write_report"]
