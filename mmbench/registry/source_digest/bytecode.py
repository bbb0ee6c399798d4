"""Compiled copies that Python runs though their source has changed: it tells sources apart by second and size alone."""

import marshal
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType

_HEADER = 16  # magic number, flags, time in seconds and size of the source, four bytes each


def find_outdated(file: Path, source: bytes) -> Path | None:
    """The compiled copy that Python takes for ``file`` though it is not of ``source``, if there is one."""
    copy = Path(cache_from_source(str(file)))
    try:
        compiled, stat = copy.read_bytes(), file.stat()
        told = [int.from_bytes(compiled[start : start + 4], "little") for start in (4, 8, 12)]
        if told != [0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF]:
            return None
        kept = marshal.loads(compiled[_HEADER:])
    except (OSError, EOFError, ValueError, TypeError):
        return None  # there is none, or none that Python would take
    fits = isinstance(kept, CodeType) and _is_same(kept, compile(source, str(file), "exec", dont_inherit=True))
    return None if fits else copy


def _is_same(one: CodeType, other: CodeType) -> bool:
    # Code with NaN among its constants does not equal itself.
    return one == other or marshal.dumps(one) == marshal.dumps(other)
