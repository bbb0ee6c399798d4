from .boards import board_page as board_page
from .boards import index_page as index_page
from .rendering import Written as Written
from .report import write_report as write_report
