"""Run specs for the rows of claim cards, on the card's dataset or on its simulated twin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.data import default_cache_folder
from mmbench.errors import ProtocolError, SpecError
from mmbench.registry import Registry, Spec, did_you_mean, parse_spec
from mmbench.storage import counted
from mmbench.training import METRICS
from mmbench.workflows.claims.cards import ClaimCard, ClaimRow, Twin, find_cards, load_card
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import resolve_request
from mmbench.workflows.reuse import ComparisonKey, comparison_key


@dataclass(frozen=True)
class ClaimSpec:
    """Options of ``mmbench claim``; its help describes each.

    ``card`` None: all of the method's cards; ``on`` None: the cards' own datasets; ``only`` empty: all rows; ``split``:
    a CSV file of the split of the card; ``checkpoint``: a file of weights for the rows that score one.
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
    split: Path | None = None
    checkpoint: Path | None = None


@dataclass(frozen=True)
class RowRun:
    """The run of a row, and the key of its comparison.

    ``left_out`` are parameters of the dataset that the simulated twin does not have.
    """

    spec: RunSpec
    key: ComparisonKey
    seeds: int
    left_out: tuple[str, ...]


def make_row_run(registry: Registry, card: ClaimCard, row: ClaimRow, spec: ClaimSpec) -> RowRun:
    """The run of a row; raises SpecError with the row for unknown names."""
    try:
        dataset, left_out = _choose_dataset(registry, card, row, spec.on)
        run = _make_run(card, row, dataset, spec)
        request = resolve_request(run)
    except (SpecError, ProtocolError) as error:
        raise SpecError(error.line, where=f"claim {card.name}, row {row.name!r}") from error
    return RowRun(run, comparison_key(request), request.settings.seeds, left_out)


def choose_cards(registry: Registry, spec: ClaimSpec) -> list[ClaimCard]:
    """The requested cards that apply to the requested dataset.

    Raises SpecError with a suggestion for an unknown method, card, dataset or row.
    """
    files = find_cards(registry.find("methods", spec.method).component)
    if not files:
        able = [name for name, entry in sorted(registry.methods.items()) if find_cards(entry.component)]
        raise SpecError(
            "has no claim card", where=spec.method, remedy=f"methods with claim cards: {', '.join(able) or 'none'}"
        )
    if spec.card is not None and spec.card not in files:
        raise SpecError(f"no card {spec.card!r}", where=spec.method, remedy=did_you_mean(spec.card, files))
    cards = [load_card(path) for name, path in files.items() if spec.card in (None, name)]
    if spec.on is not None:
        name = parse_spec(spec.on).name
        datasets = {dataset for card in cards for dataset in _find_datasets(card)}
        if name not in datasets:
            raise SpecError(f"no card is about {spec.on}", where="--on", remedy=did_you_mean(name, datasets))
        cards = [card for card in cards if name in _find_datasets(card)]
    _check_rows(cards, spec.only)
    _check_checkpoint(cards, spec.checkpoint)
    with_split = [card.name for card in cards if card.split]
    if spec.split is not None and len(with_split) != 1:
        raise _explain_split(with_split, files)
    return cards


def _explain_split(chosen: Sequence[str], files: Mapping[str, Path]) -> SpecError:
    """That a file of a split belongs to one card, and which of the method's cards have a split."""
    if chosen:
        message = f"{counted(len(chosen), 'card')} with a split: {', '.join(chosen)}"
        return SpecError(message, where="--split", remedy="name the card that it belongs to")
    others = [name for name, path in files.items() if load_card(path).split]
    remedy = f"name a card that has one: {', '.join(others)}" if others else "leave it out"
    return SpecError("no card with a split is chosen", where="--split", remedy=remedy)


def describe_missing_dataset(registry: Registry, card: ClaimCard, on: str | None) -> str:
    """That the dataset of a card's rows is not installed, so that none can be run; "" where it is."""
    name = parse_spec(on or card.dataset).name
    missing = bool(card.rows) and name not in registry.datasets
    return f"the dataset {name} is not installed: install the plugin that reads it" if missing else ""


def _find_datasets(card: ClaimCard) -> list[str]:
    """Names of the datasets that a card's rows can be run on."""
    return [parse_spec(text).name for text in (card.dataset, *([card.twin.dataset] if card.twin else ()))]


def _check_rows(cards: Sequence[ClaimCard], only: Sequence[str]) -> None:
    known = {row.name for card in cards for row in card.rows}
    for name in only:
        if name not in known:
            raise SpecError(f"no row {name!r}", where="--only", remedy=did_you_mean(name, known))


def _check_checkpoint(cards: Sequence[ClaimCard], path: Path | None) -> None:
    if path is None:
        return
    if not any(row.checkpoint for card in cards for row in card.rows):
        raise SpecError("no row scores a checkpoint", where="--checkpoint", remedy="leave it out, or name another card")
    if not Path(path).is_file():
        raise SpecError("no such file", where=f"--checkpoint {path}", remedy="give the path of a file of weights")


def _twin(card: ClaimCard, on: str | None) -> Twin | None:
    """The simulated twin if the rows are run on it, else None."""
    return None if on is None or parse_spec(on).name == parse_spec(card.dataset).name else card.twin


def _choose_dataset(registry: Registry, card: ClaimCard, row: ClaimRow, on: str | None) -> tuple[Spec, tuple[str, ...]]:
    """The dataset of a row with parameters of card and row, and the names of parameters it does not have."""
    own, request = parse_spec(card.dataset), parse_spec(on or card.dataset)
    twin = _twin(card, on)
    if twin is None:
        return own.updated(row.dataset).updated(request.params), ()
    sizes = parse_spec(twin.dataset)
    known = registry.bound("datasets", Spec(sizes.name))
    wanted = {**own.params, **sizes.params, **row.dataset}
    shared = {name: value for name, value in wanted.items() if name in known}
    return Spec(sizes.name, {**shared, **request.params}), tuple(name for name in wanted if name not in known)


def _method(row: ClaimRow, checkpoint: Path | None) -> str:
    """The method of a row, with the file of weights that it scores; FILE where none was given."""
    if not row.checkpoint:
        return row.method
    return str(parse_spec(row.method).updated({"checkpoint": str(checkpoint or "FILE")}))


def _make_run(card: ClaimCard, row: ClaimRow, dataset: Spec, spec: ClaimSpec) -> RunSpec:
    twin = _twin(card, spec.on)
    return RunSpec(
        method=_method(row, spec.checkpoint),
        dataset=str(dataset),
        against=row.against,
        protocol=row.protocol,
        folds=row.folds,
        task=card.task,
        # The metrics that every class task records do not have to decide to be compared.
        metric=None if card.metric in METRICS else card.metric,
        standardize=row.standardize,  # type: ignore[arg-type]  # checked later
        seeds=spec.seeds if spec.seeds is not None else row.seeds,
        units=None if twin else row.units,
        modalities=row.modalities,
        encoders=row.encoders,
        training={**(twin.training if twin else {}), **row.training, **spec.training},
        tune=row.tune,
        preset=(twin.preset if twin else None) or row.preset,
        data=spec.data,
        out=spec.out,
        cache=spec.cache,
        device=spec.device,
        jobs=spec.jobs,
        cluster=spec.cluster,
        plugins=spec.plugins,
    )
