"""Samples from features that the publishers computed in windows: a vector of each modality a window."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench import DataError, Sample
from mmbench_datasets.shared.damage import how_to_drop

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REMEDY = how_to_drop("copy or download the file again", "such samples")


def vector_samples(
    features: Mapping[str, "NDArray[Any]"],
    name: str,
    labels: Mapping[str, Any],
    groups: Mapping[str, str],
    *,
    where: str | Path,
    seconds: float,
) -> Iterator[Sample | DataError]:
    """The windows of a trial, each ``seconds`` long, from features ``(windows, width)`` of each modality.

    A window whose features of a modality are not all finite lacks the modality; without any modality it is an error,
    and so are modalities of different numbers of windows, and a trial without windows.
    """
    import numpy as np

    numbers = {modality: len(values) for modality, values in features.items()}
    if len({*numbers.values()}) != 1 or not next(iter(numbers.values())):
        told = ", ".join(f"{number} of {modality}" for modality, number in numbers.items()) or "none"
        yield DataError(f"{name}: windows that do not belong together: {told}", where=where, remedy=_REMEDY)
        return
    is_whole = {modality: np.isfinite(values).all(axis=1) for modality, values in features.items()}
    for number in range(next(iter(numbers.values()))):
        sample = f"{name}/w{number:03d}"
        data = {
            modality: values[number : number + 1].astype("float32")
            for modality, values in features.items()
            if is_whole[modality][number]
        }
        if data:
            yield Sample(sample, labels, data, groups, span=(number * seconds, (number + 1) * seconds))
        else:
            yield DataError(f"{sample}: all features have NaN or infinite values", where=where, remedy=_REMEDY)


def count_samples(outcomes: Iterable[Sample | DataError], task: str, names: Sequence[str]) -> dict[str, int]:
    """Trials, windows, and windows of each class of ``task``; what cannot be used is not counted."""
    samples = [outcome for outcome in outcomes if isinstance(outcome, Sample)]
    labels = Counter(names[int(str(sample.labels[task]))] for sample in samples)
    n_trials = len({sample.groups["trial"] for sample in samples})
    return {"trials": n_trials, "windows": len(samples), **{f"windows of {name}": labels[name] for name in names}}


def describe_lacking(outcomes: Iterable[Sample | DataError], whose: str, recorded: Sequence[str]) -> dict[str, str]:
    """For `Dataset.left_out`: the windows whose features of a ``recorded`` modality are not all finite."""
    lacking = Counter[str]()
    for outcome in outcomes:
        if isinstance(outcome, Sample):
            lacking.update(set(recorded) - outcome.data.keys())
    found = {modality: lacking[modality] for modality in recorded if lacking[modality]}
    return {
        f"{modality} features of {number} window{'s' * (number > 1)} of {whose}": "NaN or infinite"
        for modality, number in found.items()
    }
