"""Mutations of files: changed and moved bytes, extreme numbers, invalid values in JSON and TOML."""

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Mutation = Callable[[Random, Sequence[bytes]], bytes]
"""A mutation of valid files with a random generator; most change the first file."""

_WHOLE = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 10**12, 2**63 - 1, 2**64 - 1)
_NUMBERS = (
    "0",
    "-1",
    "1",
    "7",
    "99999999",
    "1000000000000",
    "4294967295",
    "1e308",
    "1e999",
    "-1e9",
    "nan",
    "inf",
    "1_0",
)
_ODD_TEXTS = (
    "",
    " ",
    "x",
    "nan",
    "none",
    "../../x",
    "/",
    "a\nb",
    "\x1b[2J\x07",
    "\ud800",
    "\u202e",
    "é" * 300,
    "[",
    "x[y=1]",
)
_DEEP = (200, 5000, 100_000)

# What would run if a reader of pickles ran it: all that they do leaves a trace that the judge sees.
CALLS = (
    b"cposix\nsystem\n(S'true'\ntR.",
    b"cos\nsystem\n(S'true'\ntR.",
    b"cbuiltins\nexec\n(S'import antigravity'\ntR.",
    b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    b"csubprocess\nPopen\n(S'true'\ntR.",
    b"cantigravity\nfly\n.",
)

# What is small and costs much: the hash of tuples that hold each other, and a text or nothing many times over.
BOMBS = (
    b"\x80\x02}K\x01" + b"2\x86" * 40 + b"K\x01s.",
    b"\x80\x02}K\x01q\x00" + b"h\x00h\x00\x86q\x00" * 40 + b"K\x01s.",
    b"\x80\x02}q\x01K\x01q\x00" + b"h\x00h\x00\x86q\x00" * 40 + b"h\x01(h\x00K\x01u.",
    b"\x80\x02K\x01q\x00" + b"h\x00h\x00\x86q\x00" * 40 + b"cnumpy\ndtype\nh\x00\x85R.",
    b"\x80\x02}K\x01" + b"\x85" * 100_000 + b"K\x01s.",
)


def change_bytes(random: Random, seeds: Sequence[bytes]) -> bytes:
    """A few changes, each of a few bytes, anywhere, but more often near the start, where headers are."""
    content = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        random.choice(_CHANGES)(random, content, seeds)
    return bytes(content)


def _place(random: Random, content: bytearray) -> int:
    return random.randrange(min(len(content), random.choice((64, 512, 4096, len(content) + 1))) + 1)


