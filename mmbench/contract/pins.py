"""Pins of published files: URLs, sizes and hashes, read and checked."""

import re
from pathlib import Path, PurePosixPath

from mmbench.contract.types import Download, Pin
from mmbench.errors import PluginError

_AUTHOR = "ask the author of the plugin"


def load_pins(path: Path) -> tuple[Pin, ...]:
    """The pins in a text file, one per line: SHA-256, size in bytes, path; PluginError for other lines."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise PluginError("cannot be read as a list of files", where=path, remedy=_AUTHOR) from error
    found = [re.fullmatch(r"([0-9a-f]{64}) (\d{1,15}) (\S.*)", line) for line in lines]
    if not all(found):
        raise PluginError("a line is not SHA-256, size and path", where=path, remedy=_AUTHOR)
    return tuple(Pin(match[3], match[1], int(match[2])) for match in found if match)


def check_pins(download: Download) -> None:
    """Raise PluginError for an invalid URL, hash or size, or a path that is outside of the folder or a duplicate."""
    if not re.fullmatch(r"https?://\S+/", download.url):
        raise PluginError(f"{download.url!r} is not an http(s) URL that ends in /", where="download()", remedy=_AUTHOR)
    if not download.pins or len({pin.path for pin in download.pins}) < len(download.pins):
        raise PluginError("lists no file, or a file twice", where="download()", remedy=_AUTHOR)
    for pin in download.pins:
        parts = PurePosixPath(pin.path).parts
        if not parts or pin.path.startswith("/") or ".." in parts or "\\" in pin.path or ":" in pin.path:
            raise PluginError(f"{pin.path!r} is not a path within the folder", where="download()", remedy=_AUTHOR)
        if not re.fullmatch("[0-9a-f]{64}", pin.sha256) or pin.size < 1:
            raise PluginError(f"{pin.path} has no SHA-256 or no size", where="download()", remedy=_AUTHOR)
