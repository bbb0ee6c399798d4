"""What was published of a method beside what running it here gives, row by row from its claim cards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mmbench.cards import ClaimCard, ClaimRow, EpochRule, Reported
from mmbench.commands import claim_command, run_command
from mmbench.comparison import Comparison, MethodResult, describe_method
from mmbench.errors import ProtocolError, SpecError, TrainingError
from mmbench.experiment import run_spec
from mmbench.plugins import Registry, load_registry
from mmbench.progress import reporter
from mmbench.questions import ClaimSpec, Question, choose_cards, make_question
from mmbench.recall import Recalled, Shelf, read_shelf, recall
from mmbench.specs import parse_spec
from mmbench.splits import PROTOCOLS
from mmbench.statistics import Interval


@dataclass(frozen=True)
class Score:
    """What one method of a row scored, and what the ``oracle`` epoch scores over the chosen one.

    ``interval`` is None where only the mean over folds is known.
    """

    method: MethodResult
    value: float
    interval: Interval | None
    oracle: float


@dataclass(frozen=True)
class RowResult:
    """A row: the ``comparison`` that answers it, or the ``reason`` why there is none, "" where it was never run.

    ``command`` runs it. ``left_out`` names parameters of the dataset that the twin does not have.
    """

    row: ClaimRow
    reported: Reported
    metric: str
    command: str
    comparison: Comparison | None
    reason: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[Score, ...]:
        """The method's score and those of its baselines, at the epoch that the row is about; none where not run."""
        methods = self.comparison.methods if self.comparison else ()
        return tuple(_score(method, self.row.score, self.metric) for method in methods)

    @property
    def over_reported(self) -> float | None:
        """By how much the method scores above what was reported, or below; None where not run, or on simulated data."""
        if self.comparison is None or self.comparison.simulated:
            return None
        return self.reported.gap(self.scores[0].value)

    @property
    def leaks(self) -> Mapping[str, float]:
        """The shares of test samples whose trial, session ... is in the training part, too, as the records tell."""
        shares = self.comparison.run["straddling"] if self.comparison else {}
        return {group: share for group, share in shares.items() if share > 0}

    @property
    def honest(self) -> bool:
        """Whether it was run, nothing leaks, and no test label chose the epoch."""
        return self.comparison is not None and not self.leaks and self.row.score != "oracle"

    def same_but_held_out(self, other: "RowResult") -> bool:
        """Whether two rows differ in nothing but how samples are held out, and what they are compared with."""
        free: dict[str, Any] = {"name": "", "protocol": "", "folds": None, "against": (), "reported": None}
        return replace(self.row, **free) == replace(other.row, **free)

    def to_json(self) -> dict[str, Any]:
        """Everything that is known of the row, as plain values."""
        row, comparison = self.row, self.comparison
        return {
            "name": row.name,
            "run": comparison is not None,
            "reason": self.reason,
            "command": self.command,
            "protocol": row.protocol,
            "held_out": PROTOCOLS[row.protocol].summary,
            "epoch": row.score,
            "reported": self.reported.name,
            "left_out": list(self.left_out),
            "straddling": dict(comparison.run["straddling"]) if comparison else None,
            "honest": self.honest,
            "simulated": comparison.simulated if comparison else None,
            "majority": comparison.majority if comparison else None,
            "best_single": comparison.best_single if comparison else None,
            "verdicts": [asdict(verdict) for verdict in comparison.verdicts] if comparison else [],
            "records": str(comparison.path) if comparison else None,
            "scores": [self._score_json(score) for score in self.scores],
            "over_reported": self.over_reported,
        }

    def _score_json(self, score: Score) -> dict[str, Any]:
        return {
            "method": score.method.name,
            "value": score.value,
            "interval": asdict(score.interval) if score.interval else None,
            "oracle_gap": score.oracle,
            "details": describe_method(score.method),
        }


