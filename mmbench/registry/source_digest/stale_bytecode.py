"""Stale bytecode: compiled copies that Python runs though the source changed within a second, at the same size."""

import marshal
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType

_HEADER = 16  # magic number, flags, time in seconds and size of the source, four bytes each


def find_outdated(file: Path, source: bytes) -> Path | None:
    """The compiled copy that Python would run for ``file`` though it does not match ``source``; else None."""
    copy = Path(cache_from_source(str(file)))
    try:
        compiled, stat = copy.read_bytes(), file.stat()
        header = [int.from_bytes(compiled[start : start + 4], "little") for start in (4, 8, 12)]
        if header != [0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF]:
            return None
        code = marshal.loads(compiled[_HEADER:])
    except (OSError, EOFError, ValueError, TypeError):
        return None  # there is no copy that Python would run
    matches = isinstance(code, CodeType) and _is_same(code, compile(source, str(file), "exec", dont_inherit=True))
    return None if matches else copy


def _is_same(one: CodeType, other: CodeType) -> bool:
    # Code with NaN among its constants does not equal itself.
    return one == other or marshal.dumps(one) == marshal.dumps(other)
