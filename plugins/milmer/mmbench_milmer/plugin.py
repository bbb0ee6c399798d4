"""Registration of Milmer's components with mmbench; the entry point names this module."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mmbench import Ablation, Method, Training, hookimpl
from mmbench_milmer.options import SelectorName

if TYPE_CHECKING:
    from mmbench import Encoder, Fusion

# Only cross-attention has queries, so that a preset's number of queries is reset for the others.
ABLATIONS = (
    Ablation("selection", tuple({"selector": name} for name in get_args(SelectorName))),
    Ablation(
        "balancing",
        (
            {"balancing": "cross_attention"},
            {"balancing": "mlp", "queries": None},
            {"balancing": "none", "queries": None},
        ),
    ),
    Ablation("k", tuple({"k": k} for k in (1, 2, 3, 5, 10))),
    Ablation("eeg encoder", ("milmer-eeg", "milmer-eeg[variant=spectral]", "de"), encoder="timeseries"),
    Ablation("backbone", ({"frozen": True}, {"frozen": False}), encoder="image"),
    Ablation("variant", ({"variant": "mended"}, {"variant": "published"})),
)
# The published training, but the epoch is chosen on validation data, with early stopping.
MILMER = Method(
    name="milmer",
    fusion="milmer",
    encoders={"timeseries": "milmer-eeg", "image": "swin"},
    training=Training(epochs=100, batch_size=14, lr=1e-4, final_lr=0.1, patience=15),
    presets=Path(__file__).parent / "presets",
    ablations=ABLATIONS,
    claims=Path(__file__).parent / "claims",
)


@hookimpl
def register_encoders(register: "Callable[[type[Encoder]], None]") -> None:
    """Register Milmer's encoders of EEG and of faces."""
    from mmbench_milmer.eeg import MilmerEEG
    from mmbench_milmer.fer import FacialExpression
    from mmbench_milmer.swin import Swin

    register(MilmerEEG)
    register(Swin)
    register(FacialExpression)


@hookimpl
def register_fusions(register: "Callable[[type[Fusion]], None]") -> None:
    """Register Milmer's fusion."""
    from mmbench_milmer.fusion import MilmerFusion

    register(MilmerFusion)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Register the recipe ``milmer``."""
    register(MILMER)
