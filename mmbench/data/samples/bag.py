"""The bag of one modality while it is checked: where it belongs, and what was changed in it."""

from collections import Counter
from dataclasses import dataclass, field

from mmbench.contract import Modality
from mmbench.errors import DataError

FIX = "fix or remove the recording, or leave such samples out with --bad drop"
LEAVE_OUT = "leave the instance out (None)"


@dataclass
class BagCheck:
    """The modality and the sample of a bag. ``changes`` counts instances, or frames of a video, by what was done."""

    modality: Modality
    sample: str
    changes: Counter[str] = field(default_factory=Counter)

    def error(self, message: str, remedy: str = "") -> DataError:
        """An error about the modality, naming the sample; to be raised."""
        return DataError(f"{self.modality.name} {message}", where=self.sample, remedy=remedy)


def has_arrays(modality: Modality) -> bool:
    """Whether the instances of a prepared file are one array, since all have the same shape and none is coded."""
    return modality.kind in ("vector", "table") or (modality.kind == "timeseries" and not modality.is_open)
