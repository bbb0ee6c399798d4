"""Isolated calls: each runs in a process without state of components from earlier calls.

A server process is started once and forked for each call: it has loaded mmbench and libraries, but no component. A call
from an isolated process forks that process. CUDA does not survive a fork, so that calls on a GPU start a new Python.
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

from mmbench.storage import RemoteError, SilentReporter, current_reporter, make_death_error, make_portable, use_reporter

_SIGNALLED = 128  # a server exits with this and the number of the signal that ended its child
_LAST_SECONDS = 5

T = TypeVar("T")
SendMessage = Callable[[Any], None]

# Slow imports, loaded before the first fork if the calling process has loaded them.
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
    """Call ``function(send, *arguments)`` in a process if no component was built or run.

    Values passed to ``send`` are passed on to ``listen`` here; if that raises, the process is ended. ``forks`` is False
    for calls that use a GPU. Raises the errors of mmbench that the function raises, RemoteError for other errors,
    ProcessDiedError if the process was killed and ProcessEndedError if it ended itself.
    """
    call_in = _call_in_new_python if not forks else _fork if _state.is_isolated else _call_server
    context = dict(os.environ), list(sys.path), os.getcwd()  # noqa: PTH109 - goes to os.chdir
    result: T = call_in(_Call(function, arguments, *context), listen)
    return result


def ignore_messages(_: object) -> None:
    """Discard a message."""


def is_forkable(device: str) -> bool:
    """Whether work on ``device`` may run in a forked process."""
    return hasattr(os, "fork") and torch.device(device).type == "cpu"


class _Call(NamedTuple):
    """A function with arguments, environment, import path and working folder of the calling process."""

    function: Callable[..., Any]
    arguments: tuple[object, ...]
    environment: Mapping[str, str]
    path: list[str]
    folder: str

    def make(self, send: SendMessage) -> Any:
        """Run the call and return its result."""
        os.environ.clear()
        os.environ.update(self.environment)
        sys.path[:] = self.path
        os.chdir(self.folder)
        tempfile.tempdir = None  # as the environment says
        # One thread until the work sets its number: a process that has computed with several cannot be forked.
        torch.set_num_threads(1)
        return self.function(send, *self.arguments)


class _State:
    """State of this process: whether it is isolated, its server if not, and the messages already reported."""

    is_isolated = False
    server: "_Server | None" = None

    def __init__(self) -> None:
        self.messages: set[str] = set()


_state = _State()


class _Server:
    """A process that serves calls: with ``forks`` in a child each, otherwise a single call."""

    def __init__(self, forks: bool) -> None:
        self.pid = os.getpid()
        self.connection, theirs = Pipe()
        self.slow = _find_slow()
        start = json.dumps([theirs.fileno(), forks, sys.path, self.slow])
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, start],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # it is ended with its children; Ctrl-C is for the calling process
        )
        theirs.close()

    @property
    def is_usable(self) -> bool:
        """Whether it is running, is a child of this process, and has loaded the slow imports."""
        # A forked process inherits memory, but not children.
        return self.pid == os.getpid() and self.process.poll() is None and self.slow == _find_slow()

    def call_in(self, call: _Call, listen: SendMessage) -> Any:
        """The result of a call; any other exception ends the server."""
        try:
            self.connection.send(call)
            return _receive(self.connection, listen)
        except _AnsweredError as error:
            raise error.error from None
        except (BrokenPipeError, _NoAnswerError):
            death = make_death_error(self._find_exit_code())
            self.end()
            raise death from None
        except BaseException:
            self.end()
            raise

    def _find_exit_code(self) -> int | None:
        """The exit code of the process that gave no answer, negative for a signal."""
        with suppress(subprocess.TimeoutExpired):
            code = self.process.wait(_LAST_SECONDS)
            return _SIGNALLED - code if code > _SIGNALLED else code
        return None

    def end(self) -> None:
        """End the process and its children."""
        self.connection.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _find_slow() -> list[str]:
    return [name for name in _SLOW if name in sys.modules]


class _NoAnswerError(Exception):
    """The process of a call ended without an answer."""


class _AnsweredError(Exception):
    """An error of the called function; its process is intact."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _call_in_new_python(call: _Call, listen: SendMessage) -> Any:
    server = _Server(forks=False)
    try:
        return server.call_in(call, listen)
    finally:
        server.end()


def _call_server(call: _Call, listen: SendMessage) -> Any:
    server = _state.server
    if server is None or not server.is_usable:
        _end_server()
        server = _state.server = _Server(forks=True)
    return server.call_in(call, listen)


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
    status: int | None = None
    try:
        return _receive(ours, listen)
    except _AnsweredError as error:
        raise error.error from None
    except _NoAnswerError:
        _, status = os.waitpid(pid, 0)
        raise make_death_error(os.waitstatus_to_exitcode(status)) from None
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        ours.close()
        if status is None:
            os.waitpid(pid, 0)


def _receive(connection: Connection, listen: SendMessage) -> Any:
    while True:
        try:
            kind, value = connection.recv()
        except (EOFError, ConnectionResetError):
            raise _NoAnswerError from None
        if kind == "result":
            return value
        if kind == "error":
            raise _AnsweredError(value)
        if kind == "message":
            if value not in _state.messages:  # each call is a new process, which repeats messages
                _state.messages.add(value)
                current_reporter().message(value)
        else:
            listen(value)


class _Messages(SilentReporter):
    """Sends messages to the calling process."""

    def __init__(self, send: Callable[[str, object], None]) -> None:
        self.send = send

    def message(self, text: str) -> None:
        """Send a line."""
        self.send("message", text)


def _answer(connection: Connection, call: _Call, done: int | None = None) -> NoReturn:
    """Call the function and end this process; the pipe ``done`` gets a byte once the answer is sent.

    The exit code does not tell: a plugin may end the process with any, 0 too.
    """
    try:
        _send_answer(connection, call)
        if done is not None:
            os.write(done, b".")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _send_answer(connection: Connection, call: _Call) -> None:
    def send(kind: str, item: object) -> None:
        try:
            connection.send((kind, item))
        except BrokenPipeError:
            os._exit(0)  # the calling process was killed

    try:
        with use_reporter(_Messages(send)):
            answer = "result", call.make(partial(send, "value"))
    except BaseException as error:
        answer = "error", make_portable(error)
    try:
        connection.send(answer)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        connection.send(("error", RemoteError.of(error)))


def serve(fd: int, forks: bool, slow: list[str]) -> NoReturn:
    """Serve calls from the connection ``fd`` until it is closed; imports the modules ``slow`` first."""
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
            os._exit(0)  # without the exit handlers of libraries
        if not forks:
            _answer(connection, call)
        code = _run_child(connection, call)
        if code is not None:  # its last message may be incomplete
            os._exit(_SIGNALLED - code if code < 0 else code)


def _run_child(connection: Connection, call: _Call) -> int | None:
    """The exit code of a child that ran a call without an answer, negative for a signal; None where it answered."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _answer(connection, call, write)
    os.close(write)
    _, status = os.waitpid(pid, 0)
    os.set_blocking(read, False)  # a process that a plugin left behind may hold its other end
    try:
        has_answered = bool(os.read(read, 1))
    except BlockingIOError:
        has_answered = False
    finally:
        os.close(read)
    return None if has_answered else os.waitstatus_to_exitcode(status)
