"""From the rows of claim cards to ordinary runs, on the card's dataset or on its twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.data import default_cache_folder
from mmbench.errors import ProtocolError, SpecError
from mmbench.registry import Registry, Spec, did_you_mean, parse_spec, resolve_methods
from mmbench.workflows.claims.cards import ClaimCard, ClaimRow, Twin, find_cards, load_card
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import settle
from mmbench.workflows.reuse import Asking, describe_asking


@dataclass(frozen=True)
class ClaimSpec:
    """Everything that is asked of a claim. ``mmbench claim --help`` tells each.

    ``card`` None: all of the method's cards; ``on`` None: the cards' own datasets; ``only`` names rows, none: all.
    """

    method: str
    card: str | None = None
    on: str | None = None
    run: bool = False
    only: tuple[str, ...] = ()
    seeds: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Path | None = None
    out: Path = Path("runs")
    cache: Path = field(default_factory=default_cache_folder)
    device: str = "auto"
    jobs: int | None = None
    cluster: str | None = None
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A row made concrete: an ordinary run, and what it is known by.

    ``left_out`` names parameters of the dataset that the twin does not have.
    """

    spec: RunSpec
    asking: Asking
    seeds: int
    left_out: tuple[str, ...]


def make_question(registry: Registry, card: ClaimCard, row: ClaimRow, spec: ClaimSpec) -> Question:
    """The run that a row asks for; SpecError naming the row where it names what there is not."""
    try:
        dataset, left_out = _place(registry, card, row, spec.on)
        run = _make_run(card, row, dataset, spec)
        asked = settle(run)
        recipes = resolve_methods(asked.registry, run.method, run.against, asked.name.name, asked.schema, asked.wishes)
    except (SpecError, ProtocolError) as error:
        raise SpecError(error.line, where=f"claim {card.name}, row {row.name!r}") from error
    return Question(run, describe_asking(asked, recipes), asked.design.seeds, left_out)


def choose_cards(registry: Registry, spec: ClaimSpec) -> list[ClaimCard]:
    """The cards asked for, without those that cannot be put on the dataset asked for.

    Raises SpecError with a hint for a method, a card, a dataset or a row that there is not.
    """
    files = find_cards(registry.find("methods", spec.method).component)
    if not files:
        able = [name for name, entry in sorted(registry.methods.items()) if find_cards(entry.component)]
        raise SpecError("has no claim card", where=spec.method, remedy=f"these have one: {', '.join(able) or 'none'}")
    if spec.card is not None and spec.card not in files:
        raise SpecError(f"no card {spec.card!r}", where=spec.method, remedy=did_you_mean(spec.card, files))
    cards = [load_card(path) for name, path in files.items() if spec.card in (None, name)]
    if spec.on is not None:
        name = parse_spec(spec.on).name
        places = {place for card in cards for place in _places(card)}
        if name not in places:
            raise SpecError(f"no card is about {spec.on}", where="--on", remedy=did_you_mean(name, places))
        cards = [card for card in cards if name in _places(card)]
    _check_rows(cards, spec.only)
    return cards


def _places(card: ClaimCard) -> list[str]:
    """The names of the datasets that a card's rows can be run on."""
    return [parse_spec(text).name for text in (card.dataset, *([card.twin.dataset] if card.twin else ()))]


def _check_rows(cards: Sequence[ClaimCard], only: Sequence[str]) -> None:
    known = {row.name for card in cards for row in card.rows}
    for name in only:
        if name not in known:
            raise SpecError(f"no row {name!r}", where="--only", remedy=did_you_mean(name, known))


def _twin(card: ClaimCard, on: str | None) -> Twin | None:
    """The twin, where the rows are to be run on it."""
    return None if on is None or parse_spec(on).name == parse_spec(card.dataset).name else card.twin


def _place(registry: Registry, card: ClaimCard, row: ClaimRow, on: str | None) -> tuple[Spec, tuple[str, ...]]:
    """The dataset of a row, with the parameters that it takes of the card's and the row's, and those it does not."""
    own, asked = parse_spec(card.dataset), parse_spec(on or card.dataset)
    twin = _twin(card, on)
    if twin is None:
        return own.updated(row.dataset).updated(asked.params), ()
    sizes = parse_spec(twin.dataset)
    known = registry.bound("datasets", Spec(sizes.name))
    wanted = {**own.params, **sizes.params, **row.dataset}
    carried = {name: value for name, value in wanted.items() if name in known}
    return Spec(sizes.name, {**carried, **asked.params}), tuple(name for name in wanted if name not in known)


def _make_run(card: ClaimCard, row: ClaimRow, dataset: Spec, spec: ClaimSpec) -> RunSpec:
    twin = _twin(card, spec.on)
    return RunSpec(
        method=row.method,
        dataset=str(dataset),
        against=row.against,
        protocol=row.protocol,
        folds=row.folds,
        task=card.task,
        standardize=row.standardize,  # type: ignore[arg-type]  # refused later where it is no choice
        seeds=spec.seeds if spec.seeds is not None else row.seeds,
        units=None if twin else row.units,
        modalities=row.modalities,
        encoders=row.encoders,
        training={**(twin.training if twin else {}), **row.training, **spec.training},
        preset=(twin.preset if twin else None) or row.preset,
        data=spec.data,
        out=spec.out,
        cache=spec.cache,
        device=spec.device,
        jobs=spec.jobs,
        cluster=spec.cluster,
        plugins=spec.plugins,
    )
