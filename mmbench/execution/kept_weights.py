"""Choice of the trained weights that stay beside the records."""

from typing import Literal

Keep = Literal["auto", "keep", "drop"]
"""Whether trained weights stay beside the records; ``auto`` keeps up to 256 MB a fold."""

_SMALL = 256 * 2**20  # bytes


def is_kept(keep: Keep, size: int) -> bool:
    """Whether weights of ``size`` bytes stay beside the record; 0 bytes have none."""
    return keep == "keep" or (keep == "auto" and 0 < size <= _SMALL)
