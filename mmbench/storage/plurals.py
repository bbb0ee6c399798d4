"""Counted nouns for messages and tables."""


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
