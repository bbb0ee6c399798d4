"""Fetching, from a real server on this machine that can break off, forget ranges and hand out the wrong bytes."""

import errno
import hashlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter, namedtuple
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mmbench import DataError, PluginError, SpecError, StorageError
from mmbench.cli.app import app
from mmbench.contract.pins import check_pins, load_pins
from mmbench.contract.types import Download, Pin
from mmbench.data import download as downloads
from mmbench.data.download import fetch
from mmbench.storage.progress import use_reporter
from mmbench_datasets.eegmat import Eegmat
from mmbench_datasets.stress_predict import StressPredict

NOISE = np.random.default_rng(0).bytes(700_000)
FILES = {"README.md": b"read me", "raw data/S01.csv": NOISE}


class Server(ThreadingHTTPServer):
    """``ranges``: whether it knows them; ``cut``: bytes after which connections to a path break off, one each;
    ``status``: answers that are no file; ``stalls``: paths that stop halfway until the server is shut down."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(FILES)
        self.ranges = True
        self.cut: dict[str, list[int]] = {}
        self.status: dict[str, list[int]] = {}
        self.stalls: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.stalled, self.freed = threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.lstrip("/").replace("%20", " ")
        requests = self.headers.get("Range", "")
        self.server.requests.append((path, requests))
        if self.server.status.get(path):
            self.send_error(self.server.status[path].pop(0))
            return
        if path not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[path]
        start = int(match[1]) if self.server.ranges and (match := re.fullmatch(r"bytes=(\d+)-", requests)) else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self._send(path, content[start:])

    def _send(self, path: str, body: bytes) -> None:
        if path in self.server.stalls:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.freed.wait()
        elif self.server.cut.get(path):
            self.wfile.write(body[: self.server.cut[path].pop(0)])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.freed.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_PAUSE", 0.0)


def pins() -> tuple[Pin, ...]:
    return tuple(Pin(path, hashlib.sha256(content).hexdigest(), len(content)) for path, content in FILES.items())


def download(url: str = "https://example.org/") -> Download:
    return Download(url, pins())


def found(folder: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != ".download.lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_files_come_from_the_publishers_address(server: Server, tmp_path: Path) -> None:
    assert fetch(download(f"{server.url}/"), tmp_path / "to") == 2
    assert found(tmp_path / "to") == FILES
    assert server.requests == [("README.md", ""), ("raw data/S01.csv", "")]


def test_a_second_call_asks_for_nothing(server: Server, tmp_path: Path) -> None:
    fetch(download(), tmp_path, server.url)
    server.requests.clear()
    assert fetch(download(), tmp_path, server.url) == 0
    assert server.requests == []


def test_only_missing_files_are_downloaded(server: Server, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(FILES["README.md"])
    assert fetch(download(), tmp_path, server.url) == 1
    assert server.requests == [("raw data/S01.csv", "")]


def test_connections_that_break_off_are_taken_up_again(server: Server, tmp_path: Path) -> None:
    server.cut["raw data/S01.csv"] = [100_000, 0, 250_000, 7]
    fetch(download(), tmp_path, server.url)
    assert found(tmp_path) == FILES
    assert [requests for path, requests in server.requests if path.startswith("raw")] == [
        "",
        "bytes=100000-",
        "bytes=100000-",
        "bytes=350000-",
        "bytes=350007-",
    ]


def test_what_arrived_stays_for_the_next_call(server: Server, tmp_path: Path) -> None:
    server.cut["raw data/S01.csv"] = [300_000, 0, 0, 0, 0]
    with pytest.raises(DataError, match=r"S01\.csv: cannot be fetched \(.+\) — check the network and run this again"):
        fetch(download(), tmp_path, server.url)
    assert found(tmp_path) == {"README.md": b"read me", "raw data/.S01.csv.half": NOISE[:300_000]}
    server.cut.clear()
    server.requests.clear()
    assert fetch(download(), tmp_path, server.url) == 1
    assert server.requests == [("raw data/S01.csv", "bytes=300000-")]
    assert found(tmp_path) == FILES


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cut["raw data/S01.csv"] = [300_000]
    fetch(download(), tmp_path, server.url)
    assert found(tmp_path) == FILES


def test_a_half_file_that_was_of_another_file(server: Server, tmp_path: Path) -> None:
    half = tmp_path / "raw data" / ".S01.csv.half"
    half.parent.mkdir()
    for left in (b"x" * 1000, b"x" * len(NOISE), b"x" * (len(NOISE) + 1)):
        half.write_bytes(left)
        fetch(download(), tmp_path, server.url)
        assert found(tmp_path) == FILES
        (tmp_path / "raw data" / "S01.csv").unlink()


def test_complete_partial_file_is_not_requested_again(server: Server, tmp_path: Path) -> None:
    half = tmp_path / "raw data" / ".S01.csv.half"
    half.parent.mkdir()
    half.write_bytes(NOISE)
    fetch(download(), tmp_path, server.url)
    assert [path for path, _ in server.requests] == ["README.md"]
    assert found(tmp_path) == FILES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x" * len(NOISE), "its SHA-256 differs"),
        (NOISE[:-1], "it has 699999 bytes, not 700000"),
        (NOISE + b"x", "it has 700001 bytes, not 700000"),
    ],
)
def test_another_file_than_the_pinned_one_gets_no_name(
    server: Server, tmp_path: Path, content: bytes, message: str
) -> None:
    server.files["raw data/S01.csv"] = content
    with pytest.raises(DataError, match=rf"raw%20data/S01\.csv: is not the published file: {message} — name "):
        fetch(download(), tmp_path / "web", server.url)
    assert found(tmp_path / "web") == {"README.md": b"read me"}
    copy = tmp_path / "copy"
    for path, written in server.files.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(written)
    with pytest.raises(DataError, match=rf"S01\.csv: is not the published file: {message} — name "):
        fetch(download(), tmp_path / "folder", str(copy))
    assert found(tmp_path / "folder") == {"README.md": b"read me"}


def test_a_mirror_that_lacks_a_file(server: Server, tmp_path: Path) -> None:
    del server.files["raw data/S01.csv"]
    with pytest.raises(DataError, match=r"S01\.csv: the server answers 404 Not Found — name a folder or mirror"):
        fetch(download(), tmp_path / "web", server.url)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "README.md").write_bytes(b"read me")
    with pytest.raises(DataError, match=r"S01\.csv: No such file or directory — name a folder or mirror"):
        fetch(download(), tmp_path / "folder", str(tmp_path / "copy"))


def test_request_is_repeated_if_the_server_is_busy(server: Server, tmp_path: Path) -> None:
    server.status["README.md"] = [503, 429]
    assert fetch(download(), tmp_path, server.url) == 2
    assert Counter(path for path, _ in server.requests)["README.md"] == 3


def test_no_server(tmp_path: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://localhost:{unheard.getsockname()[1]}"
        with pytest.raises(DataError, match=r"README\.md: cannot be fetched \(.*refused\) — check the network"):
            fetch(download(), tmp_path, url)


def test_a_folder_is_as_good_as_a_server(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "raw data").mkdir(parents=True)
    for path, content in FILES.items():
        (copy / path).write_bytes(content)
    half = tmp_path / "to" / "raw data" / ".S01.csv.half"
    half.parent.mkdir(parents=True)
    half.write_bytes(NOISE[:1234])
    assert fetch(download(), tmp_path / "to", str(copy)) == 2
    assert found(tmp_path / "to") == FILES


def test_a_file_of_ones_own_is_not_written_over(server: Server, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"my own")
    with pytest.raises(DataError, match=r"README\.md: exists, but differs from the published file — move the file"):
        fetch(download(), tmp_path, server.url)
    assert found(tmp_path) == {"README.md": b"my own"}
    assert server.requests == []


def test_a_disk_without_room_is_known_before(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(10**6, 10**6, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match=r"the disk is full: 0\.7 MB are needed and 0\.0 MB are free"):
        fetch(download(), tmp_path, server.url)
    assert server.requests == []


def test_a_disk_that_fills_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(downloads.os, "fsync", full)
        with pytest.raises(StorageError, match="the disk is full — free some space and run again"):
            fetch(download(), tmp_path, server.url)
    assert fetch(download(), tmp_path, server.url) == 2
    assert found(tmp_path) == FILES


@pytest.mark.parametrize("source", ["nowhere", "ftp://example.org/x", "file:///tmp"])
def test_invalid_source_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(SpecError, match=r"--from: .* is neither a folder nor an http\(s\) address"):
        fetch(download(), tmp_path, source)


@pytest.mark.parametrize(
    "wrong",
    [
        Download("ftp://example.org/", pins()),
        Download("https://example.org", pins()),
        Download("https://example.org/", ()),
        Download("https://example.org/", pins() + pins()),
        *(
            Download("https://example.org/", (Pin(path, "0" * 64, 1),))
            for path in ("", "/etc/passwd", "../x", "a/../../x", "a\\x", "C:x")
        ),
        Download("https://example.org/", (Pin("x", "0" * 63, 1),)),
        Download("https://example.org/", (Pin("x", "0" * 64, 0),)),
    ],
)
def test_pins_that_make_no_sense(tmp_path: Path, wrong: Download) -> None:
    with pytest.raises(PluginError, match=r"download\(\): "):
        fetch(wrong, tmp_path)
    assert found(tmp_path) == {}


def test_a_file_of_pins(tmp_path: Path) -> None:
    path = tmp_path / "pins.txt"
    path.write_text("".join(f"{pin.sha256} {pin.size} {pin.path}\n" for pin in pins()))
    assert load_pins(path) == pins()
    path.write_text("no hash 7 x\n")
    with pytest.raises(PluginError, match=r"pins\.txt: a line is not SHA-256, size and path"):
        load_pins(path)


class Steps:
    """A reporter that counts."""

    def __init__(self) -> None:
        self.totals: dict[str, int | None] = {}
        self.steps = Counter[str]()

    def start(self, label: str, total: int | None) -> int:
        self.totals[label] = total
        return len(self.totals) - 1

    def advance(self, key: int, note: str = "") -> None:
        self.steps[list(self.totals)[key]] += 1

    def finish(self, key: int) -> None:
        pass

    def message(self, text: str) -> None:
        pass


def test_progress_is_in_megabytes(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_MB", 1000)
    server.ranges = False
    server.cut["raw data/S01.csv"] = [300_000]
    steps = Steps()
    with use_reporter(steps):
        fetch(download(), tmp_path, server.url, "toy")
    assert steps.totals["getting toy (MB)"] == steps.steps["getting toy (MB)"] == 700


PLUGIN = """
from mmbench import Card, Dataset, Download, Modality, Pin, Schema, hookimpl

