"""Entry point of the plugin."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mmbench import hookimpl

if TYPE_CHECKING:
    from mmbench import Trainer


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
