"""Claim cards of published splits: without a file, beside one that agrees or differs, and with errors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mmbench
from mmbench import SpecError
from mmbench.builtin.plugin import CONCAT
from mmbench.cli.app import app
from mmbench.conformance.claims import check_claim_card
from mmbench.reporting.terminal import claim_tables, render
from mmbench.workflows.claims.cards import find_cards, load_card
from mmbench.workflows.claims.claim import ClaimResult

CARD = """
title = "a split by clip"
dataset = "unknown-here"
task = "side"
metric = "accuracy"
[split]
from_name = "{actor}_{sentence}_{take}"
groups = ["actor", "sentence"]
sizes = { train = 3, test = 2 }
shared = { actor = 1, "actor and sentence" = 0 }
how = "clips shuffled"
source = "nobody 2020"
"""
SPLIT = "id,part\na_x_1,train\na_y_1,train\nb_x_1,train\na_z_1,test\nc_x_1,test\n"
PLUGIN = """
from pathlib import Path
from mmbench import Method, hookimpl
@hookimpl
def register_methods(register):
    register(Method("splitter", "concat", claims=Path(__file__).parent / "cards"))
"""
Claim = Callable[..., ClaimResult]


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "by-clip.toml").write_text(CARD)
    (tmp_path / "plugin.py").write_text(PLUGIN)

    def run(**options: object) -> ClaimResult:
        return mmbench.claim("splitter", plugins=(str(tmp_path / "plugin.py"),), out=tmp_path / "runs", **options)

    return run


def printed(result: ClaimResult) -> str:
    return " ".join("".join(render(table) for table, _ in claim_tables(result)).split())


ROWS = """
[[reported]]
name = "paper"
value = 0.9
how = "clips shuffled"
source = "nobody 2020"
[[rows]]
name = "actors held out"
method = "splitter"
protocol = "subject"
"""


def test_rows_without_their_dataset_are_listed_with_the_reason(claim: Claim, tmp_path: Path) -> None:
    (tmp_path / "cards" / "by-clip.toml").write_text(CARD + ROWS)
    reason = "the dataset unknown-here is not installed: install the plugin that reads it"
    result = claim()
    assert "training samples 3" in printed(result)
    assert "paper 0.900 not reported" in printed(result)
    assert f"actors held out: not run: {reason}" in printed(result)
    assert [commands for _, commands in claim_tables(result)] == [[]]
    assert (result.failed, result.failure) == ((), "")
    ran = claim(run=True)
    assert ran.failed == (reason,)
    assert ran.failure == "every row that was run failed: actors held out"
    assert claim(only=("actors held out",)).cards[0].rows[0].reason == reason


def test_a_split_is_shown_without_its_file_and_without_its_dataset(claim: Claim) -> None:
    result = claim()
    text = printed(result)
    assert "training samples 3" in text
    assert "test samples with actor in training 1" in text
    assert "LEAK: 1 of 2 test samples share their actor with the training part" in text
    assert "audit a file of it: mmbench claim splitter by-clip --split FILE.csv" in text
    assert "run here" not in text
    assert "reported elsewhere" not in text
    assert result.to_json()["cards"][0]["split"]["audit"] is None


def test_a_file_that_is_the_split_agrees(claim: Claim, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(SPLIT)
    result = claim(split=tmp_path / "split.csv")
    assert "split.csvagreeswiththecard." in printed(result).replace(" ", "")  # a long path is broken anywhere
    split = result.to_json()["cards"][0]["split"]
    assert (split["differs"], split["audit"]["leaks"]) == (False, True)


@pytest.mark.parametrize("change", [("a_y_1,train\n", ""), ("c_x_1,test", "a_x_2,test"), ("c_x_1,test", "a_w_2,test")])
def test_a_file_with_other_numbers_differs(claim: Claim, tmp_path: Path, change: tuple[str, str]) -> None:
    (tmp_path / "split.csv").write_text(SPLIT.replace(*change))
    result = claim(split=tmp_path / "split.csv")
    assert "split.csvisnotthesplitofthecard" in printed(result).replace(" ", "")
    assert result.to_json()["cards"][0]["split"]["differs"] is True
    assert result.differs


@pytest.mark.parametrize(("text", "code"), [(SPLIT, 0), (SPLIT.replace("a_y_1,train\n", ""), 1)])
def test_the_exit_code_says_whether_a_file_is_the_split(claim: Claim, tmp_path: Path, text: str, code: int) -> None:
    (tmp_path / "split.csv").write_text(text)
    words = ["claim", "splitter", "--split", str(tmp_path / "split.csv"), "--plugin", str(tmp_path / "plugin.py")]
    assert CliRunner().invoke(app, [*words, "--out", str(tmp_path / "runs")]).exit_code == code


def test_a_file_for_a_card_without_a_split_names_the_card_that_has_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no card with a split is chosen — name a card that has one: cremad-ogm"):
        mmbench.claim("concat", "seed-iv", split=tmp_path / "split.csv")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("sizes = { train = 3, test = 2 }", "sizes = { train = 3 }", "[split] sizes"),
        ("sizes = { train = 3,", "sizes = { trian = 3, train = 3,", "has the keys trian, train, test"),
        ("{actor}_{sentence}_{take}", "{actor}{sentence}", "[split] from_name: invalid value"),
        ("shared = { actor = 1", "shared = { actr = 1", "'actr': is not of the groups"),
        ("shared = { actor = 1", "shared = { actor = 3", "3 is not a number of test samples"),
        ('how = "clips shuffled"', 'how = " "', "[split] how: is empty"),
        ("shared = {", "shard = {", "did you mean 'shared'?"),
    ],
)
def test_mistakes_in_the_split_of_a_card_are_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in CARD
    path = tmp_path / "card.toml"
    path.write_text(CARD.replace(old, new))
    with pytest.raises(SpecError) as caught:
        load_card(path)
    assert says in caught.value.line


def test_a_card_without_a_split_needs_scores_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text(CARD.partition("[split]")[0])
    with pytest.raises(SpecError, match=r"\[\[reported\]\]: is missing"):
        load_card(path)


def test_a_file_belongs_to_one_card(claim: Claim, tmp_path: Path) -> None:
    (tmp_path / "cards" / "second.toml").write_text(CARD)
    with pytest.raises(SpecError, match="--split: 2 cards with a split: by-clip, second"):
        claim(split=tmp_path / "split.csv")
    (tmp_path / "split.csv").write_text(SPLIT)
    assert [card.card.name for card in claim(card="second", split=tmp_path / "split.csv").cards] == ["second"]


def test_the_card_of_the_split_of_crema_d_is_that_of_its_file(shared: Path) -> None:
    result = mmbench.claim("concat", "cremad-ogm", split=shared / "splits" / "cremad-ogm.csv")
    assert "cremad-ogm.csvagreeswiththecard." in printed(result).replace(" ", "")
    (card,) = result.cards
    assert card.split is not None
    assert card.split.shared == {"subject": 744, "sentence": 744, "subject and sentence": 744}


def test_the_built_in_cards_are_whole() -> None:
    import mmbench.builtin.plugin as plugin

    for path in find_cards(CONCAT).values():
        check_claim_card(CONCAT, plugin, path)
