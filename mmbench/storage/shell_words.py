"""Words of shell commands that are printed and recorded."""

import shlex
from collections.abc import Iterable

_SPECIAL = frozenset('"$`\\!')  # within double quotes


def quote_word(word: str) -> str:
    """The word as the shell reads it, in double quotes where nothing in it has a meaning within these."""
    quoted = shlex.quote(word)
    return quoted if quoted == word or _SPECIAL & set(word) else f'"{word}"'


def join_words(words: Iterable[str]) -> str:
    """The command of these words: the inverse of `shlex.split`."""
    return " ".join(map(quote_word, words))
