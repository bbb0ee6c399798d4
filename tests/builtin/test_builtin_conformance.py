"""Every built-in component keeps the contract, with its defaults and with its options."""

import pytest

from mmbench import Modality, conformance
from mmbench.builtin.encoders.conv1d import Conv1d
from mmbench.builtin.encoders.de import DifferentialEntropy
from mmbench.builtin.encoders.image import TimmImages
from mmbench.builtin.encoders.vector import Mlp
from mmbench.builtin.estimators.sklearn import Sklearn
from mmbench.builtin.fusions.concat import Concat
from mmbench.builtin.fusions.gated import Gated
from mmbench.builtin.fusions.late import Late
from mmbench.builtin.fusions.only import Only

SHORT = Modality("short", "timeseries", (1, 32), rate=4.0)
UNTIMED = Modality("untimed", "timeseries", (3, 5))
SMALL = Modality("small", "image", (3, 32, 48))

OPTIONS = [
    *conformance.check_encoder(DifferentialEntropy, per="channel", bands="4-8+8-14"),
    *conformance.check_encoder(Conv1d, SHORT),
    *conformance.check_encoder(Conv1d, UNTIMED, depth=0, dropout=0.0),
    *conformance.check_encoder(Mlp, depth=0),
    *conformance.check_encoder(TimmImages, SMALL, frozen=True),
    *conformance.check_encoder(TimmImages, model="test_vit"),
    *conformance.check_encoder(TimmImages, model="test_convnext"),
    *conformance.check_encoder(TimmImages, model="swin_tiny_patch4_window7_224", frozen=True),
    *conformance.check_fusion(Concat, pool="mean"),
    *conformance.check_fusion(Late, combine="probabilities", pool="mean"),
    *conformance.check_fusion(Gated, pool="mean"),
    *conformance.check_fusion(Only, pool="mean", dim=8),
    *conformance.check_estimator(Sklearn, model="svm", fuse="early"),
    *conformance.check_estimator(Sklearn, model="boosting", fuse="late"),
]


@conformance.parametrize("mmbench.builtin.plugin")
def test_defaults(check: conformance.Check) -> None:
    check()


@pytest.mark.parametrize("check", OPTIONS, ids=str)
def test_options(check: conformance.Check) -> None:
    check()
