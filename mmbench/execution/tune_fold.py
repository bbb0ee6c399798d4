"""Tunes one method on one fold: the same number of tuning trials for every method, scored on validation.

The test part of the fold is not passed in, so that no tuning trial can reach it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mmbench.contract import Distribution
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
from mmbench.registry import training_seed
from mmbench.storage import ProcessDiedError, describe_error, digest, free_memory, is_out_of_memory, locked
from mmbench.training import Epoch, fit
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
    from optuna.trial import Trial as Asked

_SEED = 0  # of every tuning trial; the chosen parameters are used with all seeds

_Space = tuple[dict[str, Distribution], dict[str, object]]  # distributions by name, and the defaults
Listener = Callable[[int, Epoch | TuningTrial], None]
"""Called with the number of a tuning trial and each of its epochs, then with its result."""


def without_test(fold: Fold) -> Fold:
    """The training and the validation part."""
    return replace(fold, test=fold.test[:0])


def tune_fold(plan: Plan, part: Fold, budget: Budget, listen: Listener = lambda number, what: None) -> FoldTuning:
    """Spend the budget on ``part``, a fold without its test part; an earlier result is read.

    Raises TrainingError where every tuning trial failed, StorageError where they cannot be stored, and PluginError
    where a component opens a file it may not read or keeps state from one tuning trial to the next.
    """
    if len(part.test):
        raise ValueError("tuning must not get a test part")
    path = tuning_path(plan.folder, part.name)
    with locked(path):
        try:
            return read_tuning(path)
        except RecordError:
            tuning = _search(_Trials(plan, part), budget, listen)
            write_tuning(path, tuning)
            return tuning


def tuned_plan(plan: Plan, tuning: FoldTuning) -> Plan:
    """The plan with the chosen parameters."""
    return replace(plan, recipe=set_parameters(plan.recipe, tuning.chosen.params))


class _Trials:
    """The search space of a fold and the training of a tuning trial; ``bench`` is None for isolated components."""

    def __init__(self, plan: Plan, part: Fold) -> None:
        self.plan, self.part = plan, part
        self.bench = None if plan.isolated else _Bench(plan, part)
        self.space, self.defaults = (
            self.bench.find_search_space() if self.bench else call_components(plan, _find_space, plan, part)
        )

    @property
    def study(self) -> str:
        """The name of the Optuna study: readable, and unique to the run and fold."""
        label, fold, key = self.plan.recipe.label, self.part.name, self.plan.run["key"]
        return f"{label[:200]} · fold {fold[:200]} · {digest([key, fold])[:16]}"

    def train(self, params: dict[str, object], on_epoch: Callable[[Epoch], None]) -> None:
        """One training, as that of a record, but that nothing is tested."""
        if self.bench:
            self.bench.train(params, on_epoch)
        else:
            call_components(self.plan, _train, self.plan, self.part, params, listen=on_epoch)


def _find_space(_: object, plan: Plan, part: Fold) -> _Space:
    return _Bench(plan, part).find_search_space()


def _train(on_epoch: Callable[[Epoch], None], plan: Plan, part: Fold, params: dict[str, object]) -> None:
    _Bench(plan, part).train(params, on_epoch)


class _Bench:
    """What trainings on a fold share: the data, read once, and the trials of what is kept between them."""

    def __init__(self, plan: Plan, part: Fold) -> None:
        torch.set_num_threads(plan.threads)
        self.plan, self.part = plan, part
        self.store = Store(plan.store)
        self.inputs = make_inputs(plan, self.store, part)
        self.labels = known_labels(self.store, plan.task, part)
        self.closed = closed_files(plan)
        self.draw = training_seed(_SEED, part.name, plan.run.get("seeding"))
        with guard_files(self.closed):
            self.canaries = make_canaries(plan, self.store, self.inputs, part, self.labels, self.draw)
            model = self.canaries.build()
        self.learns = any(parameter.requires_grad for parameter in model.parameters())

    def find_search_space(self) -> _Space:
        """What is tuned, by name, and where the search begins."""
        plan = self.plan
        space: dict[str, Distribution] = find_search_space(plan.recipe, plan.plugins, plan.tokens)
        if not self.learns:
            # Settings of the training loop change nothing where nothing is trained.
            space = {name: item for name, item in space.items() if not name.startswith(f"{TRAINING_PART}.")}
        return space, default_parameters(plan.recipe, plan.plugins, space)

    def train(self, params: dict[str, object], on_epoch: Callable[[Epoch], None]) -> None:
        """One training, as that of a record, but that nothing is tested."""
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
                on_epoch=on_epoch,
            )
            self.canaries.check_rebuilt()


def _search(bench: _Trials, budget: Budget, listen: Listener) -> FoldTuning:
    plan = bench.plan
    about = {"method": plan.recipe.label, "dataset": plan.run["dataset"], "fold": bench.part.name, **budget.described()}
    wanted = budget.trials if bench.space else 1
    storage = budget.storage or default_storage_url(plan.folder)
    with open_study(storage, bench.study, plan.recipe.training.epochs, about) as study:
        trials = find_tuning_trials(study)
        for trial in trials:
            listen(trial.number, trial)
        while len(trials) < wanted and not _is_spent(trials, budget.seconds):
            _try(bench, study, len(trials), listen)
            trials = find_tuning_trials(study)
            listen(trials[-1].number, trials[-1])
    if not any(trial.state == "complete" for trial in trials):
        raise TrainingError(
            f"each of {len(trials)} trials failed, the first with: {trials[0].error}",
            where=f"{plan.recipe.label}, fold {bench.part.name}",
            remedy=f"mend the cause and remove the study {bench.study!r} from its storage",
        )
    return FoldTuning(bench.part.name, bench.study, tuple(trials))


def _is_spent(trials: list[TuningTrial], seconds: float | None) -> bool:
    """Whether the time is up; what earlier sessions took counts, and the defaults are always tried."""
    return seconds is not None and len(trials) > 0 and sum(trial.seconds for trial in trials) >= seconds


def _try(bench: _Trials, study: "Study", number: int, listen: Listener) -> None:
    """One trial, from asking for its parameters to telling what became of it."""
    from optuna import TrialPruned
    from optuna.exceptions import OptunaError
    from optuna.trial import TrialState
    from sqlalchemy.exc import SQLAlchemyError

    trial, params = ask_tuning_trial(study, number, bench.space, bench.defaults)
    epochs: list[Epoch] = []

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        listen(number, epoch)
        trial.report(epoch.validation_score, len(epochs) - 1)
        if number and trial.should_prune():
            raise TrialPruned

    state, failure, is_full = TrialState.COMPLETE, "", False
    try:
        bench.train(params, on_epoch)
    except TrialPruned:
        state = TrialState.PRUNED
    except (OptunaError, SQLAlchemyError):
        raise
    except (PluginError, DamagedError, ProcessDiedError):
        # No trial that failed: it ends the run, and is begun anew when the plugin or the cache is mended.
        study.tell(trial, state=TrialState.FAIL)
        raise
    except Exception as error:
        state, failure, is_full = TrialState.FAIL, describe_error(error), is_out_of_memory(error)
    value = _tell_epochs(trial, epochs)
    if failure:
        trial.set_user_attr("error", failure)
    if is_full:
        free_memory()
    study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)


def _tell_epochs(trial: "Asked", epochs: list[Epoch]) -> float | None:
    """Keep what the best epoch left, as the training loop chooses it; its score."""
    trial.set_user_attr("epochs", len(epochs))
    if not epochs:
        return None
    best = max(range(len(epochs)), key=lambda at: (epochs[at].validation_score, -epochs[at].validation_loss, -at))
    told = {"epoch": best, "score": epochs[best].validation_score, "loss": epochs[best].validation_loss}
    for name, value in told.items():
        trial.set_user_attr(name, value)
    return epochs[best].validation_score
