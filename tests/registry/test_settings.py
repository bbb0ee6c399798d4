"""Settings of a run that cannot be used say what to write."""

import pytest

from mmbench import SpecError
from mmbench.registry.settings import make_run_settings


def test_names_that_are_no_list() -> None:
    with pytest.raises(SpecError) as caught:
        make_run_settings({"modalities": "mor,zer"}, {}, "preset none")
    assert caught.value.line == "--modalities: 'mor,zer' is no list of names — write ['mor', 'zer']"
