"""Standings of a suite: mean ranks of methods over datasets, the tests of ranks, and counts of verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from mmbench.registry import orient
from mmbench.results import (
    LEAST_DATASETS,
    LEAST_METHODS,
    Comparison,
    DatasetScores,
    Interval,
    MethodResult,
    RankTest,
    mean_rank_intervals,
    rank_scores,
    rank_test,
    unit_influence,
)
from mmbench.storage import counted, named_generator


@dataclass(frozen=True)
class Standing:
    """The mean rank of a method, and its rank on each dataset, 1 for the best.

    ``interval`` is a 95 % interval of the mean; None for fewer than 3 datasets, of which it would be far too short.
    """

    method: str
    mean_rank: float
    interval: Interval | None
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class Standings:
    """Methods with a score on all of ``datasets``, the best first, and the Friedman test of their ranks.

    ``unranked`` counts the datasets with a score for each other method. ``no_test`` says why ``test`` is None. Pairs
    of the test are indices of ``ranked``.
    """

    datasets: tuple[str, ...]
    ranked: tuple[Standing, ...]
    unranked: Mapping[str, int]
    test: RankTest | None
    no_test: str = ""


@dataclass(frozen=True)
class VerdictCounts:
    """Verdicts on the first method against another one: the number of datasets with each."""

    against: str
    better: int
    not_significant: int
    worse: int

    @property
    def n_datasets(self) -> int:
        """Datasets with a verdict."""
        return self.better + self.not_significant + self.worse


def find_method(comparison: Comparison, name: str) -> MethodResult | None:
    """The results of a method that has every fold and a score that is a number; None if there is none."""
    found = next((each for each in comparison.methods if each.run["method"] == name), None)
    return None if found is None or found.missing or not isfinite(found.score.mean) else found


def find_standings(methods: Sequence[str], comparisons: Mapping[str, Comparison], seed: str) -> Standings:
    """The standings of ``methods`` by the comparisons of datasets; ``seed`` names the random numbers.

    Ranks are over all the datasets, so that a method without a score on one of them has no rank.
    """
    found = {name: [find_method(each, name) for each in comparisons.values()] for name in methods}
    whole = [name for name in methods if comparisons and all(found[name])]
    unranked = {name: sum(each is not None for each in found[name]) for name in methods if name not in whole}
    datasets = tuple(comparisons)
    if len(whole) < 2:
        return Standings(datasets, (), unranked, None, _why_not(len(whole), len(datasets)))
    scores = [_scores_on([each[at] for each in map(found.get, whole) if each]) for at in range(len(datasets))]
    ranks = np.stack([rank_scores(each.scores) for each in scores], axis=1)
    intervals: list[Interval | None] = [None] * len(whole)
    if len(datasets) >= LEAST_DATASETS:
        intervals[:] = mean_rank_intervals(scores, named_generator("mean ranks", seed))
    means = ranks.mean(axis=1)
    order = sorted(range(len(whole)), key=lambda at: means[at])
    ranked = tuple(Standing(whole[at], float(means[at]), intervals[at], tuple(map(float, ranks[at]))) for at in order)
    if no_test := _why_not(len(whole), len(datasets)):
        return Standings(datasets, ranked, unranked, None, no_test)
    return Standings(datasets, ranked, unranked, rank_test(ranks[order], named_generator("rank test", seed)))


def _why_not(n_methods: int, n_datasets: int) -> str:
    if n_datasets < LEAST_DATASETS:
        return f"no test over {counted(n_datasets, 'dataset')}: it needs {LEAST_DATASETS}"
    if n_methods < LEAST_METHODS:
        with_all = "method with a score" if n_methods == 1 else "methods with a score"
        return f"no test of {n_methods} {with_all} on every dataset: it needs {LEAST_METHODS}"
    return ""


def _scores_on(methods: Sequence[MethodResult | None]) -> DatasetScores:
    """Scores of methods on one dataset, and the contributions of its units."""
    results = [each for each in methods if each is not None]
    scores = np.array([each.orient(each.score.mean) for each in results])
    influence = [_influence_of(each) for each in results]
    return DatasetScores(scores, np.stack(influence))


def _influence_of(method: MethodResult) -> Any:
    sign = orient(method.metrics[method.metric], 1.0)
    return sign * unit_influence(method.outcomes.linearise(method.metric))


def count_verdicts(methods: Sequence[str], comparisons: Sequence[Comparison]) -> list[VerdictCounts]:
    """The verdicts on the first method, counted over comparisons in which it is the first one."""
    first, *others = methods
    words: dict[str, list[str]] = {name: [] for name in others}
    for comparison in comparisons:
        names = {each.name: str(each.run["method"]) for each in comparison.methods}
        if comparison.methods[0].run["method"] == first:
            for verdict in comparison.verdicts:
                words[names[verdict.against]].append(verdict.word)
    return [
        VerdictCounts(
            name,
            found.count("significantly better"),
            found.count("not significant") + found.count("identical"),
            found.count("significantly worse"),
        )
        for name, found in words.items()
    ]
