"""Whether fusing helps: the words, the modality that is named, and error rates."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmbench.results.fusion_effect import find_fusion_effect
from mmbench.results.statistics import Interval, Outcomes, Verdict, make_verdicts

WORDS = {"+": "significantly better", "-": "significantly worse", "0": "not significant"}


def method(name, score, *reads, lower=False):
    return SimpleNamespace(
        name=name,
        run={"encoders": dict.fromkeys(reads)},
        score=Interval(score, score, score),
        orient=lambda value: -value if lower else value,
    )


def verdict(against, sign, p=None):
    p = {"+": 0.01, "-": 0.01, "0": 0.4}[sign] if p is None else p
    return Verdict(against, WORDS[sign], Interval(0.1, 0.0, 0.2), p, p, 0.1, 10, None)


def effect(eeg, face, signs, fusion=0.7, **how):
    methods = [
        method("milmer", fusion, "eeg", "face", **how),
        method("late", 0.9, "eeg", "face", **how),
        method("only[modality=eeg]", eeg, "eeg", **how),
        method("only[modality=face]", face, "face", **how),
        method("prior", 0.5, **how),
    ]
    signs = ("0", *signs, "+")
    return find_fusion_effect(methods, [verdict(m.name, sign) for m, sign in zip(methods[1:], signs, strict=True)])


def test_fusing_helps_where_every_single_modality_is_significantly_worse():
    found = effect(0.6, 0.5, "++")
    assert (found.word, found.modality, found.method) == ("helps", "eeg", "only[modality=eeg]")
    assert (found.verdict.against, found.unclear, found.p) == (found.method, (), 0.01)


def test_the_best_single_modality_has_the_best_score_in_the_direction_of_the_metric():
    assert effect(0.6, 0.65, "++").modality == "face"
    assert effect(0.6, 0.65, "++", lower=True).modality == "eeg"


def test_a_modality_that_scores_lower_but_is_not_significantly_worse_forbids_the_claim():
    found = effect(0.6, 0.5, "+0")
    assert (found.word, found.modality, found.p) == ("not shown", "eeg", 0.4)
    assert found.unclear == ("only[modality=face]",)


def test_fusing_hurts_where_one_single_modality_is_significantly_better():
    found = effect(0.9, 0.8, "0-")
    assert (found.word, found.modality, found.p) == ("hurts", "face", 0.01)


def test_nothing_is_said_of_a_method_of_one_modality_or_of_modalities_that_were_not_run():
    only, both = method("only[modality=eeg]", 0.6, "eeg"), method("milmer", 0.7, "eeg", "face")
    assert find_fusion_effect([only, method("prior", 0.5)], [verdict("prior", "+")]) is None
    assert find_fusion_effect([both, only], [verdict(only.name, "+")]) is None
    assert find_fusion_effect([both], []) is None
    face = method("only[modality=face]", 0.5, "face")
    assert find_fusion_effect([both, only, face], [verdict(only.name, "+")]) is None  # folds of face are missing


def test_estimators_are_not_compared_with_networks_of_one_modality():
    both, singles = method("fitted", 0.7, "eeg", "face"), [method("eeg", 0.6, "eeg"), method("face", 0.5, "face")]
    verdicts = [verdict(single.name, "+") for single in singles]
    assert find_fusion_effect([both, *singles], verdicts).word == "helps"
    both.run["estimator"] = {"name": "fitted"}
    assert find_fusion_effect([both, *singles], verdicts) is None
    del both.run["estimator"]
    singles[0].run["estimator"] = {"name": "fitted"}
    assert find_fusion_effect([both, *singles], verdicts) is None


def test_a_method_with_encoders_of_its_own_is_not_compared_with_single_modalities():
    both, singles = method("given", 0.7, "eeg", "face"), [method("eeg", 0.6, "eeg"), method("face", 0.5, "face")]
    verdicts = [verdict(single.name, "+") for single in singles]
    both.run["own_encoders"] = True
    assert find_fusion_effect([both, *singles], verdicts) is None


@pytest.mark.parametrize("gap", [0.0, 0.04], ids=["equal modalities", "one modality better"])
def test_a_fusion_that_equals_the_best_single_modality_is_seldom_called_better_or_worse(gap):
    """The best single modality is chosen by the scores that are tested, which must not raise the error rate."""
    random, n_people, n_windows = np.random.default_rng(0), 16, 20
    unit = np.repeat(np.arange(n_people), n_windows)
    labels, names = np.tile([0, 1], n_people * n_windows // 2), ("fusion", "left", "right")
    reads = {"fusion": ("left", "right"), "left": ("left",), "right": ("right",)}

    def word():
        person = 0.7 + random.normal(0, 0.05, (3, n_people)) - np.array([[0], [0], [gap]])
        right = random.random((3, 2, len(labels))) < person[:, None, unit]
        predicted = np.where(right, labels, 1 - labels)
        outcomes = {
            name: Outcomes(labels, each, unit, unit % 4, 2) for name, each in zip(names, predicted, strict=True)
        }
        scores = {name: float((each == labels).mean()) for name, each in zip(names, predicted, strict=True)}
        verdicts = make_verdicts(outcomes["fusion"], {name: outcomes[name] for name in names[1:]})
        return find_fusion_effect([method(name, scores[name], *reads[name]) for name in names], verdicts).word

    words = [word() for _ in range(300)]
    assert words.count("helps") <= 0.06 * len(words)
    assert words.count("hurts") <= 0.06 * len(words)
