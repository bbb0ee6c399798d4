"""Optuna's studies: where they are kept, who may work on one, and their trials asked and told.

The sampler of a trial is seeded by the number of the trial, so that a study that was interrupted goes on as it would
have gone on otherwise.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mmbench.errors import SpecError, StorageError
from mmbench.storage import digest, has_record_locks, locked, make_folder
from mmbench.tuning.results import State, TuningTrial
from mmbench.tuning.search_space import Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as Asked

OPTION = "--tune-storage"
SEED = 0
_PATIENCE = 120  # seconds to wait for SQLite while other processes write
_OPENINGS = 8  # times to open a storage whose tables another process makes at the same moment
_KILLED = 3  # times that a trial may be killed before it counts as failed
_STARTUP = 5  # complete trials before one is pruned
_SQLITE, _POSTGRES = "sqlite:///", "postgresql"
_TABLES = "tables"


def default_storage_url(folder: Path) -> str:
    """The URL of the studies beside the records in ``folder``."""
    return _sqlite_url(folder / "tuning.db")


def _sqlite_url(path: Path) -> str:
    """A URL that is read as ``path`` again, whatever signs are in it."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(path.resolve())).render_as_string()


def _locked_by_name(path: Path) -> str:
    """The URL of a database on a disk without file locks: SQLite makes a folder ``path``.lock while it writes."""
    from sqlalchemy import URL

    query = {"vfs": "unix-dotfile", "uri": "true"}
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query=query).render_as_string()


def _file(url: str) -> Path:
    from sqlalchemy import make_url

    return Path(make_url(url).database or "")


def resolve_storage_url(url: str) -> str:
    """The URL with a whole path, or with the driver we bring; SpecError where it is neither SQLite nor PostgreSQL."""
    scheme, colon, rest = url.partition("://")
    if url.startswith(_SQLITE) and _file(url).name and _file(url).name != ":memory:":
        return _sqlite_url(_file(url))
    if colon and scheme in (_POSTGRES, f"{_POSTGRES}+psycopg"):
        return f"{_POSTGRES}+psycopg://{rest}"
    raise SpecError(
        "is no storage for trials", where=OPTION, remedy="write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    )


def storage_without_password(url: str) -> str:
    """The URL without its password."""
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)


def check_study_storage(url: str) -> None:
    """Raise StorageError where no study could be kept."""
    with _errors(url), _claimed(url, _TABLES):
        _close(_open(url))


@contextmanager
def open_study(url: str, name: str, epochs: int, about: Mapping[str, Any]) -> Iterator["Study"]:
    """The study ``name``, new or as it was left, for nobody else while the block runs.

    Whoever else wants it waits, on other machines, too, where the storage is PostgreSQL. A trial may take ``epochs``;
    ``about`` tells readers of the storage what the study is.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with ExitStack() as stack:
        stack.enter_context(_errors(url))
        stack.enter_context(_claimed(url, name))
        with _texts():
            with _claimed(url, _TABLES):
                storage = _open(url)
                stack.callback(_close, storage)
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
) -> tuple["Asked", dict[str, Any]]:
    """The next trial and its parameters; that of number 0 has the defaults, be they in their ranges or not."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    outside: dict[str, Any] = {}
    if number == 0:
        outside = {name: defaults[name] for name in space if not space[name].contains(defaults[name])}
        # One that is waiting was enqueued before an interruption.
        if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            study.enqueue_trial({name: defaults[name] for name in space if name not in outside})
    study.sampler = TPESampler(seed=int(digest([SEED, number])[:8], 16))
    trial = study.ask({name: space[name].distribution() for name in space if name not in outside})
    trial.set_user_attr("number", number)
    if outside:
        # Optuna would learn from values that it cannot draw.
        trial.set_user_attr("outside", outside)
    return trial, {name: {**trial.params, **outside}[name] for name in space}


def find_tuning_trials(study: "Study") -> list[TuningTrial]:
    """The trials that are done, by number, but for those that were interrupted: these are done again."""
    with _texts():
        found = [_read(trial) for trial in study.get_trials(deepcopy=False)]
    return sorted((trial for trial in found if trial), key=lambda trial: trial.number)


