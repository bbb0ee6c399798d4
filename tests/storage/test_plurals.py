import pytest

from mmbench.storage import counted, counted_plural


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [(1, "board", "1 board"), (0, "class", "0 classes"), (2, "study", "2 studies"), (3, "day", "3 days")],
)
def test_counted_nouns(number: int, noun: str, words: str) -> None:
    assert counted(number, noun) == words


@pytest.mark.parametrize(
    ("number", "words", "printed"),
    [
        (1280, "trials", "1,280 trials"),
        (0, "people", "0 people"),
        (1, "people", "1 person"),
        (1, "face videos", "1 face video"),
        (1, "windows at most", "1 window at most"),
        (1, "windows of low arousal", "1 window of low arousal"),
        (1, "windows of words", "1 window of words"),
        (1, "happiness", "1 happiness"),
        (1, "feet", "1 feet"),
    ],
)
def test_words_in_the_plural_are_singular_for_one(number: int, words: str, printed: str) -> None:
    assert counted_plural(number, words) == printed
