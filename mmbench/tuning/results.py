"""Results of tuning: the budget, the tuning trials of a fold, and the chosen parameters."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mmbench.errors import RecordError
from mmbench.storage import describe_parse_error, digest, load_object, slug, write_text

Scope = Literal["fold", "once"]
"""Whether every fold is tuned, or only the first."""

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Budget:
    """What every method of a comparison may spend on tuning.

    ``trials`` is the number of tuning trials of one study and ``seconds`` its time limit; ``storage`` is the URL of the
    studies, None for a file beside the records.
    """

    trials: int
    seconds: float | None = None
    scope: Scope = "fold"
    storage: str | None = None

    def described(self) -> dict[str, Any]:
        """What results depend on, for records; without the storage, whose URL may hold a password."""
        return {"trials": self.trials, "seconds": self.seconds, "scope": self.scope}


@dataclass(frozen=True)
class TuningTrial:
    """One training with the parameters ``params``.

    ``score`` is that of the validation part in the chosen ``epoch`` (from 0), by the metric of the run, and ``loss``
    the loss there; None if the tuning trial failed before the first epoch. ``epochs`` is the number that was trained,
    ``error`` the reason of a failure.
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

    def rank(self, lower_is_better: bool = False) -> tuple[float, float, int]:
        """Order of complete tuning trials: better score, then lower loss, then lower number."""
        assert self.score is not None
        assert self.loss is not None
        return -self.score if lower_is_better else self.score, -self.loss, -self.number


@dataclass(frozen=True)
class FoldTuning:
    """The tuning trials of one method on the fold ``fold``, by number; number 0 has the defaults.

    ``study`` is the name in Optuna's storage. At least one tuning trial is complete. ``lower_is_better`` is the
    direction of the scores.
    """

    fold: str
    study: str
    trials: tuple[TuningTrial, ...]
    lower_is_better: bool = False

    @property
    def chosen(self) -> TuningTrial:
        """The best complete tuning trial."""
        complete = (trial for trial in self.trials if trial.state == "complete")
        return max(complete, key=lambda trial: trial.rank(self.lower_is_better))

    @property
    def curve(self) -> list[float | None]:
        """The best validation score so far after each tuning trial; None before the first complete one."""
        return list(self._best_so_far())

    @property
    def default(self) -> float | None:
        """The validation score of the defaults; None if they failed."""
        return self.trials[0].score if self.trials[0].state == "complete" else None

    def count(self, state: State) -> int:
        """The number of tuning trials in that state."""
        return sum(trial.state == state for trial in self.trials)

    def _best_so_far(self) -> Iterator[float | None]:
        best: float | None = None
        better = min if self.lower_is_better else max
        for trial in self.trials:
            if trial.state == "complete" and trial.score is not None:
                best = trial.score if best is None else better(best, trial.score)
            yield best

    def to_plain(self) -> dict[str, Any]:
        """Plain values for records: the tuning trials, the chosen one and the curve of the best score.

        The direction is written where lower scores are better.
        """
        return {
            "fold": self.fold,
            "study": self.study,
            "trial": self.chosen.number,
            "chosen": dict(self.chosen.params),
            "score": self.chosen.score,
            "default": self.default,
            "curve": self.curve,
            "trials": [asdict(trial) for trial in self.trials],
            **({"lower_is_better": True} if self.lower_is_better else {}),
        }


def tuning_path(folder: Path, fold: str) -> Path:
    """The file of the tuning trials of a fold, in the folder of their run."""
    name = slug(fold)
    return folder / f"tuning-{name if name == fold else f'{name}-{digest(fold)[:8]}'}.json"


def write_tuning(path: Path, tuning: FoldTuning) -> None:
    """Write the tuning trials of a fold."""
    write_text(path, json.dumps(tuning.to_plain(), separators=(",", ":")) + "\n")


def read_tuning(path: Path) -> FoldTuning:
    """Read the tuning trials of a fold; RecordError if the file is damaged."""
    try:
        plain = load_object(path)
        tuning = parse_tuning(plain)
    except (OSError, ValueError, TypeError, AssertionError) as error:
        raise RecordError(
            f"holds no tuning results ({describe_parse_error(error)})",
            where=path,
            remedy="delete it and run the same command again",
        ) from error
    return tuning


def parse_tuning(plain: Mapping[str, Any]) -> FoldTuning:
    """The inverse of `FoldTuning.to_plain`.

    Raises ValueError, TypeError or AssertionError for anything else.
    """
    from pydantic import TypeAdapter

    tuning = TypeAdapter(FoldTuning).validate_python(plain)
    if tuning.to_plain() != plain:
        raise ValueError("the chosen tuning trial is not the best one")
    return tuning
