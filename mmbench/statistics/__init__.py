"""Statistics over the right unit: intervals, paired tests, chance, verdicts."""

from mmbench.statistics.chance import chance_bound as chance_bound
from mmbench.statistics.intervals import Interval as Interval
from mmbench.statistics.intervals import difference_intervals as difference_intervals
from mmbench.statistics.intervals import score_intervals as score_intervals
from mmbench.statistics.paired import resampled_t_p as resampled_t_p
from mmbench.statistics.recalls import count_hits as count_hits
from mmbench.statistics.recalls import recall_intervals as recall_intervals
from mmbench.statistics.units import unit_counts as unit_counts
from mmbench.statistics.units import unit_of as unit_of
from mmbench.statistics.verdicts import Verdict as Verdict
from mmbench.statistics.verdicts import find_leaders as find_leaders
from mmbench.statistics.verdicts import judge as judge

__all__ = [
    "Interval",
    "Verdict",
    "chance_bound",
    "count_hits",
    "difference_intervals",
    "find_leaders",
    "judge",
    "recall_intervals",
    "resampled_t_p",
    "score_intervals",
    "unit_counts",
    "unit_of",
]
