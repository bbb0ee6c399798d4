"""The files that pages write pass a type checker, as a typed library promises to those who write plugins for it."""

import subprocess
import sys
from pathlib import Path

import pages
from pages import find_blocks, find_pages

REPOSITORY = Path(__file__).parents[2]
# Bodies are checked, though short examples have no annotations; scikit-learn and soundfile have no types.
OPTIONS = ("--check-untyped-defs", "--disable-error-code", "import-untyped", "--explicit-package-bases")


def test_python_files_of_pages_have_the_types_of_the_contract(tmp_path: Path) -> None:
    files = _write_files(tmp_path)
    assert len(files) >= 5
    cache = REPOSITORY / ".mypy_cache" / "pages"
    command = [sys.executable, "-m", "mypy", *OPTIONS, "--config-file", "", "--cache-dir", str(cache), *map(str, files)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _write_files(folder: Path) -> list[Path]:
    """The Python files of all pages, a folder for each page, with what later blocks add to them."""
    written: dict[Path, str] = {}
    for page in find_pages():
        home = folder / page.relative_to(pages.HERE.parent).with_suffix("").as_posix().replace("-", "_")
        for block in find_blocks(page.read_text(encoding="utf-8")):
            if name := block.marks.get("file"):
                written[home / name] = block.text
            elif name := block.marks.get("add to"):
                written[home / name] = written.get(home / name, "") + block.text
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [path for path in written if path.suffix == ".py"]
