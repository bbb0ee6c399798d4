"""Statistics over people, trainings and training sets: intervals, tests, chance level, verdicts."""

from mmbench.results.statistics.best import find_leaders as find_leaders
from mmbench.results.statistics.cells import CellScore as CellScore
from mmbench.results.statistics.cells import find_cells as find_cells
from mmbench.results.statistics.chance import above_chance as above_chance
from mmbench.results.statistics.chance import find_untested_reason as find_untested_reason
from mmbench.results.statistics.contrasts import ALPHA as ALPHA
from mmbench.results.statistics.contrasts import Contrast as Contrast
from mmbench.results.statistics.contrasts import make_method_scores as make_method_scores
from mmbench.results.statistics.contrasts import pairwise_weights as pairwise_weights
from mmbench.results.statistics.distributions import binomial_probability as binomial_probability
from mmbench.results.statistics.distributions import t_quantile as t_quantile
from mmbench.results.statistics.distributions import t_tail as t_tail
from mmbench.results.statistics.forecast import ASSUMED_DEVIATION as ASSUMED_DEVIATION
from mmbench.results.statistics.forecast import smallest_significant_difference as smallest_significant_difference
from mmbench.results.statistics.intervals import Interval as Interval
from mmbench.results.statistics.intervals import combination_intervals as combination_intervals
from mmbench.results.statistics.intervals import difference_intervals as difference_intervals
from mmbench.results.statistics.intervals import interval_by as interval_by
from mmbench.results.statistics.intervals import mean_interval as mean_interval
from mmbench.results.statistics.intervals import score_intervals as score_intervals
from mmbench.results.statistics.intervals import share_interval as share_interval
from mmbench.results.statistics.intervals import symmetric_interval as symmetric_interval
from mmbench.results.statistics.linearised import Linearised as Linearised
from mmbench.results.statistics.linearised import linearise_sums as linearise_sums
from mmbench.results.statistics.linearised import linearise_whole as linearise_whole
from mmbench.results.statistics.linearised import tally_by as tally_by
from mmbench.results.statistics.outcomes import Outcomes as Outcomes
from mmbench.results.statistics.pairs import Pair as Pair
from mmbench.results.statistics.pairs import compare_pairs as compare_pairs
from mmbench.results.statistics.ranks import LEAST_DATASETS as LEAST_DATASETS
from mmbench.results.statistics.ranks import LEAST_METHODS as LEAST_METHODS
from mmbench.results.statistics.ranks import N_DRAWS as N_DRAWS
from mmbench.results.statistics.ranks import DatasetScores as DatasetScores
from mmbench.results.statistics.ranks import RankedPair as RankedPair
from mmbench.results.statistics.ranks import RankTest as RankTest
from mmbench.results.statistics.ranks import mean_rank_intervals as mean_rank_intervals
from mmbench.results.statistics.ranks import rank_scores as rank_scores
from mmbench.results.statistics.ranks import rank_test as rank_test
from mmbench.results.statistics.ranks import unit_influence as unit_influence
from mmbench.results.statistics.ratios import Ratios as Ratios
from mmbench.results.statistics.units import find_statistical_units as find_statistical_units
from mmbench.results.statistics.verdicts import Verdict as Verdict
from mmbench.results.statistics.verdicts import make_verdicts as make_verdicts

__all__ = [
    "ALPHA",
    "ASSUMED_DEVIATION",
    "LEAST_DATASETS",
    "LEAST_METHODS",
    "N_DRAWS",
    "CellScore",
    "Contrast",
    "DatasetScores",
    "Interval",
    "Linearised",
    "Outcomes",
    "Pair",
    "RankTest",
    "RankedPair",
    "Ratios",
    "Verdict",
    "above_chance",
    "combination_intervals",
    "compare_pairs",
    "difference_intervals",
    "find_cells",
    "find_leaders",
    "find_statistical_units",
    "find_untested_reason",
    "interval_by",
    "linearise_sums",
    "linearise_whole",
    "make_method_scores",
    "make_verdicts",
    "mean_interval",
    "mean_rank_intervals",
    "pairwise_weights",
    "rank_scores",
    "rank_test",
    "score_intervals",
    "share_interval",
    "smallest_significant_difference",
    "symmetric_interval",
    "t_quantile",
    "t_tail",
    "tally_by",
    "unit_influence",
]
