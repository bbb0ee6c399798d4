"""Entry point of the plugin."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench import Method, hookimpl

if TYPE_CHECKING:
    from mmbench import Trainer

# The method of the paper's experiments, with the claim card about them; the trainer takes any other fusion, too.
OGM_GE = Method("ogm-ge", fusion="concat", trainer="ogm-ge", claims=Path(__file__).parent / "claims")


@hookimpl
def register_trainers(register: "Callable[[type[Trainer]], None]") -> None:
    """The trainers of this distribution."""
    from mmbench_balance.gradient_blending import GradientBlending
    from mmbench_balance.mmpareto import MMPareto
    from mmbench_balance.ogm_ge import OgmGe
    from mmbench_balance.pmr import Pmr

    trainers: tuple[type[Trainer], ...] = (OgmGe, Pmr, GradientBlending, MMPareto)
    for trainer in trainers:
        register(trainer)


@hookimpl
def register_methods(register: Callable[[Method], None]) -> None:
    """Concatenation trained by OGM-GE."""
    register(OGM_GE)
