"""Counted nouns for messages and tables."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 fold``, ``2 folds``; ``plural`` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
