"""Runs jobs on the workers of a Dask cluster that share the folders of records and cache."""

import secrets
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import mmbench
from mmbench.errors import SpecError, WorkerError
from mmbench.execution.progress_relay import Channel, SilentChannel
from mmbench.storage import Task, digest, file_digest, run_with_retries

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

_OPTION = "--cluster"
_PATIENCE = 10  # seconds for a scheduler to answer


class ClusterNeeds(NamedTuple):
    """What every worker must see: ``folders`` and plugin files; ``alone``: workers must run on this machine."""

    folders: tuple[Path, ...]
    plugins: tuple[str, ...]
    alone: bool = False


class _RemoteChannel(NamedTuple):
    """A progress channel on a worker; notes go through the scheduler."""

    topic: str

    def put(self, item: tuple[str, int, str | None]) -> None:
        """Send one note."""
        from distributed import get_worker

        get_worker().log_event(self.topic, list(item))


def _open_channel(client: "Client", channel: Channel) -> _RemoteChannel:
    wire = _RemoteChannel(f"mmbench-{secrets.token_hex(8)}")
    client.subscribe_topic(wire.topic, lambda event: channel.put(tuple(event[1])))
    return wire


def run_on_cluster(
    address: str, function: Callable[..., T], tasks: Sequence[Task], threads: int, needs: ClusterNeeds, channel: Channel
) -> Iterator[tuple[int, T | WorkerError]]:
    """Results of ``function`` on the cluster whose scheduler is at ``address``, with the index of the task of each.

    Each task gets a progress channel as its last argument; notes put into it reach ``channel`` in another thread. Dask
    repeats the tasks of a lost worker on others, as often as ``allowed-failures`` of its scheduler says; then the
    result is a WorkerError. Raises SpecError if no scheduler answers or a worker does not meet ``needs``.
    """
    with _connected(address) as client:
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        _check_workers(client, needs)
        wire = channel if isinstance(channel, SilentChannel) else _open_channel(client, channel)
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
                        remedy="give workers more memory and run the same command again: finished work is kept",
                    ),
                )


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
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


def _check_workers(client: "Client", needs: ClusterNeeds) -> None:
    """Raise SpecError for the first worker with other folders, other versions or several threads."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not workers:
        raise SpecError("the cluster has no worker", where=_OPTION, remedy="start some: dask worker --nthreads 1")
    for address, about in workers.items():
        if about["nthreads"] != 1:
            _raise_unfit(address, f"runs {about['nthreads']} jobs in one process", "start it with --nthreads 1")
    token = secrets.token_hex(8)
    probes = [folder / f".mmbench-probe-{token}" for folder in needs.folders]
    try:
        for probe in probes:
            probe.write_text(token, encoding="utf-8")
        expected = _describe_environment(needs.plugins)
        found = client.run(_inspect_worker, [str(probe) for probe in probes], token, needs.plugins, on_error="return")
    finally:
        for probe in probes:
            probe.unlink(missing_ok=True)
    for address, seen in found.items():
        _check_worker(address, seen, expected, needs)


def _check_worker(address: str, seen: Any, expected: dict[str, str], needs: ClusterNeeds) -> None:
    if isinstance(seen, BaseException):
        _raise_unfit(address, f"cannot be inspected ({seen})", "install there what is installed here")
    unseen, host, versions = seen
    for probe in unseen:
        _raise_unfit(
            address, f"does not see {Path(probe).parent}", "put --out and --cache on a disk that all machines share"
        )
    for name, version in expected.items():
        if versions.get(name) != version:
            _raise_unfit(
                address, f"has {name} {versions.get(name)}, not {version}", "install there what is installed here"
            )
    if needs.alone and host != socket.gethostname():
        _raise_unfit(
            address, "is another machine, and SQLite is for one", "name a PostgreSQL database with --tune-storage"
        )


def _raise_unfit(address: str, what: str, remedy: str) -> None:
    raise SpecError(f"worker {address} {what}", where=_OPTION, remedy=remedy)


def _inspect_worker(
    probes: Sequence[str], token: str, plugins: tuple[str, ...]
) -> tuple[list[str], str, dict[str, str]]:
    """On a worker: the probe files it does not see, its host name, and its versions."""
    unseen = [probe for probe in probes if not Path(probe).is_file() or Path(probe).read_text("utf-8") != token]
    return unseen, socket.gethostname(), _describe_environment(plugins)


def _describe_environment(plugins: tuple[str, ...]) -> dict[str, str]:
    """What results depend on and may differ between machines: versions of Python and packages, digests of code."""
    from mmbench.results import describe_environment

    code = Path(mmbench.__file__).parent
    sources = {str(path.relative_to(code)): file_digest(path) for path in sorted(code.rglob("*.py"))}
    files = {file: file_digest(Path(file))[:12] if Path(file).is_file() else "none" for file in plugins}
    return {
        "python": sys.version.split()[0],
        **describe_environment()["packages"],
        "the code of mmbench": digest(sources)[:12],
        **files,
    }
