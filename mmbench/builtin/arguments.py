"""Checks of parameter ranges of the built-in components."""

from mmbench import SpecError


def at_least(low: int, **params: int) -> None:
    """Raise SpecError for the first of ``params`` below ``low``."""
    for name, value in params.items():
        if value < low:
            raise SpecError(f"is {value}", where=name, remedy=f"give a whole number of at least {low}")


def fraction(**params: float) -> None:
    """Raise SpecError for the first of ``params`` outside [0, 1)."""
    for name, value in params.items():
        if not 0 <= value < 1:
            raise SpecError(f"is {value}", where=name, remedy="give a number from 0 to below 1")
