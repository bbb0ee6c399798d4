"""Tuning of one method on one fold: the same number of tuning trials for every method, scored on validation data.

The test part of the fold is not passed, so that no tuning trial can read it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mmbench.contract import Distribution, Metric
from mmbench.data import Fold, Store
from mmbench.errors import DamagedError, PluginError, RecordError, TrainingError
from mmbench.execution.plan import (
    Plan,
    build_model,
    call_components,
    closed_files,
    known_labels,
    make_canaries,
    make_inputs,
)
from mmbench.integrity import guard_files
from mmbench.registry import orient, training_seed
from mmbench.results import scoring_of
from mmbench.storage import ProcessDiedError, describe_error, digest, free_memory, is_out_of_memory, locked
from mmbench.training import Epoch, fit, rank_epoch
from mmbench.tuning import (
    TRAINING_PART,
    Budget,
    FoldTuning,
    TuningTrial,
    ask_tuning_trial,
    check_used_modalities,
    default_parameters,
    default_storage_url,
    find_search_space,
    find_tuning_trials,
    open_study,
    read_tuning,
    set_parameters,
    tuning_path,
    write_tuning,
)

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial as OptunaTrial

_SEED = 0  # of every tuning trial; the chosen parameters are used with all seeds

_Space = tuple[dict[str, Distribution], dict[str, object]]  # distributions by name, and the defaults
Listener = Callable[[int, Epoch | TuningTrial], None]
"""Called with the number of a tuning trial and each of its epochs, then with its result."""


def without_test(fold: Fold) -> Fold:
    """The fold with its training and validation parts only."""
    return replace(fold, test=fold.test[:0])


def tune_fold(plan: Plan, part: Fold, budget: Budget, listen: Listener = lambda number, what: None) -> FoldTuning:
    """Run the tuning trials of the budget on ``part``, a fold without test part; an earlier result is reused.

    Raises TrainingError if every tuning trial failed, StorageError if they cannot be stored, and PluginError if a
    component opens a file that it may not read or keeps state between tuning trials.
    """
    if len(part.test):
        raise ValueError("tuning must not get a test part")
    path = tuning_path(plan.folder, part.name)
    with locked(path):
        try:
            return read_tuning(path)
        except RecordError:
            tuning = _search(_TuningTrials(plan, part), budget, listen)
            write_tuning(path, tuning)
            return tuning


def tuned_plan(plan: Plan, tuning: FoldTuning) -> Plan:
    """The plan with the chosen parameters."""
    return replace(plan, recipe=set_parameters(plan.recipe, tuning.chosen.params))


class _TuningTrials:
    """The search space of a fold and the training of a tuning trial; ``trainer`` is None for isolated components."""

    def __init__(self, plan: Plan, part: Fold) -> None:
        self.plan, self.part = plan, part
        self.trainer = None if plan.isolated else _Trainer(plan, part)
        self.space, self.defaults = (
            self.trainer.find_search_space() if self.trainer else call_components(plan, _find_space, plan, part)
        )

    @property
    def study(self) -> str:
        """The name of the Optuna study: readable, and unique to the run and fold."""
        label, fold, key = self.plan.recipe.label, self.part.name, self.plan.run["key"]
        return f"{label[:200]} · fold {fold[:200]} · {digest([key, fold])[:16]}"

    def train(self, params: dict[str, object], on_epoch: Callable[[Epoch], None]) -> None:
        """Train once, as for a record, but without test data."""
        if self.trainer:
            self.trainer.train(params, on_epoch)
        else:
            call_components(self.plan, _train, self.plan, self.part, params, listen=on_epoch)


def _find_space(_: object, plan: Plan, part: Fold) -> _Space:
    return _Trainer(plan, part).find_search_space()


def _train(on_epoch: Callable[[Epoch], None], plan: Plan, part: Fold, params: dict[str, object]) -> None:
    _Trainer(plan, part).train(params, on_epoch)


class _Trainer:
    """Data and canaries that all trainings on a fold share; the data are read once."""

    def __init__(self, plan: Plan, part: Fold) -> None:
        torch.set_num_threads(plan.threads)
        self.plan, self.part = plan, part
        self.store = Store(plan.store)
        self.inputs = make_inputs(plan, self.store, part)
        self.labels = known_labels(self.store, plan.task, part)
        self.closed = closed_files(plan)
        self.metric = plan.metric
        self.draw = training_seed(_SEED, part.name, plan.run.get("seeding"))
        with guard_files(self.closed):
            self.canaries = make_canaries(plan, self.store, self.inputs, part, self.labels, self.draw)
            model = self.canaries.build()
        self.is_trained = any(parameter.requires_grad for parameter in model.parameters())

    def find_search_space(self) -> _Space:
        """The tuned parameters by name, and their defaults, with which the search begins."""
        plan = self.plan
        space: dict[str, Distribution] = find_search_space(
            plan.recipe, plan.plugins, plan.tokens, scoring_of(plan.run).kind
        )
        if not self.is_trained:
            # Without trained parameters the settings of the training loop have no effect.
            space = {name: item for name, item in space.items() if not name.startswith(f"{TRAINING_PART}.")}
        return space, default_parameters(plan.recipe, plan.plugins, space)

    def train(self, params: dict[str, object], on_epoch: Callable[[Epoch], None]) -> None:
        """Train once, as for a record, but without test data."""
        plan = replace(self.plan, recipe=set_parameters(self.plan.recipe, params))
        check_used_modalities(plan.recipe, plan.plugins)
        with guard_files(self.closed):
            fit(
                build_model(plan, self.store, self.draw),
                self.inputs,
                self.part,
                self.labels,
                plan.recipe.training,
                seed=self.draw,
                device=torch.device(plan.device),
                metric=self.metric,
                on_epoch=on_epoch,
                trainer=plan.trainer(),
            )
            self.canaries.check_rebuilt()


def _search(search: _TuningTrials, budget: Budget, listen: Listener) -> FoldTuning:
    plan = search.plan
    about = {
        "method": plan.recipe.label,
        "dataset": plan.run["dataset"],
        "fold": search.part.name,
        **budget.described(),
    }
    n_tuning_trials = budget.trials if search.space else 1
    storage = budget.storage or default_storage_url(plan.folder)
    with open_study(storage, search.study, plan.recipe.training.epochs, about) as study:
        trials = find_tuning_trials(study)
        for trial in trials:
            listen(trial.number, trial)
        while len(trials) < n_tuning_trials and not _is_over_time(trials, budget.seconds):
            _run_tuning_trial(search, study, len(trials), listen)
            trials = find_tuning_trials(study)
            listen(trials[-1].number, trials[-1])
    if not any(trial.state == "complete" for trial in trials):
        raise TrainingError(
            f"all tuning trials failed ({len(trials)}), the first with: {trials[0].error}",
            where=f"{plan.recipe.label}, fold {search.part.name}",
            remedy=f"fix the cause and remove the study {search.study!r} from its storage",
        )
    return FoldTuning(search.part.name, search.study, tuple(trials), not plan.metric.higher_is_better)


def _is_over_time(trials: list[TuningTrial], seconds: float | None) -> bool:
    """Whether the time limit is reached, including earlier sessions; the defaults are always run."""
    return seconds is not None and len(trials) > 0 and sum(trial.seconds for trial in trials) >= seconds


def _run_tuning_trial(search: _TuningTrials, study: "Study", number: int, listen: Listener) -> None:
    """Run one tuning trial: get its parameters from the study, train, and report the result."""
    from optuna import TrialPruned
    from optuna.exceptions import OptunaError
    from optuna.trial import TrialState
    from sqlalchemy.exc import SQLAlchemyError

    trial, params = ask_tuning_trial(study, number, search.space, search.defaults)
    metric = search.plan.metric
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        listen(number, epoch)
        trial.report(orient(metric, epoch.validation_score), len(epochs) - 1)
        if number and trial.should_prune():
            raise TrialPruned

    state, failure, out_of_memory = TrialState.COMPLETE, "", False
    try:
        search.train(params, on_epoch)
    except TrialPruned:
        state = TrialState.PRUNED
    except (OptunaError, SQLAlchemyError):
        raise
    except (PluginError, DamagedError, ProcessDiedError):
        # These end the run. The study marks the attempt as failed, and it is repeated once the plugin or cache is
        # fixed.
        study.tell(trial, state=TrialState.FAIL)
        raise
    except Exception as error:
        state, failure, out_of_memory = TrialState.FAIL, describe_error(error), is_out_of_memory(error)
    score = _store_best_epoch(trial, epochs, metric)
    if failure:
        trial.set_user_attr("error", failure)
    if out_of_memory:
        free_memory()
    # Studies maximise: where lower scores are better, their values are negated. The attribute ``score`` is not.
    value = None if state != TrialState.COMPLETE or score is None else orient(metric, score)
    study.tell(trial, value, state=state)


def _store_best_epoch(trial: "OptunaTrial", epochs: list[Epoch], metric: Metric) -> float | None:
    """Store number, score and loss of the best epoch, chosen as in training; returns its score."""
    trial.set_user_attr("epochs", len(epochs))
    if not epochs:
        return None
    best = max(range(len(epochs)), key=lambda i: (rank_epoch(epochs[i], metric), -i))
    attributes = {"epoch": best, "score": epochs[best].validation_score, "loss": epochs[best].validation_loss}
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    return epochs[best].validation_score
