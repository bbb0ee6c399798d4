"""Trainers of methods: that of the host, those of plugins, and which methods they apply to."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mmbench.errors import SpecError
from mmbench.registry.plugins import Registry, load_registry
from mmbench.registry.specs import Spec, parse_spec

if TYPE_CHECKING:
    from mmbench.contract import Method, Trainer
    from mmbench.registry.methods import Recipe

HOST_TRAINER = "adamw"
_PARAMETER = "trainer"
"""Of a method's spec: ``concat[trainer=NAME]`` is trained by NAME, whatever its other parameters are."""


def find_trainer(registry: Registry, text: str | None) -> Spec | None:
    """The spec of a trainer whose name and parameters are known; None for that of the host."""
    if text is None:
        return None
    spec = parse_spec(text)
    registry.bound("trainers", spec)
    return None if spec.name == HOST_TRAINER else spec


def split_trainer(method: "Method", spec: Spec) -> tuple[Spec, str | None]:
    """The spec of a method without its parameter ``trainer``, and that parameter; None if it has none.

    Raises SpecError for a trainer of an estimator.
    """
    if _PARAMETER in spec.params and method.estimator:
        raise SpecError("an estimator has no trainer", where=str(spec), remedy="leave trainer=... out")
    others = {name: value for name, value in spec.params.items() if name != _PARAMETER}
    return Spec(spec.name, others), spec.params.get(_PARAMETER)


def check_no_trainer(text: str) -> None:
    """Raise SpecError where the spec of a method that reads no modality, and so has nothing to train, names one."""
    if _PARAMETER in parse_spec(text).params:
        raise SpecError("reads no modality, so that nothing is trained", where=text, remedy="leave trainer=... out")


def with_host_trainer(text: str) -> str:
    """The spec of the same method, trained by the trainer of the host."""
    return str(parse_spec(text).updated({_PARAMETER: HOST_TRAINER}))


def build_trainer(spec: Spec | None, plugins: tuple[str, ...]) -> "Trainer":
    """A new trainer; that of the host for None."""
    registry = load_registry(plugins)
    spec = spec or Spec(HOST_TRAINER, {})
    trainer: Trainer = registry.find("trainers", spec.name).component(**registry.bound("trainers", spec))
    return trainer


def check_trainer(recipes: Iterable["Recipe"], trainer: str | None) -> None:
    """Raise SpecError if ``--trainer`` would change nothing: estimators and baselines of their own do not take it."""
    if trainer is not None and not any(
        each.kind == "fusion" and each.encoders and not each.own_encoders for each in recipes
    ):
        raise SpecError(
            "applies to networks only, but no method here is one that it could train",
            where=f"--trainer {trainer}",
            remedy="leave it out, or name a fusion as the method or in --against",
        )
