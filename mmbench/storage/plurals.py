"""Counted nouns for messages and tables."""

from collections.abc import Mapping

_SINGULARS: Mapping[str, str] = {
    "people": "person",
    **{
        f"{noun}s": noun
        for noun in (
            "clip", "file", "film", "image", "recording", "run", "sample", "session", "speaker", "subject", "trial",
            "utterance", "video", "window",
        )
    },
}  # fmt: skip


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 board``, ``2 boards``, ``1 class``, ``2 classes``, ``1 study``, ``2 studies``."""
    return f"{number} {noun if number == 1 else plural_of(noun)}"


def plural_of(noun: str) -> str:
    """The plural of an English noun that forms it regularly."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def counted_plural(number: int, words: str) -> str:
    """A number with plural words, in the singular for 1: ``1 person``, ``1 face video``, ``1 window of stress``.

    Nouns are those that datasets count. Other words, such as the names of classes, are left as they are.
    """
    if number != 1:
        return f"{number:,} {words}"
    head, of, rest = words.partition(" of ")
    return f"1 {' '.join(_SINGULARS.get(word, word) for word in head.split(' '))}{of}{rest}"
