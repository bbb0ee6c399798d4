"""Checks of claim cards: what they name is there."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

from mmbench.cards import find_cards, load_card
from mmbench.components import Method
from mmbench.conformance.outcome import Check
from mmbench.errors import DataError
from mmbench.plugins import Registry, load_registry
from mmbench.questions import ClaimSpec, make_question
from mmbench.specs import parse_spec


def check_claims(method: Method, module: ModuleType) -> Iterator[Check]:
    """A check for each card of a method that ``module`` registers."""
    for name, path in find_cards(method).items():
        yield Check(
            "claim_card", f"method {method.name}, claim {name}", partial(check_claim_card, method, module, path)
        )


def check_claim_card(method: Method, module: ModuleType, path: Path) -> None:
    """A card can be read, and what its rows name is there, on its dataset and on the twin.

    SkipTest where one of these is not installed, or shows its schema only with its files.
    """
    card = load_card(path)
    registry = _find_registry(method, module)
    for text in (card.dataset, *([card.twin.dataset] if card.twin else ())):
        name = parse_spec(text).name
        if name not in registry.datasets:
            raise SkipTest(f"the dataset {name} is not installed")
        for row in card.rows:
            try:
                make_question(registry, card, row, ClaimSpec(method.name, on=name))
            except DataError as error:
                raise SkipTest(error.line) from error


def _find_registry(method: Method, module: ModuleType) -> Registry:
    """The installed plugins, with the file of this one where it is not among them."""
    registry = load_registry()
    known = registry.methods.get(method.name)
    if known and known.component == method:
        return registry
    return load_registry((str(module.__file__),))
