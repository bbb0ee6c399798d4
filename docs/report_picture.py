"""Picture of a report for the landing page: ``python docs/report_picture.py`` writes ``docs/_static/report.png``.

It runs the command of the landing page, writes the report of that run and opens it in Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import HERE, find_blocks
from PIL import Image
from playwright.sync_api import sync_playwright

TARGET = HERE / "_static" / "report.png"
SIZE = {"width": 1000, "height": 1160}
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
COLOURS = 256  # enough for lines and text, at half the size


def make_picture(folder: Path) -> None:
    """Run the first command of the landing page in ``folder`` and save its report as a picture."""
    mmbench = (sys.executable, "-m", "mmbench")
    blocks = find_blocks((HERE / "index.md").read_text(encoding="utf-8"))
    command = next(
        line for block in blocks if block.language == "sh" for line in block.commands if "mmbench run" in line
    )
    subprocess.run(f"{sys.executable} -m {command} --out runs", shell=True, cwd=folder, check=True)
    (run,) = (folder / "runs").glob("*/comparison-*.json")
    subprocess.run((*mmbench, "report", run, "--out", "report"), cwd=folder, check=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto((folder / "report" / "index.html").as_uri())
        page.screenshot(path=TARGET)
        browser.close()
    Image.open(TARGET).convert("RGB").quantize(COLOURS).save(TARGET, optimize=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="mmbench-picture-") as folder:
        make_picture(Path(folder))
