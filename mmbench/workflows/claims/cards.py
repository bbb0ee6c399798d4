"""Claim cards: TOML files of a method with published scores and the runs that test them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, ClassVar, Literal

from mmbench.contract import Method
from mmbench.data import PROTOCOLS, is_protocol
from mmbench.errors import SpecError
from mmbench.registry import did_you_mean, load_registry, parse_spec
from mmbench.storage import load_toml
from mmbench.workflows.claims.published_splits import PublishedSplit

EpochRule = Literal["chosen", "last", "oracle"]
_STRICT: Mapping[str, str] = {"extra": "forbid"}
_UNKNOWN = "unexpected_keyword_argument"


@dataclass(frozen=True)
class ReportedScore:
    """A published score: one ``value``, or the range from ``low`` to ``high``.

    ``how`` describes the published evaluation, ``source`` cites it. ``protocol`` is the closest protocol of mmbench;
    None if the source does not say.
    """

    __pydantic_config__: ClassVar = _STRICT
    name: str
    how: str
    source: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    protocol: str | None = None
    url: str = ""

    @property
    def bounds(self) -> tuple[float, float]:
        """The range; twice the value if there is one."""
        low, high = (self.value, self.value) if self.value is not None else (self.low, self.high)
        assert low is not None
        assert high is not None
        return low, high

    def gap(self, score: float) -> float:
        """Difference of ``score`` to the reported range; 0 within it."""
        low, high = self.bounds
        return min(score - low, 0.0) + max(score - high, 0.0)


@dataclass(frozen=True)
class ClaimRow:
    """One run that tests a claim, with the baselines ``against``; ``score`` is the epoch whose score is compared.

    ``dataset`` holds parameters of the card's dataset; ``tune`` is the number of tuning trials of each method, scored
    on validation data. The other fields are options of `RunSpec`. ``reported`` names
    the published score to compare with; None: the first. A row with ``checkpoint`` scores a file of weights that the
    user gives, as the parameter ``checkpoint`` of the method.
    """

    __pydantic_config__: ClassVar = _STRICT
    name: str
    method: str
    protocol: str
    against: tuple[str, ...] = ()
    score: EpochRule = "chosen"
    reported: str | None = None
    preset: str | None = None
    dataset: Mapping[str, Any] = field(default_factory=dict)
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    folds: int | None = None
    seeds: int | None = None
    standardize: str | None = None
    tune: int | None = None
    units: tuple[str, ...] | None = None
    modalities: tuple[str, ...] | None = None
    checkpoint: bool = False


@dataclass(frozen=True)
class Twin:
    """The simulated twin of a card's dataset, which needs no access to the real data.

    ``preset`` replaces that of each row; ``training`` repeats those training settings of the rows' own preset that the
    claim depends on. The ``units`` of rows are those of the real data and are ignored.
    """

    __pydantic_config__: ClassVar = _STRICT
    dataset: str
    preset: str | None = None
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClaimCard:
    """Published scores of a method on a dataset, and the rows that test them; or a published split, or both.

    A card with a ``split`` may have no scores and no rows. ``note`` says in sentences how the rows differ from the
    published evaluation, and what is known of it beside the scores. ``name`` is the stem of its file.
    """

    __pydantic_config__: ClassVar = _STRICT
    title: str
    dataset: str
    task: str
    metric: str
    reported: tuple[ReportedScore, ...] = ()
    rows: tuple[ClaimRow, ...] = ()
    twin: Twin | None = None
    split: PublishedSplit | None = None
    note: str = ""
    name: str = ""

    def reported_for(self, row: ClaimRow) -> ReportedScore:
        """The published score that a row is compared with."""
        return next((each for each in self.reported if each.name == row.reported), self.reported[0])


_TABLES: Mapping[str, type] = {"reported": ReportedScore, "rows": ClaimRow, "twin": Twin, "split": PublishedSplit}


def find_cards(method: Method) -> dict[str, Path]:
    """Paths of a method's cards by name, sorted."""
    found = {path.stem: path for path in method.claims.glob("*.toml")} if method.claims else {}
    return dict(sorted(found.items()))


def load_card(path: Path) -> ClaimCard:
    """Read a card; raises SpecError with the file and the key if it is invalid."""
    from pydantic import TypeAdapter, ValidationError

    try:
        plain = load_toml(path)
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot be read ({error})", where=path, remedy="fix the TOML file") from error
    if "name" in plain:
        raise SpecError(
            "is not a key of a claim card",
            where=f"{path} name",
            remedy="remove it: the name of a card is that of its file",
        )
    try:
        card = TypeAdapter(ClaimCard).validate_python({"name": path.stem, **plain})
    except ValidationError as error:
        # A misspelt key is also reported as missing: the unknown key is the cause.
        first = min(error.errors(), key=lambda problem: problem["type"] != _UNKNOWN)
        raise _explain(path, plain, first) from error
    for where, message, remedy in _faults(card):
        raise SpecError(message, where=f"{path} {where}", remedy=remedy)
    return card