def _read(frozen: "FrozenTrial") -> TuningTrial | None:
    from optuna.trial import TrialState

    told = frozen.user_attrs
    states: Mapping[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
    state: State | None = "failed" if frozen.state == TrialState.FAIL and "error" in told else states.get(frozen.state)
    if state is None:
        return None
    params = {**frozen.params, **told.get("outside", {})}
    return TuningTrial(
        number=told["number"],
        params={name: params[name] for name in sorted(params)},
        state=state,
        score=told.get("score"),
        loss=told.get("loss"),
        epoch=told.get("epoch"),
        epochs=told["epochs"],
        seconds=frozen.duration.total_seconds() if frozen.duration else 0.0,
        error=told.get("error", ""),
    )


def describe_sampler(epochs: int) -> dict[str, Any]:
    """What draws and what stops trials, as plain values: another one would try others."""
    return {
        "optuna": version("optuna"),
        "sampler": "tpe",
        "seed": SEED,
        "pruner": "median",
        "startup": _STARTUP,
        "warmup": _n_warmup(epochs),
    }


def _n_warmup(epochs: int) -> int:
    """Epochs before a trial is stopped: those with a small learning rate rise late."""
    return max(1, epochs // 5)


def _fail_interrupted(study: "Study") -> None:
    """Nobody works on a study that we hold: a trial that is running was killed, and is done again.

    Not for ever: a system that is out of memory kills without a word, and would each time.
    """
    from optuna.trial import Trial as Asked
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        number = trial.user_attrs.get("number")
        failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        killed = 1 + sum(other.user_attrs.get("number") == number for other in failed)
        if number is not None and killed == _KILLED and "error" not in trial.user_attrs:
            running = Asked(study, trial._trial_id)
            running.set_user_attr("epochs", len(trial.intermediate_values))
            running.set_user_attr("error", f"its process was killed {killed} times, perhaps for lack of memory")
        study.tell(trial.number, state=TrialState.FAIL)


def _open(url: str) -> "RDBStorage":
    from optuna.storages import RDBStorage

    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith(_SQLITE):
        folder = make_folder(_file(url).parent)
        options = {"connect_args": {"timeout": _PATIENCE}}
        url = url if has_record_locks(folder) else _locked_by_name(_file(url))
    try:
        # Optuna fills in what stands in braces.
        return _open_or_join(lambda: RDBStorage(url.replace("{", "{{").replace("}", "}}"), engine_kwargs=options))
    except RuntimeError as error:
        # What Optuna says of tables that another version of it made.
        raise StorageError(f"cannot be opened: {error}", where=OPTION, remedy="name another storage") from error


def _open_or_join(open_: "Callable[[], RDBStorage]") -> "RDBStorage":
    """Open a storage; where the disk has no locks, another process may make its tables at the same moment.

    Whoever comes second fails on a table or a row that is there by then, and finds it when it opens again.
    """
    from sqlalchemy.exc import IntegrityError, OperationalError

    for _ in range(_OPENINGS):
        try:
            return open_()
        except (IntegrityError, OperationalError) as error:
            if isinstance(error, OperationalError) and "already exists" not in str(error):
                raise
            sleep(random.uniform(0.05, 0.2))
    return open_()


def _close(storage: "RDBStorage") -> None:
    storage.remove_session()
    storage.engine.dispose()


@contextmanager
def _claimed(url: str, name: str) -> Iterator[None]:
    """Keep others from a study, or from making the tables at the same time."""
    if url.startswith(_SQLITE):
        with locked(_file(url).with_name(f"{_file(url).name}.{digest(name)[:12]}")):
            yield
    else:
        with _advisory_lock(url, name):
            yield


@contextmanager
def _advisory_lock(url: str, name: str) -> Iterator[None]:
    """A lock that PostgreSQL keeps for us until we let go, or our connection ends."""
    from sqlalchemy import create_engine, text

    key = int(digest(["mmbench", name])[:15], 16)
    # Without a transaction: one that is open for hours is ended by many servers.
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            yield
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
    finally:
        engine.dispose()


@contextmanager
def _errors(url: str) -> Iterator[None]:
    """Turn what a database says into one clear line about it, without its password."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    where = OPTION
    try:
        where = storage_without_password(url)
        yield
    except ImportError as error:
        raise StorageError(
            f"cannot be opened ({error})",
            where=where,
            remedy="install PostgreSQL's driver: pip install mmbench[postgres]",
        ) from error
    except (SQLAlchemyError, StorageInternalError) as error:
        told = str(error.__cause__ or error).strip().splitlines()[0]
        raise StorageError(
            f"the storage of trials does not answer ({told})", where=where, remedy=_remedy(url)
        ) from error


def _remedy(url: str) -> str:
    """What to do about a database that does not answer."""
    mark = Path(f"{_file(url)}.lock") if url.startswith(_SQLITE) else None
    if mark and mark.is_dir():
        return (
            f"remove {mark}, which a process that was killed left, if no run uses it; then run the same command again"
        )
    return "mend it, or remove it, and run the same command again: trials that it holds are kept"


@contextmanager
def _texts() -> Iterator[None]:
    """One clear line for a damaged file whose texts are none: SQLite does not look at them, and Python does."""
    try:
        yield
    except UnicodeDecodeError as error:
        remedy = "remove it, or name another, and run the same command again"
        raise StorageError(
            "the storage of trials is damaged: it has a text that is none", where=OPTION, remedy=remedy
        ) from error
