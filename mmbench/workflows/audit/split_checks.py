"""What is found of a split without training anything, and what keeps an audit from calling a split clean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbench.data import Fold
from mmbench.integrity import has_few_values, measure_copied_share
from mmbench.workflows.audit.audited_data import AuditedData
from mmbench.workflows.audit.copied_samples import CopiedSamples, FeatureSpace, find_copied_samples, make_feature_space
from mmbench.workflows.audit.merged_subjects import find_merged_subjects
from mmbench.workflows.audit.missingness import Missingness, probe_missingness
from mmbench.workflows.audit.random_labels import LabelUnits
from mmbench.workflows.audit.randomised_control import Control
from mmbench.workflows.audit.shared_groups import SharedGroups, find_shared_groups, measure_shared

Index = NDArray[np.int64]

MAX_DETECTABLE = 0.1
"""An excess of balanced accuracy that a control has to be able to find, for its silence to tell anything."""


@dataclass(frozen=True)
class SplitChecks:
    """Of one split: what its parts share, test samples that others resemble, and what missing inputs tell."""

    structure: SharedGroups
    lookalikes: CopiedSamples
    missingness: Missingness | None


class SplitChecker:
    """What all protocols share: pairs of samples with like data, the space of features, and subjects that are one."""

    def __init__(self, case: AuditedData, units: LabelUnits, twins: Mapping[str, Index]) -> None:
        self.case, self.units, self.twins = case, units, twins
        self.groups = case.samples.groups
        self.coarse = [name for name in case.vectors if has_few_values(case.plain[name].x)]
        self.distinct = {name: pairs[:0] if name in self.coarse else pairs for name, pairs in twins.items()}
        self.space = _make_feature_space(case)
        whole, subjects = self.space.whole, self.groups.get("subject")
        self.merged = [] if subjects is None else find_merged_subjects(self.space.x[whole], subjects[whole])

    def inspect(self, folds: Sequence[Fold]) -> SplitChecks:
        """Look at the split of one protocol."""
        case = self.case
        copies = measure_copied_share(self.distinct, case.missing, case.samples.labels, folds)
        return SplitChecks(
            find_shared_groups(case.samples, folds, self.twins),
            find_copied_samples(self.space, folds, copies),
            probe_missingness(case.present, case.samples.labels, self.units, folds, case.asked.n_classes),
        )

    def doubts(self, inspection: SplitChecks, control: Control, folds: Sequence[Fold]) -> Iterator[str]:
        """What a leak could hide behind, a line each; none where the audit could have seen every leak it looks for."""
        if not self.groups:
            yield "no groups are declared, so that samples of one person or recording may be in both parts"
        if not (self.units.is_telling or measure_shared(self.units.carriers, folds) == 0):
            yield (
                "test samples share what carries their label with the training part, and recognising that looks like "
                "recognising the class"
            )
        if control.detectable is None:
            yield "labels by lot can tell nothing: too few units carry a label of their own"
        elif control.detectable > MAX_DETECTABLE:
            yield f"too few samples: the control finds an excess of {control.detectable:.2f} or more only"
        if inspection.lookalikes.reason:
            yield f"near copies were not looked for: {inspection.lookalikes.reason}"
        if self.coarse:
            yield f"{', '.join(self.coarse)}: few distinct values, equal rows may be copies or chance"
        if self.merged:
            yield _describe_merged_subjects(self.merged)
        if vectors := self.case.vectors:
            yield (
                f"the features of {', '.join(vectors)} were computed before the split: whether labels of test samples "
                "chose or made them leaves no trace in samples"
            )


def _make_feature_space(case: AuditedData) -> FeatureSpace:
    samples = case.samples
    recordings = np.unique(samples.recordings, return_inverse=True)[1] if samples.groups else None
    features = {name: shown.x for name, shown in case.plain.items()}
    return make_feature_space(features, samples.labels, recordings, is_vector=len(case.vectors) == len(case.plain))


def _describe_merged_subjects(merged: Sequence[tuple[str, str]]) -> str:
    (one, other), n_more = merged[0], len(merged) - 1
    more = f", nor those of {n_more} more pair{'' if n_more == 1 else 's'}" if n_more else ""
    return (
        f"the data of subjects {one} and {other} cannot be told apart{more}, those of others can: one person may be "
        "several subjects"
    )
