"""Reads the bundled archive of views after checking its SHA-256."""

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench import DataError, check_content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ARCHIVE = "mfeat.npz"
SHA256 = "b42eb29cd0498841d262478b3343cd42c255915b577c6fc648731f886ff0cee0"
VIEWS = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}


def load_views(path: Path, request: str) -> "dict[str, NDArray[np.float32]]":
    """The table (2000, width) of each view; raises DataError as `load_bytes`."""
    import numpy as np

    with np.load(io.BytesIO(load_bytes(path, request)), allow_pickle=False) as archive:
        return {view: archive[view].astype(np.float32) for view in VIEWS}


def load_bytes(path: Path, request: str) -> bytes:
    """The bytes of the archive; raises DataError unless its SHA-256 is the expected one.

    ``request`` says how to get the archive.
    """
    if not path.exists() and not path.is_symlink():
        raise DataError("is missing", where=path, remedy=request)
    check_content(path, "is a ZIP archive")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        remedy = "reinstall mmbench-datasets"
        raise DataError(
            "is damaged or another version: its SHA-256 differs from the expected one", where=path, remedy=remedy
        )
    return content
