"""Words of commands are quoted as the shell reads them."""

import shlex

import pytest

from mmbench.storage import join_words, quote_word


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("deap", "deap"),
        ("toy[windows=3]", '"toy[windows=3]"'),
        ("video=frames[encoder='timm[model=resnet18]']", "\"video=frames[encoder='timm[model=resnet18]']\""),
        ('x[a="b,c"]', "'x[a=\"b,c\"]'"),
        ("$HOME", "'$HOME'"),
        ("a!b", "'a!b'"),
        ("a\\b", "'a\\b'"),
        ("", '""'),
    ],
)
def test_double_quotes_are_used_where_they_are_safe(word: str, quoted: str) -> None:
    assert quote_word(word) == quoted
    assert shlex.split(quoted) == [word]


def test_a_command_is_split_into_its_words() -> None:
    words = ["mmbench", "run", "concat[dim=8]", "a b", "it's", 'a"b']
    assert shlex.split(join_words(words)) == words
