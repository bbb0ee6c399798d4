"""Search spaces: the values that a tuned parameter may take.

Thin wrappers of Optuna's distributions, so that a plugin can declare its space without importing Optuna.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


@dataclass(frozen=True)
class Float:
    """A real number in ``[low, high]``, drawn uniformly or on a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def contains(self, value: object) -> bool:
        """Whether ``value`` is a number within the range."""
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def distribution(self) -> "BaseDistribution":
        """The same range as an Optuna distribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Int:
    """A whole number in ``[low, high]``, drawn uniformly or on a logarithmic scale."""

    low: int
    high: int
    log: bool = False

    def contains(self, value: object) -> bool:
        """Whether ``value`` is a whole number within the range."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def distribution(self) -> "BaseDistribution":
        """The same range as an Optuna distribution."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log)


@dataclass(frozen=True, init=False)
class Choice:
    """One of a few options: ``Choice("mean", "max")``."""

    options: tuple[str | int | float | bool | None, ...]

    def __init__(self, *options: str | int | float | bool | None) -> None:
        object.__setattr__(self, "options", options)

    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the options."""
        return value in self.options

    def distribution(self) -> "BaseDistribution":
        """The same options as an Optuna distribution."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.options)


Distribution = Float | Int | Choice
