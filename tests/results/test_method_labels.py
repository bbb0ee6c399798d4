"""Methods of one name get distinct labels."""

from pathlib import Path

from mmbench.results.method_labels import make_distinct_names


def test_a_later_method_of_the_same_name_has_the_end_of_its_folder() -> None:
    folders = [Path("runs/concat-0a"), Path("runs/late-1b"), Path("runs/concat-2c")]
    assert list(make_distinct_names(["concat", "late", "concat"], folders)) == ["concat", "late", "concat 2c"]


def test_folders_of_equal_names_get_distinct_labels() -> None:
    folders = [Path("one/concat-0a"), Path("two/concat-0a"), Path("three/concat-0a")]
    assert list(make_distinct_names(["concat"] * 3, folders)) == ["concat", "concat 0a", "concat 0a (2)"]
