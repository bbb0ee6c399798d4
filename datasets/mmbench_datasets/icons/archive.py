"""Reads the bundled archive of icons after checking its SHA-256."""

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mmbench import DataError, check_content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ARCHIVE = "icons.npz"
SHA256 = "efb6b6b38ba06aa5b1b7efd6988303d87ade4a3431d4983d54dac086545932a7"


class Catalogue(NamedTuple):
    """The icons by name: ``images`` in grey levels ``(weights, icons, 32, 32)``, ``labels`` 0 or 1 by category."""

    images: "NDArray[np.uint8]"
    names: list[str]
    texts: list[str]
    labels: list[list[int]]
    weights: list[str]


def load_icons(path: Path, request: str) -> Catalogue:
    """All icons; raises DataError as `load_bytes`."""
    import numpy as np

    with np.load(io.BytesIO(load_bytes(path, request)), allow_pickle=False) as archive:
        names = ("names", "texts", "labels", "weights")
        return Catalogue(archive["images"], *(archive[name].tolist() for name in names))


def load_bytes(path: Path, request: str) -> bytes:
    """The bytes of the archive; raises DataError unless its SHA-256 is the expected one.

    ``request`` says how to get the archive.
    """
    if not path.exists() and not path.is_symlink():
        raise DataError("is missing", where=path, remedy=request)
    check_content(path, "is a ZIP archive")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        message = "is damaged or another version: its SHA-256 differs from the expected one"
        raise DataError(message, where=path, remedy="reinstall mmbench-datasets")
    return content
