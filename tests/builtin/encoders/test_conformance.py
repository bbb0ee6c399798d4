"""Every built-in encoder of text, audio, video, tables and open lengths keeps the contract, with its options."""

import pytest

from mmbench import conformance
from mmbench.builtin.encoders.curves import Curves
from mmbench.builtin.encoders.hashing import Hashing
from mmbench.builtin.encoders.logmel import LogMel

OPTIONS = [
    *conformance.check_encoder(Hashing),
    *conformance.check_encoder(Curves),
    *conformance.check_encoder(LogMel),
]


@pytest.mark.parametrize("check", OPTIONS, ids=str)
def test_options(check: conformance.Check) -> None:
    check()
