"""Simulated people with several trials, one model per person, and what passes the test above chance level.

Windows of a trial share its label and an offset of their own, by which a model recognises a trial. Networks have a
random hidden layer, drawn anew for each seed, and readouts fitted by ridge regression, so that the many models of a
table take minutes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from calibrating.rates import METRIC, Rates
from mmbench.data.splits.fold import Fold
from mmbench.data.splits.folds import make_folds
from mmbench.data.splits.protocols import PROTOCOLS
from mmbench.results.statistics import Outcomes, above_chance
from mmbench.results.statistics.contrasts import make_scores_over_chance
from mmbench.results.statistics.variance import OVERLAP, variances

N_FEATURES, HIDDEN = 16, 30
SEEDS = 3
_OFFSET = 1.0  # deviation of the offset of a trial, that of a window being 1
_ALPHA = 0.05
_MOST_TRIALS, _MOST_WINDOWS = 400, 1600  # of a dataset
METHODS = ("guesser, 1", "guesser, 3", "linear", "network, 1", "network, 3")
Index = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrialDesign:
    """People with ``n_trials`` of ``n_windows``; classes are even, or the first has three of four trials."""

    n_people: int
    n_trials: int
    n_windows: int
    n_classes: int = 2
    majority: bool = False


def trial_cells() -> list[tuple[int, int, int]]:
    """Numbers of people, of trials of a person and of windows of a trial: the rows of the table."""
    cells = product((1, 4, 10, 32), (8, 40), (1, 5, 20))
    return [
        (n, trials, windows)
        for n, trials, windows in cells
        if n * trials <= _MOST_TRIALS and n * trials * windows <= _MOST_WINDOWS
    ]


@dataclass(frozen=True)
class Trials:
    """One simulated dataset: features ``(n, F)``, labels, trials and people ``(n,)``, and the folds of ``trial``."""

    x: Floats
    labels: Index
    trial: Index
    person: Index
    folds: list[Fold]

    @property
    def unit(self) -> Index:
        """The statistical unit of each sample: its person, or its trial where there is one person."""
        return self.person if self.person.max() else self.trial

    def outcomes(self, predictions: Index, n_classes: int, varies: bool = True) -> Outcomes:
        """Outcomes of ``predictions`` ``(S, n)``."""
        fold = np.zeros(len(self.labels), dtype=np.int64)
        for at, each in enumerate(self.folds):
            fold[each.test] = at
        return Outcomes(self.labels, predictions, self.unit, fold, n_classes, varies)


def draw_trials(design: TrialDesign, strength: float, random: np.random.Generator) -> Trials | None:
    """A dataset whose labels move the features by ``strength`` deviations; None if a class does not occur."""
    labels = np.stack([_labels_of(design, random) for _ in range(design.n_people)]).ravel()
    if len(np.unique(labels)) < design.n_classes:
        return None
    trial = np.repeat(np.arange(len(labels)), design.n_windows)
    person, labels = trial // design.n_trials, labels[trial]
    toward = random.standard_normal((design.n_classes, N_FEATURES))
    toward -= toward.mean(axis=0)
    toward *= strength / np.linalg.norm(toward, axis=1, keepdims=True)
    offsets = _OFFSET * random.standard_normal((trial[-1] + 1, N_FEATURES))
    x = random.standard_normal((len(trial), N_FEATURES)) + offsets[trial] + toward[labels]
    groups = {name: np.char.mod("%06d", each) for name, each in (("subject", person), ("trial", trial))}
    folds = make_folds(np.char.mod("%08d", np.arange(len(trial))), groups, PROTOCOLS["trial"], labels=labels)
    return Trials(x, labels, trial, person, folds)


def _labels_of(design: TrialDesign, random: np.random.Generator) -> Index:
    if not design.majority:
        return random.permutation(np.arange(design.n_trials) % design.n_classes)
    rare = random.integers(1, design.n_classes, design.n_trials)
    return np.where(random.random(design.n_trials) < 0.75, 0, rare).astype(np.int64)


def guess(data: Trials, n_classes: int, random: np.random.Generator) -> Index:
    """One class for all windows of a trial, without regard to anything ``(S, n)``."""
    return np.asarray(random.integers(0, n_classes, (SEEDS, data.trial[-1] + 1))[:, data.trial])


def fit(data: Trials, n_classes: int, hidden: Floats | None = None) -> Index:
    """Test predictions ``(n,)`` of a ridge classifier in each fold, on features or a random layer ``(F, H)`` of them.

    Classes weigh the same.
    """
    x = data.x if hidden is None else np.tanh(data.x @ hidden / np.sqrt(N_FEATURES))
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    predictions = np.zeros(len(x), dtype=np.int64)
    for fold in data.folds:
        rows = np.concatenate([fold.train, fold.validation])
        labels = data.labels[rows]
        weight = (len(rows) / n_classes / np.maximum(np.bincount(labels, minlength=n_classes), 1))[labels][:, None]
        weighted = (x[rows] * weight).T
        solved = np.linalg.solve(weighted @ x[rows] + np.eye(x.shape[1]), weighted @ np.eye(n_classes)[labels])
        predictions[fold.test] = (x[fold.test] @ solved).argmax(axis=1)
    return predictions


def run_methods(design: TrialDesign, data: Trials, random: np.random.Generator) -> dict[str, Outcomes]:
    """Outcomes of a guesser, a linear classifier and a network, by name; those with seeds also by their first."""
    layers = random.standard_normal((SEEDS, N_FEATURES, HIDDEN))
    network = np.stack([fit(data, design.n_classes, layer) for layer in layers])
    found = {
        "guesser, 3": data.outcomes(guess(data, design.n_classes, random), design.n_classes),
        "network, 3": data.outcomes(network, design.n_classes),
        "linear": data.outcomes(fit(data, design.n_classes)[None], design.n_classes, varies=False),
    }
    return {**found, **{name.replace("3", "1"): found[name].first_seeds(1) for name in ("guesser, 3", "network, 3")}}


def is_above(outcomes: Outcomes, within_units: bool) -> bool:
    """Whether mmbench reports a score above chance; False where it tests none."""
    return above_chance({"": outcomes}, within_units).get("", 1.0) < _ALPHA


def is_above_by_windows(outcomes: Outcomes) -> bool:
    """The same if windows were independent: by the normal approximation of a sum of recalls."""
    ratios = outcomes.first_seeds(1).ratios(METRIC)
    support, score = ratios.denominator[0].sum(axis=0), ratios.score
    chance = 1 / outcomes.n_classes
    error = np.sqrt((chance * (1 - chance) / support).sum()) / outcomes.n_classes
    return bool(score > chance + 1.645 * error)


def is_above_by_difference(outcomes: Outcomes, within_units: bool) -> bool:
    """The same with the variance of a difference, which counts less of what training sets share."""
    from scipy.stats import t

    scores = make_scores_over_chance({"": outcomes}, within_units)
    (variance,), (free,) = variances(scores.parts, scores.design, OVERLAP)
    return bool(free and variance > 0 and t.sf(scores.scores[0] / np.sqrt(variance), free) < _ALPHA)


def rate_trials(design: TrialDesign, n_datasets: int) -> Rates:
    """Rates above chance of a guesser and of methods trained on noise, and power for labels that show."""
    random, rates = np.random.default_rng([*vars(design).values()]), Rates()
    within = design.n_people > 1
    for data in _draw(design, 0.0, n_datasets, random):
        for name, outcomes in run_methods(design, data, random).items():
            rates.add(name, is_above(outcomes, within))
            rates.add("any, difference", is_above_by_difference(outcomes, within))
            if name == "guesser, 1":
                rates.add("windows", is_above_by_windows(outcomes))
    for data in _draw(design, 1.2, n_datasets, random):
        outcomes = data.outcomes(fit(data, design.n_classes)[None], design.n_classes, varies=False)
        rates.add("power", is_above(outcomes, within))
        rates.add("power, difference", is_above_by_difference(outcomes, within))
    return rates


def rate_cell(cell: tuple[int, int, int], n_datasets: int) -> Sequence[float]:
    """Rates of one row, means over two and four classes, even and with a majority.

    They are those of `METHODS`; the largest rate of a method in one of these four designs; the rate of all methods with
    the variance of a difference; of a guesser if windows were independent; and power, now and with that variance.
    """
    found = [rate_trials(TrialDesign(*cell, *rest), n_datasets) for rest in product((2, 4), (False, True))]
    largest = max(rates[name] for rates in found for name in METHODS)
    means = {name: float(np.mean([rates[name] for rates in found])) for name in found[0].events}
    others = [means[name] for name in ("any, difference", "windows", "power", "power, difference")]
    return [*(means[name] for name in METHODS), largest, *others]


def _draw(design: TrialDesign, strength: float, n: int, random: np.random.Generator) -> Iterator[Trials]:
    for _ in range(n):
        if data := draw_trials(design, strength, random):
            yield data
