"""Execution of the code blocks of the pages, and renewal of the outputs that the pages show.

``python docs/pages.py [PAGE...]`` runs the blocks of pages and writes their outputs into the pages. In a page

- a block ``sh`` holds commands, one per line; a block ``text`` right after it shows the output of the last one;
- a block ``python`` is executed in the folder of the page; a block ``text`` right after it shows its output;
- a MyST comment before a block marks it: ``% file: NAME`` writes the block to that file, ``% add to: NAME`` appends it,
  ``% not run: REASON`` skips it, ``% with: OPTIONS`` adds options to each command (its output is not compared),
  ``% exit code: N`` says how its commands end, where that is not 0;
  before a block ``text``, ``% until: WORDS`` shows the output up to the first line that begins with these words.
"""

import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BLOCK = re.compile(r"(?P<marks>(?:^%[^\n]*\n)*)^```(?P<language>[^\n`]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"^% (file|add to|not run|with|until|exit code): (.+)$", re.MULTILINE)
TOLERANCE = 0.02  # of numbers: other processors round differently and may choose another epoch

# Values that differ between runs: times, memory and names of records.
UNSTABLE = (
    (re.compile(r"\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?s(?=\s|$)"), "TIME"),
    (re.compile(r"\b[\d.]+ (?:ms|s|[kMG]B)(?=\s|$)"), "SIZE"),
    (re.compile(r"(comparison|ablation|tuning|audit)-[0-9a-f]+"), r"\1-KEY"),
)


@dataclass(frozen=True)
class Block:
    """A code block of a page: language, text, marks, and the spans of its text and of the whole block in the page."""

    language: str
    text: str
    marks: dict[str, str]
    span: tuple[int, int]
    whole: tuple[int, int]

    @property
    def commands(self) -> list[str]:
        """Its shell commands, without comments, with continued lines joined."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.split("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


@dataclass
class Step:
    """An executed block of a page, with the block that shows its output, if any."""

    block: Block
    shown: Block | None = None
    printed: str = field(default="", init=False)


def find_pages() -> list[Path]:
    """The paths of the README and of every page that is not generated."""
    pages = sorted(page for page in HERE.rglob("*.md") if not {"_build", "generated"} & set(page.parts))
    return [README, *pages]


def find_blocks(text: str) -> list[Block]:
    """The code blocks of a page, in order."""
    return [
        Block(match["language"], match["text"], dict(MARK.findall(match["marks"])), match.span("text"), match.span())
        for match in BLOCK.finditer(text)
    ]


def find_steps(text: str) -> list[Step]:
    """The executed blocks of a page, each with the block of output that follows it."""
    blocks = find_blocks(text)
    steps: list[Step] = []
    for before, block in zip([None, *blocks], blocks, strict=False):
        follows = before is not None and not text[before.whole[1] : block.whole[0]].strip()
        if block.language == "text" and follows and steps and steps[-1].block is before:
            steps[-1].shown = block
        elif block.language in ("sh", "python") or _target(block):
            steps.append(Step(block))
    return steps


def run_page(text: str, folder: Path) -> list[Step]:
    """Run a page in an empty folder; returns its steps with their outputs. AssertionError if a command fails."""
    steps = find_steps(text)
    with _inside(folder):
        for step in steps:
            if "not run" in step.block.marks:
                continue
            if target := _target(step.block):
                with Path(target).open("a" if "add to" in step.block.marks else "w", encoding="utf-8") as file:
                    file.write(step.block.text)
                _forget(folder)
            elif step.block.language == "python":
                step.printed = _run_python(step.block.text)
            else:
                for command in step.block.commands:
                    line = f"{command} {step.block.marks.get('with', '')}"
                    step.printed = run_command(line, int(step.block.marks.get("exit code", 0)))
    return steps


def _target(block: Block) -> str | None:
    """The file that a block is written or appended to; None for a block that is executed."""
    return block.marks.get("file") or block.marks.get("add to")


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Run in ``folder`` with one process; packages that a page installs can be imported until the page ends."""
    before, path, site = Path.cwd(), list(sys.path), folder / ".site"
    site.mkdir(parents=True)
    sys.path.insert(0, str(site))
    os.chdir(folder)
    # Worker processes would outlive the folder of the page.
    cores = os.environ.get("LOKY_MAX_CPU_COUNT")
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        del os.environ["LOKY_MAX_CPU_COUNT"]
        os.environ.update({"LOKY_MAX_CPU_COUNT": cores} if cores else {})
        _forget(folder)


def _forget(folder: Path) -> None:
    """Let plugins be discovered again: files under ``folder`` were added, changed or are about to be deleted."""
    from mmbench.registry.plugins import load_registry

    mine = [name for name, module in sys.modules.items() if str(folder) in str(getattr(module, "__file__", ""))]
    for name in mine:
        del sys.modules[name]
    importlib.invalidate_caches()
    load_registry.cache_clear()


def run_command(line: str, code: int = 0) -> str:
    """The standard output of a command; AssertionError if it does not end with ``code``, or is not known here."""
    program, *arguments = [name for word in shlex.split(line) for name in _expand(word)]
    if program == "mmbench":
        return _run_mmbench(arguments, code)
    if program == "pytest":
        return _run_process([sys.executable, "-m", "pytest", *arguments])
    if [program, *arguments[:2]] == ["pip", "install", "-e"]:
        project = arguments[2].split("[")[0]
        options = ("-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", ".site")
        printed = _run_process([sys.executable, "-m", "pip", "install", *options, f"./{project}"])
        _forget(Path.cwd())
        return printed
    raise AssertionError(f"a page runs {program}, which docs/pages.py does not know: {line}")


def _expand(word: str) -> list[str]:
    """The files that match a word with wildcards, sorted as in a shell; the word itself if there are none."""
    return (sorted(str(path) for path in Path().glob(word)) if "*" in word else []) or [word]


def _run_mmbench(arguments: Sequence[str], expected: int) -> str:
    """The output of an mmbench command, run in this process so that torch is imported once."""
    from mmbench.cli import main

    out, errors, before, code = io.StringIO(), io.StringIO(), sys.argv, 0
    sys.argv = ["mmbench", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(errors):
            main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = before
    assert code == expected, f"mmbench {shlex.join(arguments)} ended with {code}: {out.getvalue()}{errors.getvalue()}"
    return out.getvalue()


def _run_process(command: Sequence[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run_python(text: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        exec(compile(text, "page", "exec"), {"__name__": "page"})
    return out.getvalue()


def words_of(text: str) -> list[str]:
    """The words of an output, with placeholders for values that differ between runs."""
    for pattern, name in UNSTABLE:
        text = pattern.sub(name, text)
    return text.split()


def same_output(shown: str, printed: str) -> bool:
    """Whether an output equals the one shown, except for times and sizes; a line of dots matches any lines."""
    parts = re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)
    words, place = words_of(printed), 0
    for number, part in enumerate(words_of(part) for part in parts):
        starts = [place] if number == 0 else range(place, len(words) - len(part) + 1)
        found = next((start for start in starts if _same_words(part, words[start : start + len(part)])), None)
        if found is None:
            return False
        place = found + len(part)
    return place == len(words) or (len(parts) > 1 and parts[-1] == "")


def _same_words(a: Sequence[str], b: Sequence[str]) -> bool:
    return len(a) == len(b) and all(_same_word(one, other) for one, other in zip(a, b, strict=True))


def _same_word(a: str, b: str) -> bool:
    number = r"[+-]?\d*\.\d+"
    if re.sub(number, "#", a) != re.sub(number, "#", b):
        return False
    both = zip(re.findall(number, a), re.findall(number, b), strict=True)
    return all(abs(float(x) - float(y)) <= TOLERANCE for x, y in both)


def is_compared(step: Step) -> bool:
    """Whether the output of a step is compared with what its page shows."""
    return step.shown is not None and not {"not run", "with"} & set(step.block.marks)


def rewrite(text: str, steps: Sequence[Step]) -> str:
    """The text of a page with the current outputs in place of outdated ones."""
    for step in reversed(steps):
        if step.shown is not None and is_compared(step) and not same_output(step.shown.text, step.printed):
            start, end = step.shown.span
            text = text[:start] + _excerpt(step.printed, step.shown.marks.get("until")) + text[end:]
    return text


def _excerpt(printed: str, until: str | None) -> str:
    """An output without blanks at the ends of lines, and a line of dots in place of what follows ``until``."""
    text = re.sub(r" +$", "", printed, flags=re.MULTILINE).rstrip() + "\n"
    before, found, _ = text.partition(f"\n{until}") if until else (text, "", "")
    return f"{before.rstrip()}\n...\n" if found else text


def _main(pages: Sequence[Path]) -> None:
    for page in pages:
        with tempfile.TemporaryDirectory(prefix="mmbench-page-") as folder:
            text = page.read_text(encoding="utf-8")
            page.write_text(rewrite(text, run_page(text, Path(folder) / "page")), encoding="utf-8")


if __name__ == "__main__":
    _main([Path(name).resolve() for name in sys.argv[1:]] or find_pages())
