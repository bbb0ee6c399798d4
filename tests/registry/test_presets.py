"""Presets of a method: the one for the dataset applies by default, and none on request."""

from pathlib import Path

import pytest

from mmbench import Method, SpecError
from mmbench.registry.presets import NO_PRESET, Preset, find_preset


@pytest.fixture
def method(tmp_path: Path) -> Method:
    (tmp_path / "here.toml").write_text("[run]\nfolds = 3\n")
    return Method(name="mine", fusion="concat", presets=tmp_path)


def test_the_preset_named_like_the_dataset_applies_by_default(method: Method) -> None:
    assert find_preset(method, "here", None) == Preset("here", run={"folds": 3})
    assert find_preset(method, "elsewhere", None) == Preset()


def test_none_is_no_preset_where_the_method_has_one_for_the_dataset(method: Method) -> None:
    assert find_preset(method, "here", NO_PRESET) == Preset()


def test_an_unknown_preset_is_refused(method: Method) -> None:
    with pytest.raises(SpecError, match="mine has no preset 'her' — did you mean 'here'"):
        find_preset(method, "here", "her")
