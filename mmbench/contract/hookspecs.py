"""Hooks that a plugin may implement.

A plugin is a module in the entry-point group ``mmbench``, or a file given with ``--plugin FILE.py``. Each hook gets
``register`` and calls it once for each component; import heavy modules inside the hook, not at the top of the file.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from mmbench.contract.dataset import Dataset
    from mmbench.contract.encoder import Encoder
    from mmbench.contract.estimator import Estimator
    from mmbench.contract.fusion import Fusion
    from mmbench.contract.method import Method
    from mmbench.contract.metric import Metric
    from mmbench.contract.trainer import Trainer

hookspec = pluggy.HookspecMarker("mmbench")
hookimpl = pluggy.HookimplMarker("mmbench")


@hookspec
def register_datasets(register: "Callable[[type[Dataset]], None]") -> None:
    """Register dataset classes: ``register(MyDataset)``."""


@hookspec
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Register encoder classes: ``register(MyEncoder)``."""


@hookspec
def register_fusions(register: "Callable[[type[Fusion]], None]") -> None:
    """Register fusion classes; each is also a method of the same name, with default encoders."""


@hookspec
def register_methods(register: "Callable[[Method], None]") -> None:
    """Register named recipes: ``register(Method(name=..., fusion=..., encoders=...))``."""


@hookspec
def register_estimators(register: "Callable[[type[Estimator]], None]") -> None:
    """Register estimator classes; each is also a method of the same name, with default encoders."""


@hookspec
def register_trainers(register: "Callable[[type[Trainer]], None]") -> None:
    """Register trainer classes, for ``--trainer NAME`` and `Method.trainer`."""


@hookspec
def register_metrics(register: "Callable[[type[Metric]], None]") -> None:
    """Register metric classes, for ``--metric NAME`` and `Task.metric`."""
