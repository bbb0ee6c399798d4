"""Fuzzes every reader of files: none may crash, hang, exhaust the memory or run code.

    python benchmarks/fuzz.py [--inputs 100000] [--only dat,edf] [--seed 0] [--jobs 2] [--guided] [--keep DIR]
    python benchmarks/fuzz.py --only dat --input DIR/dat-1234

Small valid files are corrupted (`fuzzing/mutations.py`) and read (`fuzzing/readers.py`) in processes with limits of
memory and time. A reader may succeed, or raise a UserError that states place, problem and remedy on one line; all else
is a finding (`fuzzing/judging.py`). With ``--guided``, atheris (``pip install atheris``) mutates the files by the same
and its own mutations, and keeps inputs that reach new lines. Each finding is printed with its smallest input, stored in
the folder ``--keep``, and the command that repeats it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.judging import Finding, Judge, limit_memory
from fuzzing.readers import READERS, inputs_of

CHUNK = 2000  # inputs per process
SECONDS = 20  # time limit per input
SETUP_SECONDS = 300  # time limit for creating and reading valid files, s
MEMORY = 2 << 30  # additional memory in bytes after reading a valid file
MAX_DEATHS = 10  # of processes; then a reader is not tested any more
MINIMISING_SECONDS = 3.0  # time limit for minimising an input, s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(READERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--guided", action="store_true")
    parser.add_argument("--keep", type=Path, default=Path("findings"))
    parser.add_argument("--input", type=Path)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.only.split(",")
    if options.guided and find_spec("atheris") is None:
        parser.error("--guided needs atheris: pip install atheris")
    if options.work:
        folder, first, number, notes = options.work
        work = guide if options.guided else read_many
        work(names[0], options.seed, Path(folder), int(first), int(number), Path(notes))
    elif options.input:
        repeat(names[0], options.input)
    else:
        sys.exit(fuzz(options, inputs_of(options.inputs, names)))


# ---- one process


def begin(name: str, folder: Path) -> tuple[Judge, Path, list[bytes]]:
    """The judge, the path of the file, and valid files, all of which were read once."""
    warnings.simplefilter("ignore")
    reader = READERS[name]
    path = folder / reader.file
    seeds = reader.seeds(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    judge = Judge(folder)
    path.write_bytes(seeds[0])
    reader.read(path)
    for seed in seeds:
        path.write_bytes(seed)
        judge.judge(reader.read, path, reader.most)
    limit_memory(MEMORY)
    return judge, path, seeds


def read_many(name: str, seed: int, folder: Path, first: int, number: int, notes: Path) -> None:
    """Read ``number`` inputs; findings and, before each, the number of the input go to ``notes``, as JSON."""
    judge, path, seeds = begin(name, folder)
    reader, known = READERS[name], set()
    with notes.open("a") as file:
        for at in range(first, first + number):
            content = reader.change(Random(f"{seed}/{name}/{at}"), seeds)
            print(json.dumps({"at": at}), file=file, flush=True)
            path.write_bytes(content)
            finding = judge.judge(reader.read, path, reader.most)
            if finding and finding.kind not in known:
                known.add(finding.kind)
                content = minimise(judge, name, path, content, finding)
                print(json.dumps({"found": [finding.kind, finding.detail, content.hex()]}), file=file, flush=True)
        print(json.dumps({"done": True}), file=file, flush=True)


def minimise(judge: Judge, name: str, path: Path, content: bytes, finding: Finding) -> bytes:
    """A smaller input with the same finding, by removing pieces, large ones first, within a time limit."""
    end = time.monotonic() + MINIMISING_SECONDS
    size = len(content) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(content) and time.monotonic() < end:
            fewer = content[:at] + content[at + size :]
            path.write_bytes(fewer)
            again = judge.judge(READERS[name].read, path, READERS[name].most)
            if again and again.kind == finding.kind:
                content = fewer
            else:
                at += size
        size //= 2
    return content


def guide(name: str, seed: int, folder: Path, first: int, number: int, notes: Path) -> None:
    """Read ``number`` inputs that atheris derives from the valid files."""
    import atheris

    with atheris.instrument_imports(include=["mmbench", "mmbench_datasets", "tomllib", "csv", "pickle", "json"]):
        judge, path, seeds = begin(name, folder)
    reader, known, count = READERS[name], set(), 0
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for place, content in enumerate(seeds):
        (corpus / f"seed-{place}").write_bytes(content)
    file = notes.open("a")

    def read(content: bytes) -> None:
        nonlocal count
        count += 1
        path.write_bytes(content)
        (folder / "last").write_bytes(content)
        finding = judge.judge(reader.read, path, reader.most)
        if finding and finding.kind not in known:
            known.add(finding.kind)
            content = minimise(judge, name, path, content, finding)
            print(json.dumps({"found": [finding.kind, finding.detail, content.hex()]}), file=file, flush=True)
        if count % 100 == 0:
            print(json.dumps({"at": first + count}), file=file, flush=True)
        if count == number:
            print(json.dumps({"at": first + count}), json.dumps({"done": True}), sep="\n", file=file, flush=True)

    def mutate(content: bytes, largest: int, chance: int) -> bytes:
        random = Random(chance)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(content, largest))
        try:
            return reader.change(random, [content, *seeds])[:largest]
        except Exception:  # not JSON, or not an archive: only bytes are changed
            return bytes(atheris.Mutate(content, largest))

    largest = max(map(len, seeds)) * 2 + 4096
    arguments = [sys.argv[0], str(corpus), f"-runs={number}", f"-seed={seed + 1}", f"-max_len={largest}"]
    limits = [
        f"-timeout={SECONDS}",
        "-rss_limit_mb=0",
        "-print_final_stats=0",
        "-verbosity=0",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([*arguments, *limits], read, custom_mutator=mutate)
    atheris.Fuzz()


def repeat(name: str, kept: Path) -> None:
    """Read a stored input again and print its finding."""
    with tempfile.TemporaryDirectory() as folder:
        judge, path, _ = begin(name, Path(folder))
        path.write_bytes(kept.read_bytes())
        finding = judge.judge(READERS[name].read, path, READERS[name].most)
        print(f"{finding.kind}\n{finding.detail}" if finding else "no finding")


# ---- all readers


class Worker:
    """A fuzzing process and its notes."""

    def __init__(self, options: argparse.Namespace, name: str, folder: Path, first: int, number: int) -> None:
        self.notes = folder / f"notes-{first}"
        self.notes.unlink(missing_ok=True)
        self.notes.touch()
        what = ["--only", name, "--seed", str(options.seed), *(["--guided"] if options.guided else [])]
        where = ["--work", str(folder), str(first), str(number), str(self.notes)]
        with (folder / "stderr").open("wb") as noise:
            command = [sys.executable, "-X", "faulthandler", __file__, *what, *where]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=noise)

    def read(self) -> tuple[int | None, list[tuple[str, str, bytes]], bool]:
        """The input at work, the findings, and whether all inputs were read."""
        at, found, done = None, [], False
        for line in self.notes.read_text().splitlines():
            try:
                note: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            at, done = note.get("at", at), note.get("done", done)
            if "found" in note:
                kind, detail, content = note["found"]
                found.append((kind, detail, bytes.fromhex(content)))
        return at, found, done

    def wait(self) -> str:
        """Wait for the process, which is killed if it hangs: "" if it read all inputs, else the reason of its end."""
        last, since, size, patience = None, time.monotonic(), 0, SETUP_SECONDS
        while self.process.poll() is None:
            time.sleep(0.2)
            if (now := self.notes.stat().st_size) != size:
                size, since, patience = now, time.monotonic(), 3 * SECONDS
            if time.monotonic() - since > patience:
                self.process.kill()
                self.process.wait()
                last = f"hang: no input was completed in {patience} s"
        code = self.process.returncode
        return last or ("" if code == 0 or self.read()[2] else f"crash: exit status {code}")


def fuzz(options: argparse.Namespace, n_inputs: dict[str, int]) -> int:
    """Fuzz all readers and print the findings; returns 1 if there are any."""
    lock, found = threading.Lock(), {}
    start = time.monotonic()

    def do(name: str) -> int:
        with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as folder:
            count, mine, seconds = fuzz_reader(options, name, n_inputs[name], Path(folder))
        with lock:
            found[name] = mine
            print(f"{name:12} {count:8,} inputs {seconds:6.0f} s  {len(mine):3} findings", flush=True)
        return count

    with ThreadPoolExecutor(options.jobs) as pool:
        total = sum(pool.map(do, n_inputs))
    how = "guided by coverage" if options.guided else "by chance"
    print(f"{total:,} inputs {how}, seed {options.seed}, {time.monotonic() - start:.0f} s")
    for name, mine in found.items():
        for kind, (detail, content) in mine.items():
            report(options, name, kind, detail, content)
    n_found = sum(map(len, found.values()))
    print(f"{n_found} findings")
    return int(n_found > 0)


def fuzz_reader(
    options: argparse.Namespace, name: str, number: int, folder: Path
) -> tuple[int, dict[str, tuple[str, bytes]], float]:
    """Fuzz one reader: number of inputs, findings by kind, seconds."""
    found: dict[str, tuple[str, bytes]] = {}
    first, deaths, start, read = 0, 0, time.monotonic(), 0
    while first < number and deaths < MAX_DEATHS:
        count = number - first if options.guided else min(CHUNK, number - first)
        worker = Worker(options, name, folder, first, count)
        end = worker.wait()
        at, mine, _ = worker.read()
        for kind, detail, content in mine:
            if kind not in found or len(content) < len(found[kind][1]):
                found[kind] = detail, content
        if not end:
            read += count
            first += count
            continue
        deaths += 1
        noise = (folder / "stderr").read_text(errors="replace")[-1500:]
        if at is None:
            found[f"cannot begin: {end}"] = noise, b""
            break
        if options.guided:
            content = (folder / "last").read_bytes() if (folder / "last").exists() else b""
        else:
            content = READERS[name].change(Random(f"{options.seed}/{name}/{at}"), READERS[name].seeds(folder))
        found[end] = noise, content
        read += at - first + 1
        first = at + 1
    return read, found, time.monotonic() - start


def report(options: argparse.Namespace, name: str, kind: str, detail: str, content: bytes) -> None:
    """Print a finding and store its input."""
    options.keep.mkdir(parents=True, exist_ok=True)
    place = next(place for at in range(10_000) if not (place := options.keep / f"{name}-{at}").exists())
    place.write_bytes(content)
    shown = content[:60].hex() + ("..." if len(content) > 60 else "")
    print(f"\n{name}: {kind}\n  {len(content)} bytes: {shown}")
    print("\n".join(f"  {line}" for line in detail.strip().splitlines()[-6:]))
    print(f"  python benchmarks/fuzz.py --only {name} --input {place}")


if __name__ == "__main__":
    main()
