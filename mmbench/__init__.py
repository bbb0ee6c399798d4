"""Fair comparison of multimodal models: a host for datasets, encoders and fusions, and the honest protocols.

Every public name is importable from here, and nothing is loaded before it is used: ``import mmbench`` does not
import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmbench.ablation import ablate as ablate
    from mmbench.auditing import audit as audit
    from mmbench.claims.claim import claim as claim
    from mmbench.components import Ablation as Ablation
    from mmbench.components import Component as Component
    from mmbench.components import Dataset as Dataset
    from mmbench.components import Method as Method
    from mmbench.diagnosed import diagnose as diagnose
    from mmbench.errors import DataError as DataError
    from mmbench.errors import JobError as JobError
    from mmbench.errors import MmbenchError as MmbenchError
    from mmbench.errors import PluginError as PluginError
    from mmbench.errors import ProtocolError as ProtocolError
    from mmbench.errors import RecordError as RecordError
    from mmbench.errors import SpecError as SpecError
    from mmbench.errors import StorageError as StorageError
    from mmbench.errors import TrainingError as TrainingError
    from mmbench.errors import UserError as UserError
    from mmbench.errors import WeightsError as WeightsError
    from mmbench.errors import WorkerError as WorkerError
    from mmbench.experiment import run as run
    from mmbench.files import locked as locked
    from mmbench.files import written_whole as written_whole
    from mmbench.filetypes import check_content as check_content
    from mmbench.hookspecs import hookimpl as hookimpl
    from mmbench.networks import Criterion as Criterion
    from mmbench.networks import Encoder as Encoder
    from mmbench.networks import Fusion as Fusion
    from mmbench.networks import Tokens as Tokens
    from mmbench.parts import choose_prefix as choose_prefix
    from mmbench.pins import load_pins as load_pins
    from mmbench.progress import track as track
    from mmbench.space import Choice as Choice
    from mmbench.space import Float as Float
    from mmbench.space import Int as Int
    from mmbench.tuned import tune as tune
    from mmbench.types import Card as Card
    from mmbench.types import Download as Download
    from mmbench.types import Modality as Modality
    from mmbench.types import Pin as Pin
    from mmbench.types import Problem as Problem
    from mmbench.types import Sample as Sample
    from mmbench.types import Schema as Schema
    from mmbench.types import TokenSpec as TokenSpec
    from mmbench.types import Training as Training
    from mmbench.weights import fetch_pretrained as fetch_pretrained
    from mmbench.weights import load_state_dict as load_state_dict
    from mmbench.workers import in_processes as in_processes

__version__ = "0.1.0"

_HOME = {
    "ablation": ("ablate",),
    "auditing": ("audit",),
    "claims.claim": ("claim",),
    "components": ("Ablation", "Component", "Dataset", "Method"),
    "diagnosed": ("diagnose",),
    "errors": (
        "DataError",
        "JobError",
        "MmbenchError",
        "PluginError",
        "ProtocolError",
        "RecordError",
        "SpecError",
        "StorageError",
        "TrainingError",
        "UserError",
        "WeightsError",
        "WorkerError",
    ),
    "experiment": ("run",),
    "files": ("locked", "written_whole"),
    "filetypes": ("check_content",),
    "hookspecs": ("hookimpl",),
    "networks": ("Criterion", "Encoder", "Fusion", "Tokens"),
    "parts": ("choose_prefix",),
    "pins": ("load_pins",),
    "progress": ("track",),
    "space": ("Choice", "Float", "Int"),
    "tuned": ("tune",),
    "types": ("Card", "Download", "Modality", "Pin", "Problem", "Sample", "Schema", "TokenSpec", "Training"),
    "weights": ("fetch_pretrained", "load_state_dict"),
    "workers": ("in_processes",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = ["__version__", *sorted(_MODULE_OF)]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'mmbench' has no attribute {name!r}")
    return getattr(import_module(f"mmbench.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
