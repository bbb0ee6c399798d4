"""Static pages: results as HTML that needs no server and asks nothing of the network."""

from mmbench.pages.boards import board_page as board_page
from mmbench.pages.boards import index_page as index_page
from mmbench.pages.report import Written as Written
from mmbench.pages.report import write_report as write_report

__all__ = ["Written", "board_page", "index_page", "write_report"]
