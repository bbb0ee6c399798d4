"""A check and its outcome."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from unittest import SkipTest

from mmbench.errors import PluginError, UserError, WeightsError

Case = TypeVar("Case")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a check: ``message`` is the error, or the reason for skipping it (then ``ok`` is True)."""

    name: str
    subject: str
    ok: bool
    message: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Check:
    """A check of one component, which does nothing before it is run."""

    name: str
    subject: str
    test: Callable[[], None]

    def run(self) -> Outcome:
        """Run the check; every exception of the component is part of the outcome."""
        try:
            self.test()
        except SkipTest as reason:
            return Outcome(self.name, self.subject, True, str(reason), skipped=True)
        except UserError as error:
            # A component is not broken where an optional package, or a published model, is not on this machine.
            absent = isinstance(error.__cause__, ImportError) or (
                isinstance(error, WeightsError) and isinstance(error.__cause__, FileNotFoundError)
            )
            return Outcome(self.name, self.subject, absent, error.line, skipped=absent)
        except Exception as error:
            lines = str(error).splitlines() or [""]
            return Outcome(self.name, self.subject, False, f"{type(error).__name__}: {lines[0]}")
        return Outcome(self.name, self.subject, True)

    def __call__(self) -> None:
        """Run as a test: AssertionError when it fails, SkipTest, which pytest knows, when it cannot be run."""
        outcome = self.run()
        if outcome.skipped:
            raise SkipTest(outcome.message)
        if not outcome.ok:
            raise AssertionError(f"{outcome.subject}, {outcome.name}: {outcome.message}")

    def __str__(self) -> str:
        return f"{self.subject}-{self.name}".replace(" ", "-")


def checks_of(subject: str, case: Case, *functions: Callable[[Case], None]) -> Iterator[Check]:
    """A check for each of ``functions``, named after it, on the same case."""
    for function in functions:
        yield Check(function.__name__.removeprefix("check_"), subject, partial(function, case))


def demand(condition: bool, message: str) -> None:
    """Raise PluginError with ``message`` unless the condition holds."""
    if not condition:
        raise PluginError(message)
