"""Calls in processes that have run no component before, so that nothing a component keeps outlives its call.

A process of its own is started once and forked for each call: it has loaded the host and libraries, and nothing else.
A call made in such a process is a fork of that process. For a GPU, which does not survive a fork, each call starts
Python anew.
"""

import atexit
import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, NoReturn, TypeVar

import torch

from mmbench.storage import ProcessDiedError, RemoteError, SilentReporter, current_reporter, make_portable, use_reporter

T = TypeVar("T")
SendMessage = Callable[[Any], None]

# What takes seconds to import; loaded before the first fork where the process that asks has it loaded, too.
_SLOW = ("timm", "torchvision", "scipy.stats", "scipy.linalg", "optuna", "sklearn", "transformers", "braindecode")
_HOST = (
    "mmbench.execution.job",
    "mmbench.execution.schedule",
    "mmbench.execution.tune_fold",
    "mmbench.features.cache",
    "mmbench.execution.restoring",
)
_START = (
    "import json, sys; fd, forks, sys.path[:], slow = json.loads(sys.argv[1]); "
    "from mmbench.integrity.isolation import serve; serve(fd, forks, slow)"
)


def run_isolated(function: Callable[..., T], *arguments: object, listen: SendMessage, forks: bool = True) -> T:
    """Call ``function(tell, *arguments)`` in a process where no component was built or run.

    What it passes to ``tell`` reaches ``listen`` here; where that raises, the process is ended. ``forks`` is False for
    a call that uses a GPU. Raises what the function raises, RemoteError where that is not the host's own error, and
    DiedError where the process was killed.
    """
    ask = _ask_anew if not forks else _fork if _state.is_isolated else _ask_server
    surroundings = dict(os.environ), list(sys.path), os.getcwd()  # noqa: PTH109 - goes to os.chdir
    result: T = ask(_Call(function, arguments, *surroundings), listen)
    return result


def ignore_messages(_: object) -> None:
    """Listens to nothing."""


def is_forkable(device: str) -> bool:
    """Whether a process may be forked for work on ``device``."""
    return hasattr(os, "fork") and torch.device(device).type == "cpu"


class _Call(NamedTuple):
    """What is called, and in which surroundings: those of the process that asks."""

    function: Callable[..., Any]
    arguments: tuple[object, ...]
    environment: Mapping[str, str]
    path: list[str]
    folder: str

    def make(self, tell: SendMessage) -> Any:
        """The result."""
        os.environ.clear()
        os.environ.update(self.environment)
        sys.path[:] = self.path
        os.chdir(self.folder)
        tempfile.tempdir = None  # as the environment says
        # One thread until the work says how many: a process in which several have computed cannot be forked.
        torch.set_num_threads(1)
        return self.function(tell, *self.arguments)


class _State:
    """Of this process: whether it was made for isolated calls, the server that it asks where it was not, and the
    messages of calls that were told."""

    is_isolated = False
    server: "_Server | None" = None

    def __init__(self) -> None:
        self.messages: set[str] = set()


_state = _State()


class _Server:
    """A process that waits for calls; with ``forks`` it makes a child for each, otherwise it takes one itself."""

    def __init__(self, forks: bool) -> None:
        self.pid = os.getpid()
        self.connection, theirs = Pipe()
        self.slow = _find_slow()
        start = json.dumps([theirs.fileno(), forks, sys.path, self.slow])
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, start],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # it is ended with its children; Ctrl-C is for the process that asks
        )
        theirs.close()

    @property
    def is_usable(self) -> bool:
        """Whether it runs, is of this process, and has loaded what each call would have to load otherwise."""
        # A process that was forked of another has its memory, not its children.
        return self.pid == os.getpid() and self.process.poll() is None and self.slow == _find_slow()

    def ask(self, call: _Call, listen: SendMessage) -> Any:
        """The result of a call; whatever else stops the waiting ends the server."""
        try:
            self.connection.send(call)
            return _receive(self.connection, listen)
        except _AnsweredError as error:
            raise error.error from None
        except BrokenPipeError:
            self.end()
            raise ProcessDiedError from None
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """End the process and what it has started."""
        self.connection.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _find_slow() -> list[str]:
    return [name for name in _SLOW if name in sys.modules]


class _AnsweredError(Exception):
    """An error of the function that was called: the process that ran it is well."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _ask_anew(call: _Call, listen: SendMessage) -> Any:
    server = _Server(forks=False)
    try:
        return server.ask(call, listen)
    finally:
        server.end()


def _ask_server(call: _Call, listen: SendMessage) -> Any:
    server = _state.server
    if server is None or not server.is_usable:
        _end_server()
        server = _state.server = _Server(forks=True)
    return server.ask(call, listen)


@atexit.register
def _end_server() -> None:
    server, _state.server = _state.server, None
    if server is not None and server.pid == os.getpid():
        server.end()


def _fork(call: _Call, listen: SendMessage) -> Any:
    ours, theirs = Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _answer(theirs, call)
    theirs.close()
    try:
        return _receive(ours, listen)
    except _AnsweredError as error:
        raise error.error from None
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        ours.close()
        os.waitpid(pid, 0)


def _receive(connection: Connection, listen: SendMessage) -> Any:
    while True:
        try:
            kind, value = connection.recv()
        except (EOFError, ConnectionResetError):
            raise ProcessDiedError from None
        if kind == "result":
            return value
        if kind == "error":
            raise _AnsweredError(value)
        if kind == "message":
            if value not in _state.messages:  # each call is of a new process, which has told nothing yet
                _state.messages.add(value)
                current_reporter().message(value)
        else:
            listen(value)


class _Messages(SilentReporter):
    """Sends what is to be told to the process that asked."""

    def __init__(self, send: Callable[[str, object], None]) -> None:
        self.send = send

    def message(self, text: str) -> None:
        """Send a line."""
        self.send("message", text)


def _answer(connection: Connection, call: _Call) -> NoReturn:
    """Call the function and end this process."""
    try:
        _send_answer(connection, call)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _send_answer(connection: Connection, call: _Call) -> None:
    def send(kind: str, item: object) -> None:
        try:
            connection.send((kind, item))
        except BrokenPipeError:
            os._exit(0)  # who asked was killed: nothing is written for nobody

    try:
        with use_reporter(_Messages(send)):
            answer = "result", call.make(partial(send, "told"))
    except BaseException as error:
        answer = "error", make_portable(error)
    try:
        connection.send(answer)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        connection.send(("error", RemoteError.of(error)))


def serve(fd: int, forks: bool, slow: list[str]) -> NoReturn:
    """Take calls from the connection ``fd`` until it is closed; the names in ``slow`` are imported before."""
    connection = Connection(fd)
    for name in (*_HOST, *slow):
        with suppress(ImportError):
            import_module(name)
    _state.is_isolated = True
    gc.freeze()
    while True:
        try:
            call = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # libraries tell of what is left at the end of Python, and all is
        if not forks:
            _answer(connection, call)
        if not _is_survived(connection, call):
            os._exit(0)  # what it has sent may end in the middle of a message


def _is_survived(connection: Connection, call: _Call) -> bool:
    pid = os.fork()
    if pid == 0:
        _answer(connection, call)
    _, status = os.waitpid(pid, 0)
    return status == 0
