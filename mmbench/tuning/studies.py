"""Optuna studies of tuning: one process at a time opens a study, adds tuning trials and reads them.

The sampler is seeded by the number of the tuning trial, so that an interrupted study continues as it would have without
the interruption.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mmbench.storage import digest
from mmbench.tuning.results import State, TuningTrial
from mmbench.tuning.search_space import Space
from mmbench.tuning.study_storage import TABLES, close_storage, database_errors, lock_study, open_storage, text_errors

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

SEED = 0
_MAX_KILLS = 3  # times that the process of a tuning trial may be killed before the trial counts as failed
_STARTUP = 5  # complete tuning trials before one is pruned


@contextmanager
def open_study(url: str, name: str, epochs: int, about: Mapping[str, Any]) -> Iterator["Study"]:
    """The study ``name``, created or continued, for this process alone while the block runs.

    Other processes wait for it, on other machines too where the storage is PostgreSQL. ``epochs`` is the maximum of a
    tuning trial; ``about`` is stored as attributes of the study, for people who read the storage.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with ExitStack() as stack:
        stack.enter_context(database_errors(url))
        stack.enter_context(lock_study(url, name))
        with text_errors():
            with lock_study(url, TABLES):
                storage = open_storage(url)
                stack.callback(close_storage, storage)
                pruner = optuna.pruners.MedianPruner(_STARTUP, n_warmup_steps=_n_warmup(epochs))
                study = optuna.create_study(
                    storage=storage, study_name=name, direction="maximize", pruner=pruner, load_if_exists=True
                )
            for key, value in about.items():
                if key not in study.user_attrs:
                    study.set_user_attr(key, value)
            _fail_interrupted(study)
        yield study


def ask_tuning_trial(
    study: "Study", number: int, space: Space, defaults: Mapping[str, Any]
) -> tuple["Trial", dict[str, Any]]:
    """The next tuning trial and its parameters; number 0 has the defaults, even those outside of their ranges."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    outside: dict[str, Any] = {}
    if number == 0:
        outside = {name: defaults[name] for name in space if not space[name].contains(defaults[name])}
        # A waiting tuning trial was enqueued before an interruption.
        if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial({name: defaults[name] for name in space if name not in outside})
    study.sampler = TPESampler(seed=int(digest([SEED, number])[:8], 16))
    trial = study.ask({name: space[name].distribution() for name in space if name not in outside})
    trial.set_user_attr("number", number)
    if outside:
        # As parameters, Optuna would learn from values that it cannot draw.
        trial.set_user_attr("outside", outside)
    return trial, {name: {**trial.params, **outside}[name] for name in space}


def find_tuning_trials(study: "Study") -> list[TuningTrial]:
    """The finished tuning trials by number, without interrupted ones, which are repeated."""
    with text_errors():
        found = [_read(trial) for trial in study.get_trials(deepcopy=False)]
    return sorted((trial for trial in found if trial), key=lambda trial: trial.number)


def _read(frozen: "FrozenTrial") -> TuningTrial | None:
    from optuna.trial import TrialState

    attributes = frozen.user_attrs
    states: Mapping[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    state: State | None = (
        "failed" if frozen.state == TrialState.FAIL and "error" in attributes else states.get(frozen.state)
    )
    if state is None:
        return None
    params = {**frozen.params, **attributes.get("outside", {})}
    return TuningTrial(
        number=attributes["number"],
        params={name: params[name] for name in sorted(params)},
        state=state,
        score=attributes.get("score"),
        loss=attributes.get("loss"),
        epoch=attributes.get("epoch"),
        epochs=attributes["epochs"],
        seconds=frozen.duration.total_seconds() if frozen.duration else 0.0,
        error=attributes.get("error", ""),
    )


def describe_sampler(epochs: int) -> dict[str, Any]:
    """The sampler and the pruner as plain values: with others, a study would try other parameters."""
    return {
        "optuna": version("optuna"),
        "sampler": "tpe",
        "seed": SEED,
        "pruner": "median",
        "startup": _STARTUP,
        "warmup": _n_warmup(epochs),
    }


def _n_warmup(epochs: int) -> int:
    """Epochs before a tuning trial may be pruned: with a small learning rate scores rise late."""
    return max(1, epochs // 5)


def _fail_interrupted(study: "Study") -> None:
    """Mark running tuning trials as failed: this process holds the study, so that their process was killed.

    They are repeated, up to `_MAX_KILLS` times: a system that is out of memory would kill them each time.
    """
    from optuna.trial import Trial, TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        number = trial.user_attrs.get("number")
        failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        killed = 1 + sum(other.user_attrs.get("number") == number for other in failed)
        if number is not None and killed == _MAX_KILLS and "error" not in trial.user_attrs:
            running = Trial(study, trial._trial_id)
            running.set_user_attr("epochs", len(trial.intermediate_values))
            running.set_user_attr("error", f"its process was killed {killed} times, perhaps for lack of memory")
        study.tell(trial.number, state=TrialState.FAIL)
