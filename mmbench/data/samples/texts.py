"""Texts: stored as UTF-8."""

from collections.abc import Sequence
from typing import Any

from mmbench.data.samples.bag import LEAVE_OUT, BagCheck


def check_texts(items: Sequence[Any], check: BagCheck) -> list[bytes | None]:
    """Texts as UTF-8; DataError for what is no text, is not valid Unicode or has nothing but white space."""
    return [None if item is None else _check_text(item, check) for item in items]


def _check_text(item: Any, check: BagCheck) -> bytes:
    if not isinstance(item, str):
        remedy = "decode it with the encoding of its file" if isinstance(item, bytes) else "give a str"
        raise check.error(f"holds a {type(item).__name__}, not a str", remedy)
    if not item.strip():
        raise check.error("has an empty text", LEAVE_OUT)
    try:
        return item.encode()
    except UnicodeEncodeError as error:
        raise check.error(
            f"has a text that is not UTF-8: it holds {item[error.start]!r} at character {error.start}",
            "decode it with the encoding of its file",
        ) from None
