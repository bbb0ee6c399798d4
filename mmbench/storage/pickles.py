"""Check of a pickle before it is loaded: nested tuples cost exponential time in few bytes.

A tuple that holds the previous one twice takes two bytes; after 40 of them, hashing or printing the last takes a day.
torch's unpickler runs no code, but does not check this.
"""

import io
import pickle
import pickletools
from collections.abc import Sequence
from typing import IO, NamedTuple

_MAX_VALUES = 10**6  # values in a tuple and all that it holds
_MAX_KEY_VALUES = 1000
_MAX_DEPTH = 100  # tuples within tuples; the hash of deep ones overflows the stack
_PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
_MARK = pickletools.markobject
_SAVING = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_READING = {"GET", "BINGET", "LONG_BINGET"}


class _Size(NamedTuple):
    """How many values an object holds, counted once per reference, and how deeply they are nested."""

    values: int = 1
    depth: int = 0


def check_pickle(file: IO[bytes]) -> None:
    """Read one pickle; ValueError if it is damaged or would build tuples or dict keys larger than weights need.

    The file position is then behind the pickle.
    """
    stack: list[_Size | None] = []  # None: a mark
    memo: dict[int, _Size] = {}
    for opcode, argument, _ in pickletools.genops(file):
        taken = _take(stack, opcode.stack_before)
        if opcode.name in _SAVING:
            memo[len(memo) if argument is None else argument] = _top(stack)
        elif opcode.name in _READING:
            stack.append(memo.get(int(argument or 0), _Size()))
        elif opcode.name == "MARK":
            stack.append(None)
        elif opcode.name == "DUP":
            stack += [*taken, *taken]
        elif opcode.name.endswith("TUPLE") or opcode.name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(_hold(taken))
        else:
            _check_keys(opcode.name, taken)
            stack += [_Size()] * len(opcode.stack_after)


def is_pickle(content: bytes) -> bool:
    """Whether bytes begin as a pickle of protocol 2 or later, whole or not, or are a whole one of an older protocol."""
    if content[:1] == pickle.PROTO and content[1:2] in _PROTOCOLS:
        return True
    file = io.BytesIO(content)
    try:
        check_pickle(file)
    except ValueError:
        return False
    return bool(content) and not file.read().strip()


def _take(stack: list[_Size | None], before: Sequence[pickletools.StackObject]) -> list[_Size]:
    """Remove the operands of an opcode from the stack: a fixed number, or those from the last mark on."""
    taken: list[_Size] = []
    fixed = len(before)
    if _MARK in before:
        while stack and (value := stack.pop()) is not None:
            taken.append(value)
        fixed = list(before).index(_MARK)
    for _ in range(fixed):
        taken.append((stack.pop() if stack else None) or _Size())
    return taken[::-1]


def _top(stack: Sequence[_Size | None]) -> _Size:
    return (stack[-1] if stack else None) or _Size()


def _hold(held: Sequence[_Size]) -> _Size:
    size = _Size(1 + sum(each.values for each in held), 1 + max((each.depth for each in held), default=0))
    if size.values > _MAX_VALUES or size.depth > _MAX_DEPTH:
        raise ValueError("it holds tuples nested too deeply")
    return size


def _check_keys(name: str, taken: Sequence[_Size]) -> None:
    """Raise ValueError if a hashed value is large."""
    hashed = taken if name in ("ADDITEMS", "FROZENSET") else ()
    if name in ("SETITEM", "SETITEMS"):
        hashed = taken[1::2]  # after the dict: key, value, ...
    elif name == "DICT":
        hashed = taken[::2]
    if any(size.values > _MAX_KEY_VALUES for size in hashed):
        raise ValueError("a dict key is a tuple of too many values")