class Far(Dataset):
    name = "far"
    card = Card("Far away", "open", "MIT", "https://example.org", "Nobody, 2020")
    def schema(self):
        return Schema((Modality("x", "vector", (3,)),), {"parity": ("even", "odd")})
    def download(self):
        return Download("https://example.invalid/", (PINS,), part="one of two files")

@hookimpl
def register_datasets(register):
    register(Far)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    path = tmp_path / "far_plugin.py"
    path.write_text(PLUGIN.replace("PINS", ", ".join(map(repr, pins()))))
    return str(path)


def test_command_lists_the_downloaded_files(server: Server, tmp_path: Path, plugin: str) -> None:
    to = tmp_path / "to"
    done = CliRunner().invoke(app, ["data", "get", "far", "--to", str(to), "--from", server.url, "--plugin", plugin])
    assert done.exit_code == 0, done.output
    assert f"Far away: 2 files, 0.7 MB from {server.url}\nonly one of two files\n" in done.stderr
    assert "checksums verified; 2 fetched now" in " ".join(done.stdout.split())
    assert found(to) == FILES
    listed = CliRunner().invoke(app, ["data", "list", "far", "--plugin", plugin]).stdout
    assert "mmbench data get far (2 files, 0.7 MB; only one of two" in listed


def test_what_cannot_be_fetched_says_how_to_come_by_it() -> None:
    done = CliRunner().invoke(app, ["data", "get", "deap"])
    assert isinstance(done.exception, SpecError)
    assert "deap cannot be fetched — sign the end user licence agreement" in done.exception.line


