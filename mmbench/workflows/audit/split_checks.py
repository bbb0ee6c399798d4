"""Checks of a split without training: shared groups, copied samples, missingness; and limits of these checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold, Protocol
from mmbench.integrity import has_few_values, measure_copied_share
from mmbench.workflows.audit.audited_data import AuditedData
from mmbench.workflows.audit.copied_samples import FeatureSpace, find_copied_samples, make_feature_space
from mmbench.workflows.audit.findings import Control, CopiedSamples, Missingness, SharedGroups
from mmbench.workflows.audit.merged_subjects import find_merged_subjects
from mmbench.workflows.audit.missingness import probe_missingness
from mmbench.workflows.audit.random_labels import LabelUnits
from mmbench.workflows.audit.shared_groups import find_shared_groups, measure_shared

Index = NDArray[np.int64]

MAX_DETECTABLE = 0.1
"""Largest detectable excess of balanced accuracy with which a control counts as conclusive."""


@dataclass(frozen=True)
class SplitChecks:
    """Checks of one split: shared groups, copied samples, and missingness as a predictor."""

    structure: SharedGroups
    lookalikes: CopiedSamples
    missingness: Missingness | None


class SplitChecker:
    """Checks splits of one dataset; near-duplicates, feature space and merged subjects are computed once."""

    def __init__(self, data: AuditedData, units: LabelUnits, near_duplicates: Mapping[str, Index]) -> None:
        self.data, self.units, self.near_duplicates = data, units, near_duplicates
        self.groups = data.samples.groups
        self.coarse = [name for name in data.vectors if has_few_values(data.plain[name].x)]
        self.distinct = {name: pairs[:0] if name in self.coarse else pairs for name, pairs in near_duplicates.items()}
        self.space = _make_feature_space(data)
        whole, subjects = self.space.whole, self.groups.get("subject")
        self.merged = [] if subjects is None else find_merged_subjects(self.space.x[whole], subjects[whole])

    def inspect(self, folds: Sequence[Fold], protocol: Protocol) -> SplitChecks:
        """Check the split of one protocol."""
        data = self.data
        copies = measure_copied_share(self.distinct, data.missing, data.samples.labels, folds)
        return SplitChecks(
            find_shared_groups(data.samples, folds, self.near_duplicates, protocol.spans_subjects),
            find_copied_samples(self.space, folds, copies),
            probe_missingness(data.present, data.samples.labels, self.units, folds, len(data.classes.names)),
        )

    def doubts(self, checks: SplitChecks, control: Control, folds: Sequence[Fold]) -> Iterator[str]:
        """Reasons why a leak may be undetected, a line each."""
        if not self.groups:
            yield "no groups are declared: samples of one person or recording may be in both parts"
        if not (self.units.is_decidable or measure_shared(self.units.carriers, folds) == 0):
            yield (
                "test samples share with the training part the unit that carries their label: recognising the unit "
                "cannot be distinguished from recognising the class"
            )
        if control.detectable is None:
            yield "the control with random labels is not possible: too few units have a label of their own"
        elif control.detectable > MAX_DETECTABLE:
            yield f"too few samples: the control detects only an excess of {control.detectable:.2f} or more"
        if checks.lookalikes.reason:
            yield f"near-duplicates were not checked: {checks.lookalikes.reason}"
        if self.coarse:
            yield f"{', '.join(self.coarse)}: few distinct values, so that equal rows may be copies or chance"
        if self.merged:
            yield _describe_merged_subjects(self.merged)
        if vectors := self.data.vectors:
            yield (
                f"the features of {', '.join(vectors)} were computed before the split: an audit of samples cannot show "
                "whether labels of test samples were used to select or compute them"
            )


def _make_feature_space(data: AuditedData) -> FeatureSpace:
    samples = data.samples
    recordings = np.unique(samples.recordings, return_inverse=True)[1] if samples.groups else None
    features = {name: each.x for name, each in data.plain.items()}
    return make_feature_space(features, samples.labels, recordings, is_vector=len(data.vectors) == len(data.plain))


def _describe_merged_subjects(merged: Sequence[tuple[str, str]]) -> str:
    (one, other), n_more = merged[0], len(merged) - 1
    more = f" (and {n_more} more pair{'' if n_more == 1 else 's'})" if n_more else ""
    return (
        f"the data of subjects {one} and {other}{more} are not separable, those of other subjects are: one person may "
        "have several subject ids"
    )
