"""Suites as TOML files: what they say, their digest, and one line for what is not valid."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmbench import SpecError
from mmbench.workflows.suites.definition import find_changes, find_suites, load_suite, read_suite

TEXT = """
name = "mine"
version = 2
title = "Two datasets"
[settings]
protocol = "subject"
seeds = 1
training = { epochs = 3, lr = 0.1 }
[[datasets]]
name = "one"
task = "side"
metric = "accuracy"
training = { epochs = 5 }
[[datasets]]
name = "two"
dataset = "toy[length=8]"
task = "side"
metric = "mcc"
protocol = "loso"
"""
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


def test_settings_hold_for_every_dataset_that_says_nothing_else(write: Write) -> None:
    one, two = read_suite(write(TEXT)).datasets
    assert (one.spec, one.protocol, one.seeds, one.training) == ("one", "subject", 1, {"epochs": 5, "lr": 0.1})
    assert (two.spec, two.protocol, two.folds, two.training) == ("toy[length=8]", "loso", 5, {"epochs": 3, "lr": 0.1})


def test_comments_titles_and_the_order_of_datasets_do_not_change_the_digest(write: Write) -> None:
    before = read_suite(write(TEXT)).digest
    head, first, second = TEXT.split("[[datasets]]")
    turned = f"{head}[[datasets]]{second}[[datasets]]{first}# a remark\n".replace("Two datasets", "A pair")
    assert read_suite(write(turned)).digest == before


@pytest.mark.parametrize(
    ("old", "new"),
    [("epochs = 3", "epochs = 4"), ("seeds = 1", "seeds = 2"), ('"mcc"', '"accuracy"'), ("length=8", "length=9")],
)
def test_what_results_depend_on_changes_the_digest(write: Write, old: str, new: str) -> None:
    before = read_suite(write(TEXT)).digest
    assert read_suite(write(TEXT.replace(old, new))).digest != before


def test_changes_are_named_once_for_all_datasets(write: Write) -> None:
    before = read_suite(write(TEXT)).content()
    after = read_suite(
        write(TEXT.replace("seeds = 1", "seeds = 3").replace('name = "two"', 'name = "three"'))
    ).content()
    assert find_changes(before, after) == ["two was removed", "three was added", "seeds of one was 1 and is 3"]
    assert find_changes(before, before) == []


def test_a_value_that_is_left_out_later_is_a_change(write: Write) -> None:
    before = read_suite(write(TEXT.replace("seeds = 1", "seeds = 1\ntune = 4"))).content()
    after = read_suite(write(TEXT)).content()
    assert find_changes(before, after) == ["tune of one, two was 4 and is not given"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "mine"', 'name = "My Suite"', ["name", "invalid name 'My Suite'"]),
        ("version = 2", "version = 0", ["version", "0 is too few"]),
        ("version = 2", "version = true", ["version", "invalid value True"]),
        ("version = 2", "", ["version", "is missing"]),
        ('title = "Two datasets"', "", ["title", "is missing"]),
        ("[settings]", "[setting]", ["setting", "is not a key of a suite", "did you mean 'settings'?"]),
        ("seeds = 1", "seed = 1", ["[settings] seed", "did you mean 'seeds'?"]),
        ("seeds = 1", 'units = ["s1"]', ["[settings] units", "set it in [[datasets]]"]),
        ("seeds = 1", "seeds = 0", ["'one' seeds", "0 is too few", "use 1 or more"]),
        ("seeds = 1", 'seeds = "many"', ["'one' seeds", "invalid value 'many'"]),
        ('task = "side"\nmetric = "mcc"', 'metric = "mcc"', ["'two' task", "is missing"]),
        ('protocol = "loso"', 'protocol = "lozo"', ["'two' protocol", "no protocol 'lozo'", "did you mean 'loso'?"]),
        ('protocol = "loso"', "protocols = 1", ["'two' protocols", "did you mean 'protocol'?"]),
        ('protocol = "loso"', 'standardize = "all"', ["'two' standardize", "invalid value 'all'"]),
        ('protocol = "loso"', "modalities = []", ["'two' modalities", "is empty"]),
        ('protocol = "loso"', 'encoders = { x = "a[" }', ["'two' encoders x", "is not a name"]),
        ("toy[length=8]", "toy[length", ["'two' dataset", "is not a name"]),
        ('name = "two"', 'name = "one"', ["'one'", "is the name of several datasets"]),
        ('name = "two"', "", ["[[datasets]] number 2", "has no name"]),
        ('name = "two"', 'name = "../two"', ["'../two'", "is not a name"]),
        ("version = 2", "version = 99999999999999999999", ["version", "is too large"]),
        ('title = "Two datasets"', 'title = " "', ["title", "is empty"]),
        ("seeds = 1", "seeds = true", ["'one' seeds", "invalid value True"]),
        ("seeds = 1", "stratify = 1", ["'one' stratify", "invalid value 1"]),
        ('protocol = "loso"', 'modalities = ["a", "b", "a"]', ["'two' modalities", "has 'a' twice"]),
        ("[settings]", "[settings", ["cannot be read"]),
    ],
)
def test_what_is_not_valid_is_one_line_with_the_file_and_the_key(
    write: Write, old: str, new: str, words: list[str]
) -> None:
    assert old in TEXT
    path = write(TEXT.replace(old, new, 1))
    with pytest.raises(SpecError) as raised:
        read_suite(path)
    assert str(path) in raised.value.line
    assert "\n" not in raised.value.line
    for word in words:
        assert word in raised.value.line


def test_a_byte_order_mark_is_no_part_of_a_suite(tmp_path: Path, write: Write) -> None:
    marked = tmp_path / "marked.toml"
    marked.write_text(TEXT, encoding="utf-8-sig")
    assert read_suite(marked).digest == read_suite(write(TEXT)).digest


def test_a_suite_without_datasets_is_refused(write: Write) -> None:
    with pytest.raises(SpecError, match=r"\[\[datasets\]\]: is empty"):
        read_suite(write('name = "mine"\nversion = 1\ntitle = "none"\ndatasets = []\n'))


def test_an_unknown_suite_names_those_of_the_package() -> None:
    with pytest.raises(SpecError, match=r"no suite 'quick'.*TOML file.*quick-v1"):
        load_suite("quick")
    with pytest.raises(SpecError, match=r"cannot be read \(No such file"):
        load_suite("nowhere.toml")


@pytest.mark.parametrize("name", find_suites())
def test_suites_of_the_package_are_valid_and_named_like_their_files(name: str) -> None:
    suite = load_suite(name)
    assert suite.label == name
    assert len(suite.datasets) >= 5


def test_a_suite_of_the_package_keeps_its_content_for_a_version() -> None:
    """Results that are published with a version must be those of its content: raise the version with any change."""
    known = {"quick-v1": "2179810c903f", "quick-v2": "f7073b76a299", "affect-v1": "0ce8264c5a96"}
    assert {name: load_suite(name).digest[:12] for name in find_suites()} == known
