"""The exceptions that mmbench raises on purpose.

::

    MmbenchError
    └── UserError            the user can mend it: one line, exit code 2
        ├── SpecError        an option, a name or a parameter on the shell line
        ├── DataError        a file, trial or sample of a dataset
        │   └── DamagedError a file of the cache that is not as it was written
        ├── ProtocolError    a protocol that the dataset cannot serve
        ├── PluginError      a plugin that breaks the contract; names the plugin
        ├── WeightsError     pretrained weights that are missing or do not fit
        ├── TrainingError    a training that diverged
        ├── WorkerError      a process that died at work
        ├── JobError         nothing is left to compare, since jobs failed: exit code 1
        ├── RecordError      records that are missing, damaged or not comparable
        └── StorageError     a full disk, a folder that cannot be written, a database that does not answer

Anything else that escapes is a bug and keeps its traceback.
"""

_LONGEST = 600  # characters of each part of an error; the middle of what is longer is left out


class MmbenchError(Exception):
    """Root of all exceptions raised on purpose."""


class UserError(MmbenchError):
    """Something the user can mend, told in one line.

    ``where`` is the file, option, trial or plugin it is about; ``remedy`` says what to do; ``code`` is what the
    program exits with.
    """

    code = 2

    def __init__(self, message: str, *, where: object = None, remedy: str = "") -> None:
        self.message = _shown(" ".join(message.split()))
        self.where = None if where is None else _shown(str(where))
        self.remedy = _shown(" ".join(remedy.split()))
        super().__init__(self.line)

    @property
    def line(self) -> str:
        """The whole story on one line: where, what, remedy."""
        start = f"{self.where}: " if self.where else ""
        end = f" — {self.remedy}" if self.remedy else ""
        return f"{start}{self.message}{end}"

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not survive pickling between processes by themselves.
        return _rebuild, (type(self), self.message, self.where, self.remedy)


def _shown(text: str) -> str:
    """A text as a terminal may show it: much of it may be out of a damaged file."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
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
    """A file of the cache that is not as it was written."""


class ProtocolError(UserError):
    """A protocol that the dataset cannot serve."""


class PluginError(UserError):
    """A plugin that breaks the contract."""


class WeightsError(UserError):
    """Pretrained weights that are missing or do not fit."""


class TrainingError(UserError):
    """A training that diverged."""


class WorkerError(UserError):
    """A process that died at work."""


class JobError(UserError):
    """Jobs that failed, and left nothing to compare."""

    code = 1


class RecordError(UserError):
    """Records that are missing, damaged or not comparable."""


class StorageError(UserError):
    """A disk that is full, a folder that cannot be written, a database that does not answer."""
