"""Jobs on the workers of a Dask cluster that is running, on folders that all of its machines see."""

import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import mmbench
from mmbench.errors import SpecError, WorkerError
from mmbench.execution.progress_relay import Channel, Nowhere
from mmbench.storage import Task, digest, file_digest, run_with_retries

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

_OPTION = "--cluster"
_PATIENCE = 10  # seconds for a scheduler to answer


class Ground(NamedTuple):
    """What the workers must share with us: ``folders`` and plugin files; ``alone``: only this machine may work."""

    folders: tuple[Path, ...]
    plugins: tuple[str, ...]
    alone: bool = False


class _Wire(NamedTuple):
    """The end of a channel on a worker; what is said there goes through the scheduler."""

    topic: str

    def put(self, item: tuple[str, int, str | None]) -> None:
        """Send one note."""
        from distributed import get_worker

        get_worker().log_event(self.topic, list(item))


def _lay_wire(client: "Client", channel: Channel) -> _Wire:
    wire = _Wire(f"mmbench-{secrets.token_hex(8)}")
    client.subscribe_topic(wire.topic, lambda event: channel.put(tuple(event[1])))
    return wire


def attempt_on(
    address: str, function: Callable[..., T], tasks: Sequence[Task], threads: int, ground: Ground, channel: Channel
) -> Iterator[tuple[int, T | WorkerError]]:
    """As `workers.attempt`, on the cluster whose scheduler is at ``address``; each task gets a channel as its last.

    What is put into that on a worker comes out of ``channel``, in a thread of its own.
    Dask gives the tasks of a worker that is lost to another, and up after as often as its scheduler is told.
    Raises SpecError where no scheduler answers, or a worker is not as it must be.
    """
    with _joined(address) as client:
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        _check_workers(client, ground)
        wire = channel if isinstance(channel, Nowhere) else _lay_wire(client, channel)
        futures = {
            client.submit(run_with_retries, threads, function, *arguments, wire, pure=False): at
            for at, arguments in enumerate(tasks)
        }
        for future in as_completed(list(futures), loop=client.loop):
            try:
                yield futures[future], future.result()
            except KilledWorker as error:
                yield (
                    futures[future],
                    WorkerError(
                        f"the worker was lost each time ({' '.join(str(error).split())})",
                        remedy="give workers more memory and run the same command again: what was finished is kept",
                    ),
                )


@contextmanager
def _joined(address: str) -> Iterator["Client"]:
    where = f"{_OPTION} {address}"
    try:
        from distributed import Client
    except ImportError as error:
        raise SpecError("needs dask.distributed", where=where, remedy="pip install mmbench[cluster]") from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SpecError(
            "no scheduler answers there", where=where, remedy="give the address that dask scheduler printed"
        ) from error
    try:
        yield client
    finally:
        client.close()


def _check_workers(client: "Client", ground: Ground) -> None:
    """SpecError for the first worker that sees other folders, has other versions or runs several jobs at once."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise SpecError("the cluster has no worker", where=_OPTION, remedy="start some: dask worker --nthreads 1")
    for address, about in workers.items():
        if about["nthreads"] != 1:
            _refuse(address, f"runs {about['nthreads']} jobs in one process", "start it with --nthreads 1")
    token = secrets.token_hex(8)
    probes = [folder / f".mmbench-probe-{token}" for folder in ground.folders]
    try:
        for probe in probes:
            probe.write_text(token, encoding="utf-8")
        expected = _portray(ground.plugins)
        found = client.run(_look, [str(probe) for probe in probes], token, ground.plugins, on_error="return")
    finally:
        for probe in probes:
            probe.unlink(missing_ok=True)
    for address, seen in found.items():
        _check_worker(address, seen, expected, ground)


def _check_worker(address: str, seen: Any, expected: dict[str, str], ground: Ground) -> None:
    if isinstance(seen, BaseException):
        _refuse(address, f"cannot look around ({seen})", "install there what is installed here")
    unseen, host, versions = seen
    for probe in unseen:
        _refuse(address, f"does not see {Path(probe).parent}", "let --out and --cache be on a disk that all share")
    for name, version in expected.items():
        if versions.get(name) != version:
            _refuse(address, f"has {name} {versions.get(name)}, not {version}", "install there what is installed here")
    if ground.alone and host != socket.gethostname():
        _refuse(address, "is another machine, and SQLite is for one", "name a PostgreSQL database with --tune-storage")


def _refuse(address: str, what: str, remedy: str) -> None:
    raise SpecError(f"worker {address} {what}", where=_OPTION, remedy=remedy)


def _look(probes: Sequence[str], token: str, plugins: tuple[str, ...]) -> tuple[list[str], str, dict[str, str]]:
    """On a worker: the files that it does not see as we do, the machine it is on, and its versions."""
    unseen = [probe for probe in probes if not Path(probe).is_file() or Path(probe).read_text("utf-8") != token]
    return unseen, socket.gethostname(), _portray(plugins)


def _portray(plugins: tuple[str, ...]) -> dict[str, str]:
    """All that bits depend on and that may differ between machines: Python, packages, and code."""
    from mmbench.results import environment

    code = Path(mmbench.__file__).parent
    sources = {str(path.relative_to(code)): file_digest(path) for path in sorted(code.rglob("*.py"))}
    files = {file: file_digest(Path(file))[:12] if Path(file).is_file() else "none" for file in plugins}
    return {
        "python": sys.version.split()[0],
        **environment()["packages"],
        "the code of mmbench": digest(sources)[:12],
        **files,
    }
