"""The budget of a tuning, the trials that it left, and the parameters that they chose."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mmbench.errors import RecordError
from mmbench.storage import describe_parse_error, digest, load_object, slug, write_text

Scope = Literal["fold", "once"]
"""Whether every fold is tuned, or the first alone."""

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Budget:
    """What every method of a comparison may spend on tuning.

    ``trials`` and ``seconds`` are those of one study; ``storage`` is where the studies are kept, None for a file
    beside the records.
    """

    trials: int
    seconds: float | None = None
    scope: Scope = "fold"
    storage: str | None = None

    def described(self) -> dict[str, Any]:
        """What a result depends on, and records may tell: a storage may hold a password."""
        return {"trials": self.trials, "seconds": self.seconds, "scope": self.scope}


@dataclass(frozen=True)
class TuningTrial:
    """One training with some parameters.

    ``score`` and ``loss`` are those of the epoch that validation chose, ``epoch``, from 0; None where it failed before
    the first. ``epochs`` were trained. ``error`` tells why it failed.
    """

    number: int
    params: Mapping[str, Any]
    state: State
    score: float | None
    loss: float | None
    epoch: int | None
    epochs: int
    seconds: float
    error: str = ""

    @property
    def standing(self) -> tuple[float, float, int]:
        """What a complete trial is chosen by: balanced accuracy, then the lower loss, then who came first."""
        assert self.score is not None
        assert self.loss is not None
        return self.score, -self.loss, -self.number


@dataclass(frozen=True)
class FoldTuning:
    """The trials of one method on the fold ``fold``, by number; number 0 has the defaults.

    ``study`` is the name in Optuna's storage. At least one trial is complete.
    """

    fold: str
    study: str
    trials: tuple[TuningTrial, ...]

    @property
    def chosen(self) -> TuningTrial:
        """The best complete trial."""
        return max((trial for trial in self.trials if trial.state == "complete"), key=lambda trial: trial.standing)

    @property
    def curve(self) -> list[float | None]:
        """The best validation score after each trial; None before one was complete."""
        return list(self._best_so_far())

    @property
    def default(self) -> float | None:
        """The validation score of the defaults; None where they failed."""
        return self.trials[0].score if self.trials[0].state == "complete" else None

    def count(self, state: State) -> int:
        """How many trials ended so."""
        return sum(trial.state == state for trial in self.trials)

    def _best_so_far(self) -> Iterator[float | None]:
        best: float | None = None
        for trial in self.trials:
            if trial.state == "complete" and trial.score is not None:
                best = trial.score if best is None else max(best, trial.score)
            yield best

    def to_plain(self) -> dict[str, Any]:
        """As it stands in records: with what was chosen, and the score against the budget."""
        return {
            "fold": self.fold,
            "study": self.study,
            "trial": self.chosen.number,
            "chosen": dict(self.chosen.params),
            "score": self.chosen.score,
            "default": self.default,
            "curve": self.curve,
            "trials": [asdict(trial) for trial in self.trials],
        }


def tuning_path(folder: Path, fold: str) -> Path:
    """Where the trials on a fold lie in the folder of their run."""
    name = slug(fold)
    return folder / f"tuning-{name if name == fold else f'{name}-{digest(fold)[:8]}'}.json"


def write_tuning(path: Path, tuning: FoldTuning) -> None:
    """Write the trials of a fold."""
    write_text(path, json.dumps(tuning.to_plain(), separators=(",", ":")) + "\n")


def read_tuning(path: Path) -> FoldTuning:
    """Read the trials of a fold; RecordError when the file is damaged."""
    try:
        plain = load_object(path)
        tuning = parse_tuning(plain)
    except (OSError, ValueError, TypeError, AssertionError) as error:
        raise RecordError(
            f"is not a tuning ({describe_parse_error(error)})",
            where=path,
            remedy="delete it and run the same command again",
        ) from error
    return tuning


def parse_tuning(plain: Mapping[str, Any]) -> FoldTuning:
    """The trials behind what `FoldTuning.to_plain` told.

    Raises ValueError, TypeError or AssertionError where it was not that.
    """
    from pydantic import TypeAdapter

    tuning = TypeAdapter(FoldTuning).validate_python(plain)
    if tuning.to_plain() != plain:
        raise ValueError("what was chosen is not what its trials choose")
    return tuning