@dataclass(frozen=True)
class CardResult:
    """A card and its rows; ``on`` is the dataset they are run on, ``simulated`` whether that is made up.

    ``command`` runs every row that is missing.
    """

    card: ClaimCard
    on: str
    rows: tuple[RowResult, ...]
    simulated: bool
    command: str

    @property
    def is_twin(self) -> bool:
        """Whether the rows are run on the twin in place of the data that the claim is about."""
        return parse_spec(self.on).name != parse_spec(self.card.dataset).name

    def to_json(self) -> dict[str, Any]:
        """The card and its rows as plain values."""
        card = self.card
        return {
            "card": card.name,
            **{name: getattr(card, name) for name in ("title", "dataset", "task", "metric")},
            "on": self.on,
            "simulated": self.simulated,
            "command": self.command,
            "reported": [asdict(reported) for reported in card.reported],
            "rows": [row.to_json() for row in self.rows],
        }


@dataclass(frozen=True)
class ClaimResult:
    """The cards of a method; ``damaged`` tells of files among the records that cannot be read."""

    method: str
    cards: tuple[CardResult, ...]
    damaged: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything the tables tell, the commands and the folds, as plain values."""
        return {
            "method": self.method,
            "cards": [card.to_json() for card in self.cards],
            "damaged": list(self.damaged),
        }


def claim(method: str, card: str | None = None, **options: Any) -> ClaimResult:
    """What was published of ``method`` beside what was run here; ``run=True`` runs the rows that are missing.

    Options are those of `ClaimSpec`. Without ``run`` nothing is trained, and no file of the dataset is read where its
    schema is known without. Raises UserError for anything the user can mend.
    """
    return claim_spec(ClaimSpec(method, card, **options))


def claim_spec(spec: ClaimSpec) -> ClaimResult:
    """Examine a claim from its spec."""
    registry = load_registry(spec.plugins)
    cards = choose_cards(registry, spec)
    asked = [[(row, make_question(registry, card, row, spec)) for row in _wanted(card, spec)] for card in cards]
    done = _run_all([question for rows in asked for _, question in rows]) if spec.run else {}
    shelf = read_shelf(spec.out)
    results = [
        _collect(registry, card, [_answer(registry, card, *asking, shelf, done) for asking in rows], spec)
        for card, rows in zip(cards, asked, strict=True)
        if rows
    ]
    return ClaimResult(spec.method, tuple(results), shelf.damaged)


def _wanted(card: ClaimCard, spec: ClaimSpec) -> list[ClaimRow]:
    return [row for row in card.rows if not spec.only or row.name in spec.only]


def _run_all(questions: Sequence[Question]) -> dict[str, Recalled]:
    """Run each question once; one that cannot be built or trained keeps its reason, and the others go on."""
    done: dict[str, Recalled] = {}
    for question in questions:
        if question.asking.question not in done:
            reporter().message(run_command(question.spec))
            try:
                done[question.asking.question] = Recalled(run_spec(question.spec))
            except (SpecError, ProtocolError, TrainingError) as error:
                done[question.asking.question] = Recalled(None, error.line)
    return done


def _answer(
    registry: Registry, card: ClaimCard, row: ClaimRow, question: Question, shelf: Shelf, done: Mapping[str, Recalled]
) -> RowResult:
    found = done.get(question.asking.question) or recall(shelf, question.asking, question.seeds)
    command = run_command(question.spec, _folder(registry, question.spec.dataset, question.spec.data))
    reported = card.reported_for(row)
    return RowResult(row, reported, card.metric, command, found.comparison, found.reason, question.left_out)


def _collect(registry: Registry, card: ClaimCard, rows: Sequence[RowResult], spec: ClaimSpec) -> CardResult:
    on = spec.on or card.dataset
    simulated = _access(registry, on) == "simulated"
    simulated = simulated or any(row.comparison.simulated for row in rows if row.comparison)
    return CardResult(
        card, on, tuple(rows), simulated, claim_command(spec, card.name, _folder(registry, on, spec.data))
    )


def _folder(registry: Registry, dataset: str, given: object) -> str | None:
    """What follows ``--data``: the folder, DIR where the user has to name it, nothing where the dataset finds it."""
    found = None if _access(registry, dataset) in ("simulated", "bundled") else "DIR"
    return str(given) if given else found


def _access(registry: Registry, dataset: str) -> str:
    return str(registry.find("datasets", parse_spec(dataset).name).component.card.access)


def _score(method: MethodResult, rule: EpochRule, metric: str) -> Score:
    oracle = method.gap("oracle", metric)
    if rule == "chosen":
        interval = method.scores[metric]
        return Score(method, interval.mean, interval, oracle)
    return Score(method, method.mean_score(rule, metric), None, oracle)