def test_ctrl_c_keeps_the_received_part(server: Server, tmp_path: Path, plugin: str) -> None:
    server.stalls.add("raw data/S01.csv")
    command = [sys.executable, "-m", "mmbench", "data", "get", "far", "--plugin", plugin]
    command += ["--to", str(tmp_path / "to"), "--from", server.url]
    # Where the tests run in the background, the shell has them ignore it.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        assert server.stalled.wait(60)
        half = tmp_path / "to" / "raw data" / ".S01.csv.half"
        while not half.exists() or half.stat().st_size < 65_536:
            threading.Event().wait(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert "stopped: finished jobs are kept, and the same command resumes" in said
    assert "Traceback" not in said
    left = found(tmp_path / "to")
    assert set(left) == {"README.md", "raw data/.S01.csv.half"}
    assert NOISE.startswith(left["raw data/.S01.csv.half"])
    server.stalls.clear()
    fetch(download(), tmp_path / "to", server.url)
    assert server.requests[-1][1] == f"bytes={len(left['raw data/.S01.csv.half'])}-"
    assert found(tmp_path / "to") == FILES


@pytest.mark.parametrize(("dataset", "count"), [(Eegmat, 73), (StressPredict, 163)])
def test_the_pins_of_real_datasets(dataset, count: int) -> None:
    pinned = dataset().download()
    check_pins(pinned)
    assert len(pinned.pins) == count


@pytest.mark.shared
@pytest.mark.parametrize(("dataset", "count"), [(Eegmat, 41), (StressPredict, 103)])
def test_the_real_files_are_as_pinned(shared: Path, dataset, count: int) -> None:
    folder = shared / dataset.name
    there = [pin for pin in dataset().download().pins if (folder / pin.path).is_file()]
    assert len(there) == count
    for pin in there:
        content = (folder / pin.path).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (pin.sha256, pin.size), pin.path
