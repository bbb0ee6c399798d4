"""Makes icons.npz from the npm package @phosphor-icons/core; run by hand: ``python build.py FOLDER_OF_THE_PACKAGE``.

Needs node and resvg-py, which nothing else does: ``npm pack @phosphor-icons/core@2.1.1``, unpack it, and ``pip install
resvg-py==0.5.0``. With the same versions the archive holds the same values.
"""

import io
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = "2.1.1"
WEIGHTS = ("thin", "light", "regular", "bold", "fill", "duotone")
SIDE = 32
MARKERS = {"*new*", "*updated*"}  # tags that say when an icon was published


def main(package: Path) -> None:
    """Write the archive beside this file."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    if version != VERSION:
        sys.exit(f"{package} holds version {version}, not {VERSION}")
    icons = sorted(load_catalogue(package / "dist" / "index.mjs"), key=lambda icon: str(icon["name"]))
    categories = sorted({category for icon in icons for category in icon["categories"]})
    labels = np.array([[category in icon["categories"] for category in categories] for icon in icons], np.uint8)
    images = np.stack([[rasterise(package / "assets", icon["name"], weight) for icon in icons] for weight in WEIGHTS])
    np.savez_compressed(
        Path(__file__).with_name("icons.npz"),
        images=images,
        names=np.array([icon["name"] for icon in icons]),
        texts=np.array([describe(icon, categories) for icon in icons]),
        labels=labels,
        categories=np.array(categories),
        weights=np.array(WEIGHTS),
    )


def load_catalogue(module: Path) -> list[dict[str, Any]]:
    """Name, tags and categories of every icon; node evaluates the catalogue, a module in JavaScript."""
    script = f"import({json.dumps(module.resolve().as_uri())}).then(m => console.log(JSON.stringify(m.icons)))"
    result = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, encoding="utf-8")
    icons: list[dict[str, Any]] = json.loads(result.stdout)
    return icons


def describe(icon: Mapping[str, Any], categories: Iterable[str]) -> str:
    """Name and tags without the words that begin like one of a category's name, as *arrowhead*: they are the answer."""
    words = (word for category in categories for word in category.split() if word.isalpha())
    telling = tuple(word.removesuffix("s") for word in words)
    tags = [tag for tag in icon["tags"] if tag not in MARKERS]
    phrases = [icon["name"].replace("-", " "), *tags]
    kept = (" ".join(word for word in phrase.split() if not word.casefold().startswith(telling)) for phrase in phrases)
    return ", ".join(dict.fromkeys(phrase for phrase in kept if phrase))


def rasterise(assets: Path, name: str, weight: str) -> NDArray[np.uint8]:
    """The icon in black on white, grey levels ``(SIDE, SIDE)``."""
    import resvg_py  # type: ignore[import-not-found]  # of the build only

    path = assets / weight / (f"{name}.svg" if weight == "regular" else f"{name}-{weight}.svg")
    png = resvg_py.svg_to_bytes(svg_path=str(path), width=SIDE, height=SIDE, background="white")
    with Image.open(io.BytesIO(bytes(png))) as image:
        return np.asarray(image.convert("L"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
