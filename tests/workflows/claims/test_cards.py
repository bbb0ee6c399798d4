"""Claim cards are read, and errors are one line."""

from pathlib import Path

import pytest

from mmbench import Method, SpecError
from mmbench.workflows.claims.cards import ClaimRow, ReportedScore, find_cards, load_card

CARD = """
title = "it is easy"
dataset = "toy[windows=3]"
task = "side"
metric = "accuracy"

[twin]
dataset = "toy-sim"
preset = "small"
training = { epochs = 3 }

[[reported]]
name = "paper"
value = 0.97
protocol = "segment"
how = "windows shuffled"
source = "nobody 2020"
url = "https://example.org"

[[reported]]
name = "logs"
low = 0.3
high = 0.4
how = "people held out"
source = "their logs"

[[rows]]
name = "theirs"
method = "mine[variant=old]"
protocol = "segment"
score = "oracle"
dataset = { fault = "nan" }

[[rows]]
name = "ours"
method = "mine"
against = ["prior", "only[modality=facts]"]
protocol = "subject"
reported = "logs"
"""


def write(folder: Path, text: str, name: str = "card.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_card_is_read(tmp_path: Path) -> None:
    card = load_card(write(tmp_path, CARD))
    assert (card.name, card.dataset, card.task, card.metric) == ("card", "toy[windows=3]", "side", "accuracy")
    assert card.twin is not None
    assert (card.twin.dataset, card.twin.preset, card.twin.training) == ("toy-sim", "small", {"epochs": 3})
    assert [reported.bounds for reported in card.reported] == [(0.97, 0.97), (0.3, 0.4)]
    theirs, ours = card.rows
    assert theirs == ClaimRow("theirs", "mine[variant=old]", "segment", score="oracle", dataset={"fault": "nan"})
    assert ours.against == ("prior", "only[modality=facts]")
    assert (card.reported_for(theirs).name, card.reported_for(ours).name) == ("paper", "logs")


@pytest.mark.parametrize(("score", "gap"), [(0.25, -0.05), (0.3, 0.0), (0.35, 0.0), (0.4, 0.0), (0.45, 0.05)])
def test_nothing_within_a_range_is_off(score: float, gap: float) -> None:
    assert ReportedScore("logs", "how", "where", low=0.3, high=0.4).gap(score) == pytest.approx(gap)
    assert ReportedScore("paper", "how", "where", value=score - gap).gap(score) == pytest.approx(gap)


def test_the_cards_of_a_method_go_by_name(tmp_path: Path) -> None:
    for name in ("deep-b.toml", "deep.toml", "a.toml", "notes.md"):
        write(tmp_path, CARD, name)
    assert list(find_cards(Method("mine", "concat", claims=tmp_path))) == ["a", "deep", "deep-b"]
    assert find_cards(Method("mine", "concat")) == {}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "it is easy"', "title = ", ["cannot be read"]),
        ('title = "it is easy"', "", ["title: is missing", "add title"]),
        ('task = "side"', 'task = "side"\ntitel = "x"', ["titel: is not a key", "did you mean 'title'?"]),
        ('task = "side"', 'tusk = "side"', ["tusk: is not a key", "did you mean 'task'?"]),
        (
            'task = "side"',
            'task = "side"\nname = "x"',
            ["name: is not a key", "the name of a card is that of its file"],
        ),
        ('metric = "accuracy"', 'metric = "acuracy"', ["metric: no metric 'acuracy'", "did you mean 'accuracy'?"]),
        ('"toy[windows=3]"', '"toy["', ["dataset: 'toy['"]),
        ('preset = "small"', 'presets = "small"', ["[twin] presets: is not a key", "did you mean 'preset'?"]),
        ('dataset = "toy-sim"', "", ["[twin] dataset: is missing"]),
        ("value = 0.97", 'value = "much"', ["[[reported]] 'paper' value: invalid value 'much'"]),
        ("value = 0.97", "value = 96.7", ["[[reported]] 'paper'", "not between 0 and 1", "0.9672"]),
        ("value = 0.97", "", ["[[reported]] 'paper'", "give value, or low and high"]),
        ("value = 0.97", "value = 0.97\nlow = 0.9", ["[[reported]] 'paper'", "give value, or low and high"]),
        ("high = 0.4", "high = 0.2", ["[[reported]] 'logs'", "low before high"]),
        ("high = 0.4", "", ["[[reported]] 'logs'", "give value, or low and high"]),
        ('how = "windows shuffled"', 'how = " "', ["[[reported]] 'paper' how: is empty"]),
        ('source = "their logs"', "", ["[[reported]] 'logs' source: is missing"]),
        ('name = "logs"', 'name = "paper"', ["[[reported]] 'paper': is not a unique name"]),
        ('protocol = "segment"\nhow', 'protocol = "segmnt"\nhow', ["'paper' protocol", "did you mean 'segment'?"]),
        ('protocol = "subject"', 'protocol = "subjects"', ["'ours' protocol", "did you mean 'subject'?"]),
        ('protocol = "subject"', "", ["[[rows]] 'ours' protocol: is missing"]),
        ('name = "ours"', "", ["[[rows]] 2 name: is missing"]),
        ('name = "ours"', 'name = "ours, too"', ["[[rows]] 'ours, too': is not a unique name", "without commas"]),
        ('score = "oracle"', 'score = "best"', ["[[rows]] 'theirs' score: invalid value 'best'", "'oracle'"]),
        ('score = "oracle"', 'scores = "oracle"', ["[[rows]] 'theirs' scores: is not a key", "did you mean 'score'?"]),
        ('method = "mine"\n', 'method = "mine["\n', ["[[rows]] 'ours' method: 'mine['"]),
        ('"prior"', '"prior["', ["[[rows]] 'ours' against: 'prior['"]),
        ('reported = "logs"', 'reported = "log"', ["'ours' reported: nothing is reported as 'log'", "'logs'?"]),
        ('fault = "nan"', "fault = ", ["cannot be read"]),
    ],
)
def test_errors_are_one_line(old: str, new: str, words: list[str], tmp_path: Path) -> None:
    assert old in CARD
    path = write(tmp_path, CARD.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_card(path)
    assert caught.value.line.startswith(str(path))
    assert "\n" not in caught.value.line
    for word in words:
        assert word in caught.value.line


@pytest.mark.parametrize("table", ["reported", "rows"])
def test_card_without_rows_is_refused(table: str, tmp_path: Path) -> None:
    head = CARD[: CARD.index("[twin]")]
    other = {"reported": "rows", "rows": "reported"}[table]
    body = {
        "rows": '[[rows]]\nname = "a"\nmethod = "prior"\nprotocol = "loso"\n',
        "reported": '[[reported]]\nname = "a"\nvalue = 0.5\nhow = "b"\nsource = "c"\n',
    }[other]
    for text in (head + body, f"{table} = []\n" + head + body):
        with pytest.raises(SpecError, match=rf"\[\[{table}\]\]: is missing"):
            load_card(write(tmp_path, text))


def test_a_missing_card_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_card(tmp_path / "gone.toml")
