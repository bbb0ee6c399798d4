"""Errors as one line of text, and as they are sent from one process to another."""

import gc
import sys
from traceback import format_exception

from mmbench.errors import UserError
from mmbench.storage.processes import ProcessDiedError, ProcessEndedError

_FULL = ("not enough memory", "can't allocate memory", "out of memory")


class RemoteError(Exception):
    """An error of another process that is not a UserError: one line of ``text`` and its ``traceback``.

    The class of the error itself may be unknown in this process. ``is_full`` is True if memory ran out.
    """

    def __init__(self, text: str, traceback: str, is_full: bool) -> None:
        super().__init__(text, traceback, is_full)
        self.text, self.traceback, self.is_full = text, traceback, is_full

    @classmethod
    def of(cls, error: BaseException) -> "RemoteError":
        """The remote form of ``error``."""
        return cls(describe_error(error), "".join(format_exception(error)), is_out_of_memory(error))

    def __str__(self) -> str:
        return f"{self.text}\n\n{self.traceback}"


def make_portable(error: BaseException) -> Exception:
    """An error that can be pickled to another process, which may not know classes of plugins."""
    if isinstance(error, RemoteError | ProcessDiedError | ProcessEndedError):
        return error
    if isinstance(error, UserError):
        cls: type[UserError] = next(cls for cls in type(error).__mro__ if cls.__module__ == UserError.__module__)
        return cls(error.message, where=error.where, remedy=error.remedy)
    return RemoteError.of(error)


def describe_error(error: BaseException) -> str:
    """An error on one line."""
    if isinstance(error, UserError):
        return error.line
    if isinstance(error, RemoteError):
        return error.text
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"out of memory ({text})" if is_out_of_memory(error) else text


def format_traceback(error: Exception) -> str:
    """The traceback of an error that is a bug; empty for a UserError."""
    if isinstance(error, RemoteError):
        return error.traceback
    return "" if isinstance(error, UserError) else "".join(format_exception(error))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of the machine or of the GPU."""
    if isinstance(error, RemoteError):
        return error.is_full
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _FULL)


def free_memory() -> None:
    """Free the memory of a training that failed, on the CPU and the GPU."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
