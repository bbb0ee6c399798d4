"""Conformance checks of the contract, which any plugin can run on itself.

With pytest, each check of each component becomes one test::

    from mmbench import conformance

    @conformance.parametrize("my_plugin.plugin")
    def test_conformance(check):
        check()

Without it, ``check_plugin("my_plugin.plugin")`` yields the checks and ``check.run()`` gives an ``Outcome``.
Components are built with their defaults, or with the parameters in an optional class attribute ``conformance``, a
mapping, where the defaults are too large or need the network. An encoder is checked on a small modality of each of its
kinds, or on the one in an optional class attribute ``conformance_modality``. Fusions are checked with the modalities
``first``, ``second`` and ``third``, each with tokens of one length, then with some of open length, and with every kind
of task in ``tasks``; one that needs tokens of one length raises ``SpecError`` for open ones, and these checks are
skipped. Trainers fit networks of one, two and three modalities whose encoders are trained.
"""

from mmbench.conformance.datasets import check_dataset as check_dataset
from mmbench.conformance.encoders import check_encoder as check_encoder
from mmbench.conformance.estimators import check_estimator as check_estimator
from mmbench.conformance.fusions import check_fusion as check_fusion
from mmbench.conformance.metrics import check_metric as check_metric
from mmbench.conformance.outcome import Check as Check
from mmbench.conformance.outcome import Outcome as Outcome
from mmbench.conformance.plugin import check_plugin as check_plugin
from mmbench.conformance.plugin import parametrize as parametrize
from mmbench.conformance.trainers import check_trainer as check_trainer

__all__ = [
    "Check",
    "Outcome",
    "check_dataset",
    "check_encoder",
    "check_estimator",
    "check_fusion",
    "check_metric",
    "check_plugin",
    "check_trainer",
    "parametrize",
]
