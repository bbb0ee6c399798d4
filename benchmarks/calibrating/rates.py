"""Error rates of verdicts, intervals and sets of best methods over many datasets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mmbench.results.statistics import (
    Outcomes,
    above_chance,
    difference_intervals,
    find_leaders,
    make_verdicts,
    score_intervals,
)
from mmbench.results.statistics.cells import sum_by

METRIC = "balanced_accuracy"
_ALPHA = 0.05
_DRAWS = 2000


class Rates:
    """Rates of events, by name."""

    def __init__(self) -> None:
        self.events: dict[str, list[bool]] = defaultdict(list)

    def add(self, name: str, happened: bool) -> None:
        """One more case of ``name``."""
        self.events[name].append(bool(happened))

    def __getitem__(self, name: str) -> float:
        return float(np.mean(self.events[name])) if self.events[name] else float("nan")


def is_significant(ours: Outcomes, theirs: Outcomes) -> bool:
    """Whether mmbench reports a significant difference."""
    return make_verdicts(ours, {"other": theirs})[0].p < _ALPHA


def exchanging_people(ours: Outcomes, theirs: Outcomes) -> float:
    """The p of mmbench 0.1: the share of exchanges of whole people, alike in every seed, that leave as much."""
    one, other = (each.ratios(METRIC) for each in (ours, theirs))
    total = one.denominator[0].sum(axis=0)
    change = ((one.numerator - other.numerator).mean(axis=0) / np.where(total > 0, total, np.inf)).sum(axis=1)
    by_person = sum_by(one.unit, change[:, None], one.n_units)[:, 0]
    signs = np.random.default_rng(0).integers(0, 2, (_DRAWS, len(by_person))) * 2 - 1
    signs[0] = 1
    differences = np.abs(signs @ by_person)
    return float(np.mean(differences >= differences[0] - 1e-12))


def rate_pairs(datasets: Iterable[Mapping[str, Outcomes]], seeds: Sequence[int]) -> Mapping[int, Rates]:
    """For equal methods, rates of significant differences and of exclusion from the best, by number of seeds."""
    found = {n: Rates() for n in seeds}
    for methods in datasets:
        for n, rates in found.items():
            few = {name: outcomes.first_seeds(n) for name, outcomes in methods.items()}
            _rate(few, rates)
    return found


def _rate(methods: Mapping[str, Outcomes], rates: Rates) -> None:
    twins = {name: outcomes for name, outcomes in methods.items() if name.startswith("twin")}
    names = list(twins)
    for one, other in zip(names[::2], names[1::2], strict=False):
        rates.add("twins", is_significant(twins[one], twins[other]))
        rates.add("twins, 0.1", exchanging_people(twins[one], twins[other]) < _ALPHA)
    for one, other in (("first", "second"), ("linear-first", "linear-second")):
        if one in methods:
            rates.add("linear" if "linear" in one else "siblings", is_significant(methods[one], methods[other]))
            interval = difference_intervals(methods[one], methods[other])[METRIC]
            rates.add("difference held", interval.low <= 0 <= interval.high)
    if len(twins) > 2:
        rates.add("not among best", len(find_leaders(twins)) < len(twins))
        first, *others = names
        verdicts = make_verdicts(twins[first], {name: twins[name] for name in others})
        rates.add("any of family", any(verdict.p < _ALPHA for verdict in verdicts))


def rate_coverage(datasets: Sequence[Mapping[str, Outcomes]], names: Sequence[str], n_seeds: int) -> Rates:
    """How often the interval of a score holds the mean score over all datasets."""
    rates = Rates()
    for name in names:
        several = [methods[name].first_seeds(n_seeds) for methods in datasets]
        truth = float(np.mean([outcomes.ratios(METRIC).score for outcomes in several]))
        for outcomes in several:
            interval = score_intervals(outcomes)[METRIC]
            rates.add("score held", interval.low <= truth <= interval.high)
    return rates


def rate_metrics(
    datasets: Sequence[Mapping[str, Outcomes]], metrics: Sequence[str], n_seeds: int
) -> Mapping[str, Rates]:
    """For twins and siblings, rates of significant differences and of coverage by each metric."""
    found = {metric: Rates() for metric in metrics}
    few = [{name: outcomes.first_seeds(n_seeds) for name, outcomes in methods.items()} for methods in datasets]
    for metric, rates in found.items():
        methods = [{name: replace(each, metric=metric) for name, each in one.items()} for one in few]
        for each in methods:
            rates.add("twins", is_significant(each["twin0"], each["twin1"]))
            verdict = make_verdicts(each["first"], {"second": each["second"]})[0]
            rates.add("siblings", verdict.p < _ALPHA)
            rates.add("difference held", verdict.difference.low <= 0 <= verdict.difference.high)
        for name in ("twin0", "first", "second"):
            intervals = [
                score_intervals(replace(each[name], metrics={metric: each[name].metrics[metric]})) for each in methods
            ]
            truth = float(np.mean([scores[metric].mean for scores in intervals]))
            for scores in intervals:
                rates.add("score held", scores[metric].low <= truth <= scores[metric].high)
    return found


def rate_metrics_by_chance(
    datasets: Sequence[Mapping[str, Outcomes]], metrics: Sequence[str], n_seeds: int
) -> Mapping[str, Rates]:
    """For targets that cannot be predicted, the rate of scores above chance by each metric with a chance level."""
    found = {metric: Rates() for metric in metrics}
    for methods in datasets:
        few = methods["twin0"].first_seeds(n_seeds)
        for metric, rates in found.items():
            for p in above_chance({"": replace(few, metric=metric)}, within_units=False).values():
                rates.add("above chance", p < _ALPHA)
    return found


def rate_chance(datasets: Iterable[Mapping[str, Outcomes]], seeds: Sequence[int]) -> Mapping[int, Rates]:
    """Rate of verdicts above chance for methods trained on unpredictable labels."""
    found = {n: Rates() for n in seeds}
    for methods in datasets:
        for n, rates in found.items():
            few = {name: outcomes.first_seeds(n) for name, outcomes in methods.items()}
            for name, outcomes in few.items():
                rates.add("one", above_chance({name: outcomes}, within_units=False)[name] < _ALPHA)
            together = above_chance(few, within_units=False)
            rates.add("any of all", any(p < _ALPHA for p in together.values()))
    return found


def rate_records(
    datasets: Iterable[Mapping[str, Outcomes]], seeds: Sequence[int], exchange: bool = False
) -> Mapping[int, Rates]:
    """Rate of significant differences of the first two records; with ``exchange``, also by the test of 0.1."""
    found = {n: Rates() for n in seeds}
    for methods in datasets:
        one, other = list(methods.values())[:2]
        for n, rates in found.items():
            pair = one.first_seeds(n), other.first_seeds(n)
            rates.add("significant", is_significant(*pair))
            if exchange:
                rates.add("significant, 0.1", exchanging_people(*pair) < _ALPHA)
    return found


def rate_best(datasets: Iterable[Mapping[str, Outcomes]]) -> Rates:
    """For equal methods, the rate of exclusion from the set of the best."""
    rates = Rates()
    for methods in datasets:
        rates.add("not among best", len(find_leaders(methods)) < len(methods))
    return rates
