"""What was published of a method beside what running it here gives, row by row from its claim cards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mmbench.errors import JobError, ProtocolError, SpecError, TrainingError
from mmbench.registry import Registry, load_registry, parse_spec
from mmbench.results import Comparison, describe_failures
from mmbench.storage import current_reporter
from mmbench.workflows.claims.answers import RowResult
from mmbench.workflows.claims.cards import ClaimCard, ClaimRow
from mmbench.workflows.claims.commands import claim_command, run_command
from mmbench.workflows.claims.questions import ClaimSpec, Question, choose_cards, make_question
from mmbench.workflows.claims.summaries import summarize
from mmbench.workflows.reuse import Recalled, Shelf, read_shelf, recall
from mmbench.workflows.run import run_spec


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

    @property
    def summary(self) -> str:
        """What the rows that were run say together, in words."""
        return summarize(self.rows, self.simulated)

    def to_json(self) -> dict[str, Any]:
        """The card and its rows as plain values."""
        card = self.card
        return {
            "card": card.name,
            **{name: getattr(card, name) for name in ("title", "dataset", "task", "metric")},
            "on": self.on,
            "simulated": self.simulated,
            "command": self.command,
            "summary": self.summary,
            "reported": [asdict(reported) for reported in card.reported],
            "rows": [row.to_json() for row in self.rows],
        }


@dataclass(frozen=True)
class ClaimResult:
    """The cards of a method; ``damaged`` tells of files among the records that cannot be read.

    ``failed`` are the reasons of rows that were run now and of which jobs failed.
    """

    method: str
    cards: tuple[CardResult, ...]
    damaged: tuple[str, ...]
    failed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything the tables tell, the commands and the folds, as plain values."""
        return {
            "method": self.method,
            "cards": [card.to_json() for card in self.cards],
            "damaged": list(self.damaged),
            "failed": list(self.failed),
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
    done, failed = _run_all([question for rows in asked for _, question in rows]) if spec.run else ({}, ())
    shelf = read_shelf(spec.out)
    results = [
        _collect(registry, card, [_answer(registry, card, *asking, shelf, done) for asking in rows], spec)
        for card, rows in zip(cards, asked, strict=True)
        if rows
    ]
    return ClaimResult(spec.method, tuple(results), shelf.damaged, failed)


def _wanted(card: ClaimCard, spec: ClaimSpec) -> list[ClaimRow]:
    return [row for row in card.rows if not spec.only or row.name in spec.only]


def _run_all(questions: Sequence[Question]) -> tuple[dict[str, Recalled], tuple[str, ...]]:
    """Run each question once; one that cannot be built or trained keeps its reason, and the others go on.

    With what came of each by its question, and the reasons of those of which jobs failed.
    """
    done: dict[str, Recalled] = {}
    failed: list[str] = []
    for question in questions:
        if question.asking.question not in done:
            current_reporter().message(run_command(question.spec))
            try:
                found = _whole(run_spec(question.spec))
                failed += [found.reason] if found.reason else []
            except JobError as error:
                found = Recalled(None, error.line)
                failed.append(error.line)
            except (SpecError, ProtocolError, TrainingError) as error:
                found = Recalled(None, error.line)
            done[question.asking.question] = found
    return done, tuple(failed)


def _whole(comparison: Comparison) -> Recalled:
    """A comparison as the answer that it is, where none of its jobs failed."""
    for name, failures in comparison.failed.items():
        return Recalled(None, f"{name}: {describe_failures(failures)}")
    return Recalled(comparison)


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
