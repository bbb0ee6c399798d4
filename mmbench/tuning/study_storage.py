"""Storages of Optuna studies: their URLs, the locks on them, and the errors of their databases."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mmbench.errors import SpecError, StorageError
from mmbench.storage import digest, has_record_locks, locked, make_folder

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

OPTION = "--tune-storage"
_PATIENCE = 120  # seconds to wait for SQLite while other processes write
_OPENINGS = 8  # attempts to open a storage whose tables another process creates at the same moment
_SQLITE, _POSTGRES = "sqlite:///", "postgresql"
TABLES = "tables"
"""Name of the lock on the creation of tables."""


def default_storage_url(folder: Path) -> str:
    """The URL of the SQLite storage beside the records in ``folder``."""
    return _sqlite_url(folder / "tuning.db")


def _sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, with special characters escaped."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(path.resolve())).render_as_string()


def _locked_by_name(path: Path) -> str:
    """The URL of a SQLite file on a disk without file locks: SQLite creates a folder ``path``.lock while it writes."""
    from sqlalchemy import URL

    query = {"vfs": "unix-dotfile", "uri": "true"}
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query=query).render_as_string()


def _file(url: str) -> Path:
    from sqlalchemy import make_url

    return Path(make_url(url).database or "")


def resolve_storage_url(url: str) -> str:
    """The URL with an absolute path, or with the driver psycopg; SpecError unless it is SQLite or PostgreSQL."""
    scheme, colon, rest = url.partition("://")
    if url.startswith(_SQLITE) and _file(url).name and _file(url).name != ":memory:":
        return _sqlite_url(_file(url))
    if colon and scheme in (_POSTGRES, f"{_POSTGRES}+psycopg"):
        return f"{_POSTGRES}+psycopg://{rest}"
    raise SpecError(
        "is not a storage of tuning trials",
        where=OPTION,
        remedy="write sqlite:///FILE or postgresql://USER@HOST/DATABASE",
    )


def storage_without_password(url: str) -> str:
    """The URL without its password."""
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)


def check_study_storage(url: str) -> None:
    """Raise StorageError if a study cannot be stored."""
    with database_errors(url), lock_study(url, TABLES):
        close_storage(open_storage(url))


def open_storage(url: str) -> "RDBStorage":
    """Open the storage of studies and create its tables if they are missing."""
    from optuna.storages import RDBStorage

    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith(_SQLITE):
        folder = make_folder(_file(url).parent)
        options = {"connect_args": {"timeout": _PATIENCE}}
        url = url if has_record_locks(folder) else _locked_by_name(_file(url))
    try:
        # Optuna formats the URL: braces are escaped.
        return _open_or_join(lambda: RDBStorage(url.replace("{", "{{").replace("}", "}}"), engine_kwargs=options))
    except RuntimeError as error:
        # Raised for tables of another version of Optuna.
        raise StorageError(f"cannot be opened: {error}", where=OPTION, remedy="name another storage") from error


def _open_or_join(open_: "Callable[[], RDBStorage]") -> "RDBStorage":
    """Open a storage; where the disk has no locks, another process may create its tables at the same moment.

    The second process fails on a table or a row that exists by then, and succeeds when it opens the storage again.
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


def close_storage(storage: "RDBStorage") -> None:
    """Close all connections of a storage."""
    storage.remove_session()
    storage.engine.dispose()


@contextmanager
def lock_study(url: str, name: str) -> Iterator[None]:
    """Hold the lock on a study, or on the creation of the tables, while the block runs."""
    if url.startswith(_SQLITE):
        with locked(_file(url).with_name(f"{_file(url).name}.{digest(name)[:12]}")):
            yield
    else:
        with _advisory_lock(url, name):
            yield


@contextmanager
def _advisory_lock(url: str, name: str) -> Iterator[None]:
    """A lock of PostgreSQL, held until it is released or the connection ends."""
    from sqlalchemy import create_engine, text

    key = int(digest(["mmbench", name])[:15], 16)
    # Without a transaction: many servers end one that is open for hours.
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            yield
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
    finally:
        engine.dispose()


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Raise StorageError for errors of the database, with the URL without its password."""
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
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise StorageError(
            f"the storage of tuning trials does not answer ({reason})", where=where, remedy=_remedy(url)
        ) from error


def _remedy(url: str) -> str:
    """The remedy for a database that does not answer."""
    mark = Path(f"{_file(url)}.lock") if url.startswith(_SQLITE) else None
    if mark and mark.is_dir():
        return f"if no run uses it, remove {mark}, which a killed process left; then run the same command again"
    return "repair or remove it and run the same command again; a repaired storage keeps its tuning trials"


@contextmanager
def text_errors() -> Iterator[None]:
    """Raise StorageError for a damaged file with invalid text, which SQLite does not check and Python does."""
    try:
        yield
    except UnicodeDecodeError as error:
        remedy = "remove it or name another storage, and run the same command again"
        raise StorageError(
            "the storage of tuning trials is damaged: it holds text that is not UTF-8", where=OPTION, remedy=remedy
        ) from error
