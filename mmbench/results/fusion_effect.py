"""The effect of fusing: the score of a fusion against that of every single modality alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mmbench.results.method_result import MethodResult
from mmbench.results.statistics import ALPHA, Verdict

Effect = Literal["helps", "hurts", "not shown"]


@dataclass(frozen=True)
class FusionEffect:
    """The first method of a comparison, a fusion, compared with single modalities.

    ``word`` is *helps* where it is significantly better than every method of a single modality, *hurts* where one of
    these is significantly better than it. ``single`` is the single modality that it is compared with, by the name of
    the ``method`` and its ``modality``: the best one, for *hurts* the best of those significantly better. ``unclear``
    are the other single modalities from which it is not significantly different. ``p`` is that of the word: for *hurts*
    of the ``verdict``, else the largest over the single modalities.

    The best single modality is chosen by the scores that are tested. *Helps* stays valid whichever is chosen, since
    each single modality has to be significantly worse (intersection-union test, Berger 1982, Technometrics 24); *hurts*
    does because the p values are adjusted for all comparisons.
    """

    word: Effect
    method: str
    modality: str
    verdict: Verdict
    unclear: tuple[str, ...]
    p: float


def find_fusion_effect(methods: Sequence[MethodResult], verdicts: Sequence[Verdict]) -> FusionEffect | None:
    """The effect of fusing in the first of ``methods``, by the ``verdicts`` on it.

    None if it reads fewer than two modalities, or if no verdict compares it with one of them alone. Estimators and
    methods with encoders of their own are left out: they differ from single modalities in more than what they read.
    """
    first, *others = methods
    tested = {verdict.against: verdict for verdict in verdicts}
    singles = {method.name: method for method in others if method.name in tested and _is_single_network(method)}
    reads = set(first.run["encoders"])
    if (
        "estimator" in first.run
        or first.run.get("own_encoders")
        or len(reads) < 2
        or reads - {_modality(method) for method in singles.values()}
    ):
        return None
    better = [name for name in singles if tested[name].word == "significantly worse"]
    unclear = [name for name in singles if tested[name].p >= ALPHA]
    word: Effect = "hurts" if better else "not shown" if unclear else "helps"
    name = _best(singles, better or list(singles))
    rest = tuple(each for each in unclear if each != name)
    p = tested[name].p if better else max(tested[each].p for each in singles)
    return FusionEffect(word, name, _modality(singles[name]), tested[name], rest, p)


def _is_single_network(method: MethodResult) -> bool:
    return len(method.run["encoders"]) == 1 and "estimator" not in method.run


def _best(methods: Mapping[str, MethodResult], names: Sequence[str]) -> str:
    """The name with the best score."""
    return max(names, key=lambda name: methods[name].orient(methods[name].score.mean))


def _modality(method: MethodResult) -> str:
    return str(next(iter(method.run["encoders"])))
