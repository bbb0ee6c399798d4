"""Checks of claim cards: everything that they name exists."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

from mmbench.conformance.outcome import Check
from mmbench.contract import Method
from mmbench.errors import DataError
from mmbench.registry import load_registry, parse_spec
from mmbench.workflows import ClaimSpec, find_cards, load_card, make_row_run


def check_claims(method: Method, module: ModuleType) -> Iterator[Check]:
    """A check for each card of a method that ``module`` registers."""
    for name, path in find_cards(method).items():
        yield Check(
            "claim_card", f"method {method.name}, claim {name}", partial(check_claim_card, method, module, path)
        )


def check_claim_card(method: Method, module: ModuleType, path: Path) -> None:
    """A card is valid, and everything that its rows name exists, for its dataset and for the simulated twin.

    A card of a published split may have no rows.
    SkipTest where one of these is not installed, or its schema depends on its files.
    """
    card = load_card(path)
    plugins = _find_plugins(method, module)
    registry = load_registry(plugins)
    if not card.rows:
        return
    for text in (card.dataset, *([card.twin.dataset] if card.twin else ())):
        name = parse_spec(text).name
        if name not in registry.datasets:
            raise SkipTest(f"the dataset {name} is not installed")
        for row in card.rows:
            try:
                make_row_run(registry, card, row, ClaimSpec(method.name, on=name, plugins=plugins))
            except DataError as error:
                raise SkipTest(error.line) from error


def _find_plugins(method: Method, module: ModuleType) -> tuple[str, ...]:
    """The file of a plugin that is not installed; empty for an installed one."""
    known = load_registry().methods.get(method.name)
    return () if known and known.component == method else (str(module.__file__),)