def _explain(path: Path, plain: Mapping[str, Any], problem: Mapping[str, Any]) -> SpecError:
    """The error of pydantic in one line."""
    *above, key = problem["loc"]
    where = f"{path} {_place(plain, above)}{key}"
    if problem["type"] == _UNKNOWN:
        table = _TABLES.get(str(above[0]), ClaimCard) if above else ClaimCard
        known = {each.name for each in fields(table)} - (set() if above else {"name"})
        return SpecError("is not a key of a claim card", where=where, remedy=did_you_mean(str(key), known))
    if problem["type"] == "missing":
        return SpecError("is missing", where=where, remedy=f"add {key} = ...")
    return SpecError(f"invalid value {problem['input']!r}: {problem['msg']}", where=where, remedy="fix the TOML file")


def _place(plain: Mapping[str, Any], above: list[Any]) -> str:
    """A table as in the file: ``[[rows]] 'as published' ``."""
    if len(above) < 2:
        return "".join(f"[{table}] " for table in above)
    table, number, *rest = above
    found = plain[table][number]
    name = found.get("name", number + 1) if isinstance(found, dict) else number + 1
    return "".join(f"{part} " for part in (f"[[{table}]]", repr(name), *rest))


def _faults(card: ClaimCard) -> Iterator[tuple[str, str, str]]:
    """Errors across keys, each with where, what, and the remedy."""
    for table, entries in (("reported", card.reported), ("rows", card.rows)):
        names = [entry.name for entry in entries]
        if not names and (card.split is None or card.rows):
            yield f"[[{table}]]", "is missing", f"add a [[{table}]]"
        for name in names:
            if not name.strip() or "," in name or names.count(name) > 1:
                yield (
                    f"[[{table}]] {name!r}",
                    "is not a unique name without commas",
                    "give each a name of its own, without commas",
                )
    metrics = load_registry().metrics
    if card.metric not in metrics:
        yield "metric", f"no metric {card.metric!r}", did_you_mean(card.metric, metrics)
    for reported in card.reported:
        bounds = metrics[card.metric].component.bounds if card.metric in metrics else (-inf, inf)
        yield from _faults_of_reported(reported, bounds)
    for row in card.rows:
        yield from _faults_of_row(card, row)
    if card.split:
        yield from card.split.faults()
    yield from _faults_of_specs("dataset", card.dataset, *([card.twin.dataset] if card.twin else ()))


def _faults_of_specs(where: str, *specs: str) -> Iterator[tuple[str, str, str]]:
    for text in specs:
        try:
            parse_spec(text)
        except SpecError as error:
            yield where, f"{error.where} {error.message}", error.remedy


def _faults_of_reported(reported: ReportedScore, bounds: tuple[float, float]) -> Iterator[tuple[str, str, str]]:
    where = f"[[reported]] {reported.name!r}"
    one = reported.value is not None and reported.low is None and reported.high is None
    both = reported.value is None and reported.low is not None and reported.high is not None
    if not (one or both):
        yield where, "is neither one value nor a range", "give value, or low and high"
    elif not bounds[0] <= reported.bounds[0] <= reported.bounds[1] <= bounds[1]:
        remedy = "give 0.9672 for 96.72 %, low before high" if bounds[1] == 1 else "give low before high"
        yield where, f"{reported.bounds} is not between {bounds[0]:g} and {bounds[1]:g}", remedy
    for key in ("how", "source"):
        if not getattr(reported, key).strip():
            yield f"{where} {key}", "is empty", "describe the published evaluation and cite it"
    if reported.protocol is not None and not is_protocol(reported.protocol):
        yield f"{where} protocol", f"no protocol {reported.protocol!r}", did_you_mean(reported.protocol, PROTOCOLS)


def _faults_of_row(card: ClaimCard, row: ClaimRow) -> Iterator[tuple[str, str, str]]:
    where = f"[[rows]] {row.name!r}"
    if not is_protocol(row.protocol):
        yield f"{where} protocol", f"no protocol {row.protocol!r}", did_you_mean(row.protocol, PROTOCOLS)
    names = [reported.name for reported in card.reported]
    if row.reported is not None and row.reported not in names:
        yield f"{where} reported", f"nothing is reported as {row.reported!r}", did_you_mean(row.reported, names)
    yield from _faults_of_specs(f"{where} method", row.method)
    yield from _faults_of_specs(f"{where} against", *row.against)