def _flip(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    if content:
        content[min(_place(random, content), len(content) - 1)] ^= 1 << random.randrange(8)


def _set(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    if content:
        content[min(_place(random, content), len(content) - 1)] = random.choice((0, 1, 9, 10, 32, 34, 127, 128, 255))


def _insert(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(random, content)
    content[at:at] = random.randbytes(random.choice((1, 2, 4, 16))) * random.choice((1, 1, 1, 64))


def _delete(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(random, content)
    del content[at : at + random.choice((1, 1, 2, 4, 16, 256))]


def _cut(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    del content[_place(random, content) :]


def _double(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    at, size, to = _place(random, content), random.choice((1, 4, 16, 64, 1024)), _place(random, content)
    content[to:to] = content[at : at + size]


def _splice(random: Random, content: bytearray, seeds: Sequence[bytes]) -> None:
    other = random.choice(seeds)
    at = _place(random, content)
    content[at:] = other[min(at, len(other)) :] if random.random() < 0.5 else other[_place(random, bytearray(other)) :]


def _whole_number(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    form = random.choice(("<B", "<H", ">H", "<I", ">I", "<Q", ">Q"))
    at, size = _place(random, content), struct.calcsize(form)
    content[at : at + size] = struct.pack(form, random.choice(_WHOLE) % 2 ** (8 * size))


def _written_number(random: Random, content: bytearray, _: Sequence[bytes]) -> None:
    """An extreme number for one that is spelt out, in the same room where it fits, as fields of a header have it."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", bytes(content[:20_000])))
    if found:
        match = random.choice(found)
        text = random.choice(_NUMBERS).encode()
        stop = match.end()
        while stop < len(content) and content[stop] == 0x20 and stop - match.start() < len(text):
            stop += 1
        content[match.start() : stop] = text.ljust(stop - match.start())


_CHANGES = (_flip, _set, _insert, _delete, _cut, _double, _splice, _whole_number, _written_number, _written_number)


def change_pickle(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Bytes changed, or a call of code put in; now and then a small pickle that costs much."""
    content = change_bytes(random, seeds)
    if random.random() < 0.1:
        at = random.choice((0, 2, random.randrange(len(content) + 1)))
        content = content[:at] + random.choice(CALLS) + content[at:]
    return content if random.random() < 0.98 else random.choice(BOMBS)


def change_zip(random: Random, seeds: Sequence[bytes]) -> bytes:
    """The archive changed, or a file in it, with checksums that fit again."""
    if random.random() < 0.3:
        return change_bytes(random, seeds)
    seed = random.choice([seed for seed in seeds if seed.startswith(b"PK")])
    with zipfile.ZipFile(io.BytesIO(seed)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice([name for name in parts if name.endswith("data.pkl") or random.random() < 0.2] or list(parts))
    parts[name] = change_pickle(random, [parts[name]])
    bomb = name if random.random() > 0.995 else None
    packing = zipfile.ZIP_DEFLATED if bomb or random.random() < 0.2 else zipfile.ZIP_STORED
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", packing) as archive:
        for each, content in parts.items():
            with archive.open(each, "w") as file:
                file.write(content)
                for _ in range(512 if each == bomb else 0):
                    file.write(bytes(2**20))
    return made.getvalue()


def change_json(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Values and keys exchanged for odd ones; now and then bytes changed, or lists within lists without end."""
    kind = random.random()
    if kind < 0.15:
        return change_bytes(random, seeds)
    if kind < 0.17:
        depth = random.choice(_DEEP)
        return random.choice((b"[", b'{"a":')) * depth + (b"]" * depth if random.random() < 0.5 else b"")
    plain = json.loads(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        plain = _exchange(random, plain)
    return json.dumps(plain, ensure_ascii=random.random() < 0.9).encode("utf-8", "surrogatepass")


def _exchange(random: Random, plain: Any) -> Any:
    """A document with one value, chosen by walking down from its root, exchanged, removed or doubled."""
    if not isinstance(plain, dict | list) or not plain or random.random() < 0.12:
        return _odd(random, plain)
    key = random.choice(list(plain)) if isinstance(plain, dict) else random.randrange(len(plain))
    kind = random.random()
    if kind < 0.05:
        del plain[key]
    elif kind < 0.08 and isinstance(plain, dict):
        plain[random.choice((*_ODD_TEXTS, "format"))] = plain.pop(key)
    elif kind < 0.1 and isinstance(plain, list):
        plain.insert(key, plain[key])
    else:
        plain[key] = _exchange(random, plain[key])
    return plain


def _odd(random: Random, value: Any) -> Any:
    texts, numbers = random.choice(_ODD_TEXTS), random.choice((0, -1, 1, 1.5, 2**31, 10**12, 10**30, 1e308))
    odd = random.choice(
        (None, True, texts, texts, numbers, numbers, float("nan"), float("inf"), [], {}, [value], {"a": value})
    )
    if isinstance(value, str) and random.random() < 0.3:
        odd = value + random.choice(("x", "\n", "\x1b[31m", ",", "]", "\x00"))
    return odd


_TOML = (
    "0", "-1", "3", "1.5", "1e400", "nan", "-inf", "1000000000000", "99999999999999999999999999", "true", "[]", "{}",
    "[[]]", "[1, 'a']", "1979-05-27T07:32:00Z", "''", "'x'", "'none'", "'x[y=1]'", "'['", "'''a\nb'''", '"a\\nb"',
    '"\\u001b[2J"', "'../../x'", "{a = 1}", "['a', 'a']", '"' + "é" * 300 + '"',
)  # fmt: skip
_TOML_LINES = (
    "bogus = 1",
    '"new\\nline" = 1',
    '"\\u001b[2J" = 1',
    "[odd]",
    "[[odd]]",
    "a.b.c = 1",
    "= 1",
    "name = 'n'",
)


def change_toml(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Lines exchanged, lost and doubled, values made odd; now and then bytes changed, or lists within lists."""
    kind = random.random()
    if kind < 0.15:
        return change_bytes(random, seeds)
    lines = random.choice(seeds).decode().splitlines()
    if kind < 0.17:
        depth = random.choice(_DEEP)
        lines.insert(
            0, random.choice(("a = " + "[" * depth + "]" * depth, "a = " + "{a=" * depth, ".".join("a" * depth)))
        )
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(lines))
        name, equals, _value = lines[at].partition("=")
        if equals and random.random() < 0.8:
            lines[at] = f"{name}= {random.choice(_TOML)}"
        else:
            lines[at : at + random.choice((0, 1))] = random.choice(([], [lines[at]] * 2, [random.choice(_TOML_LINES)]))
        lines = lines or [""]
    return "\n".join(lines).encode()


def change_table(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Cells of a CSV file exchanged; now and then bytes changed."""
    if random.random() < 0.3:
        return change_bytes(random, seeds)
    rows = [line.split(",") for line in random.choice(seeds).decode().splitlines()]
    for _ in range(random.choice((1, 1, 2, 4))):
        row = random.choice((rows[0], random.choice(rows)))
        row[random.randrange(len(row))] = random.choice((*_NUMBERS, *_ODD_TEXTS[:-1], '"', '"a\nb"', "5" * 5000, "٣"))
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")


def change_safetensors(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Change the JSON of the header and update its length, or change bytes."""
    if random.random() < 0.3:
        return change_bytes(random, seeds)
    content = random.choice(seeds)
    length = int.from_bytes(content[:8], "little")
    header = change_json(random, [content[8 : 8 + length]])
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def change_text(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Characters of a line exchanged for those that a grammar knows, or for odd ones."""
    text = list(random.choice(seeds).decode())
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(text) + 1)
        piece = random.choice(("[", "]", "=", ",", " ", ".", "-1", "nan", "none", "1e999", "9" * 5000, *_ODD_TEXTS))
        text[at : at + random.choice((0, 0, 1, 4))] = list(piece)
    return "".join(text).encode("utf-8", "surrogatepass")
