"""Exceptions that mmbench raises on purpose.

::

    MmbenchError
    └── UserError            the user can fix it: one line, exit code 2
        ├── SpecError        an option, a name or a parameter of the command line
        ├── DataError        a file, trial or sample of a dataset
        │   └── DamagedError a file of the cache that changed after it was written
        ├── ProtocolError    a protocol that the dataset cannot serve
        ├── PluginError      a plugin that breaks the contract; names the plugin
        ├── WeightsError     pretrained weights that are missing or do not fit
        ├── TrainingError    a training that diverged
        ├── WorkerError      a worker process that died
        ├── JobError         jobs failed and nothing is left to compare: exit code 1
        ├── RecordError      records that are missing, damaged or not comparable
        └── StorageError     a full disk, a folder that cannot be written, a database that does not answer

Any other exception is a bug and keeps its traceback.
"""

_MAX_LENGTH = 600  # characters of each part of an error; longer parts lose their middle


class MmbenchError(Exception):
    """Base of all exceptions raised on purpose."""


class UserError(MmbenchError):
    """An error that the user can fix, reported in one line.

    ``where`` is the file, option, trial or plugin it is about; ``remedy`` says what to do; ``code`` is the exit code of
    the program.
    """

    code = 2

    def __init__(self, message: str, *, where: object = None, remedy: str = "") -> None:
        self.message = _printable(" ".join(message.split()))
        self.where = None if where is None else _printable(str(where))
        self.remedy = _printable(" ".join(remedy.split()))
        super().__init__(self.line)

    @property
    def line(self) -> str:
        """Where, message and remedy on one line."""
        start = f"{self.where}: " if self.where else ""
        end = f" — {self.remedy}" if self.remedy else ""
        return f"{start}{self.message}{end}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not survive pickling between processes by themselves.
        return _rebuild, (type(self), self.message, self.where, self.remedy)


def _printable(text: str) -> str:
    """A text shortened and without control characters, which may come from a damaged file."""
    if len(text) > _MAX_LENGTH:
        text = f"{text[: _MAX_LENGTH // 2]} ... {text[-_MAX_LENGTH // 2 :]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _rebuild(cls: type[UserError], message: str, where: str | None, remedy: str) -> UserError:
    return cls(message, where=where, remedy=remedy)


class SpecError(UserError):
    """A name, parameter or option that cannot be understood."""


class DataError(UserError):
    """A file, trial or sample that is missing, damaged or outside its range."""


class DamagedError(DataError):
    """A file of the cache that changed after it was written."""


class ProtocolError(UserError):
    """A protocol that the dataset cannot serve."""


class PluginError(UserError):
    """A plugin that breaks the contract."""


class WeightsError(UserError):
    """Pretrained weights that are missing or do not fit."""


class TrainingError(UserError):
    """A training that diverged."""


class WorkerError(UserError):
    """A worker process that died."""


class JobError(UserError):
    """Failed jobs that left nothing to compare."""

    code = 1


class RecordError(UserError):
    """Records that are missing, damaged or not comparable."""


class StorageError(UserError):
    """A disk that is full, a folder that cannot be written, a database that does not answer."""
