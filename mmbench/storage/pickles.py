"""What a pickle would build, seen before it is loaded: tuples that hold each other cost without bound, in few bytes.

Each of 40 tuples that holds the one before twice takes two bytes, and the hash or the text of the last one a day.
torch's unpickler runs no code, and does not look at this.
"""

import pickletools
from collections.abc import Sequence
from typing import IO, NamedTuple

_LARGEST = 10**6  # values in a tuple and all that it holds
_LARGEST_KEY = 1000
_DEEPEST = 100  # tuples within tuples; the hash of deep ones overflows the stack
_MARK = pickletools.markobject
_SAVING = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_READING = {"GET", "BINGET", "LONG_BINGET"}


class _Size(NamedTuple):
    """How many values something holds, counted as often as they are referred to, and how deep they are."""

    values: int = 1
    depth: int = 0


def check_pickle(file: IO[bytes]) -> None:
    """Read one pickle; ValueError where it would build tuples, or keys of dicts, that cost more than any weights need.

    The file is left after the pickle. Raises ValueError for one that is damaged, too.
    """
    stack: list[_Size | None] = []  # None: a mark
    memo: dict[int, _Size] = {}
    for opcode, given, _ in pickletools.genops(file):
        taken = _take(stack, opcode.stack_before)
        if opcode.name in _SAVING:
            memo[len(memo) if given is None else given] = _top(stack)
        elif opcode.name in _READING:
            stack.append(memo.get(int(given or 0), _Size()))
        elif opcode.name == "MARK":
            stack.append(None)
        elif opcode.name == "DUP":
            stack += [*taken, *taken]
        elif opcode.name.endswith("TUPLE") or opcode.name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(_hold(taken))
        else:
            _check_keys(opcode.name, taken)
            stack += [_Size()] * len(opcode.stack_after)


def _take(stack: list[_Size | None], before: Sequence[pickletools.StackObject]) -> list[_Size]:
    """Remove from the stack what an opcode works on: so many values, or those from the last mark on."""
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
    if size.values > _LARGEST or size.depth > _DEEPEST:
        raise ValueError("it holds tuples within tuples without end")
    return size


def _check_keys(name: str, taken: Sequence[_Size]) -> None:
    """Raise ValueError where what is hashed is large."""
    hashed = taken if name in ("ADDITEMS", "FROZENSET") else ()
    if name in ("SETITEM", "SETITEMS"):
        hashed = taken[1::2]  # after the dict: key, value, ...
    elif name == "DICT":
        hashed = taken[::2]
    if any(size.values > _LARGEST_KEY for size in hashed):
        raise ValueError("a key of a dict is a tuple of many values")
