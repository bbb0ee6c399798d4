"""``mmbench claim``: published scores of a method next to those of runs here, row by row from its claim cards."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mmbench.errors import DataError, JobError, ProtocolError, SpecError, TrainingError, WeightsError
from mmbench.registry import Registry, load_registry, parse_spec
from mmbench.results import Comparison, Displayed, describe_failures
from mmbench.storage import counted, current_reporter
from mmbench.workflows.claims.cards import ClaimCard, ClaimRow
from mmbench.workflows.claims.commands import claim_command, run_command
from mmbench.workflows.claims.published_splits import AuditedSplit
from mmbench.workflows.claims.results import RowResult
from mmbench.workflows.claims.rows import (
    ClaimSpec,
    RowRun,
    choose_cards,
    describe_missing_dataset,
    make_row_run,
)
from mmbench.workflows.claims.summaries import summarize
from mmbench.workflows.reuse import EarlierComparisons, Reuse, find_comparisons, find_reusable
from mmbench.workflows.run import run_spec
from mmbench.workflows.split_audit.overlaps import audit_split


@dataclass(frozen=True)
class CardResult:
    """Results of a card; ``on`` is the dataset of its runs, ``simulated`` whether that is simulated.

    ``command`` runs every row that is missing, ``simulated_command`` all rows on the simulated counterpart ("" where
    there is none, or the rows are run on it); ``split`` is the published split, if the card has one.
    """

    card: ClaimCard
    on: str
    rows: tuple[RowResult, ...]
    simulated: bool
    command: str
    split: AuditedSplit | None = None
    simulated_command: str = ""

    @property
    def is_twin(self) -> bool:
        """Whether the rows are run on the simulated twin instead of the dataset of the claim."""
        return parse_spec(self.on).name != parse_spec(self.card.dataset).name

    @property
    def summary(self) -> str:
        """Summary of the rows that were run, in sentences."""
        return summarize(self.rows, self.simulated)

    def to_json(self) -> dict[str, Any]:
        """The card and its rows, for JSON."""
        card = self.card
        return {
            "card": card.name,
            **{name: getattr(card, name) for name in ("title", "dataset", "task", "metric")},
            "on": self.on,
            "simulated": self.simulated,
            "command": self.command,
            "simulated_command": self.simulated_command,
            "note": card.note,
            "summary": self.summary,
            "reported": [asdict(reported) for reported in card.reported],
            "rows": [row.to_json() for row in self.rows],
            "split": self.split.to_json() if self.split else None,
        }


@dataclass(frozen=True, repr=False)
class ClaimResult(Displayed):
    """Results of a method's cards; ``damaged`` are files of comparisons that cannot be read.

    ``failed`` are the reasons of rows that could not be run in this call.
    """

    method: str
    cards: tuple[CardResult, ...]
    damaged: tuple[str, ...]
    failed: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """The method, its cards and their state in one line."""
        return f"{self.method}: {', '.join(card.card.name for card in self.cards) or 'no card'}"

    @property
    def differs(self) -> bool:
        """Whether the file of a split is not the split of its card."""
        return any(card.split.differs for card in self.cards if card.split)

    @property
    def failure(self) -> str:
        """How many of the rows that were run in this call failed, and which; "" where none did."""
        rows = [row for card in self.cards for row in card.rows]
        names = [row.row.name for row in rows if row.comparison is None and row.reason in self.failed]
        if not names:
            return ""
        if not any(row.comparison for row in rows):
            return f"every row that was run failed: {', '.join(names)}"
        return f"{counted(len(names), 'row')} of {len(rows)} failed: {', '.join(names)}"

    def to_json(self) -> dict[str, Any]:
        """All tables with commands and folds, for JSON."""
        return {
            "method": self.method,
            "cards": [card.to_json() for card in self.cards],
            "damaged": list(self.damaged),
            "failed": list(self.failed),
        }


def claim(method: str, card: str | None = None, **options: Any) -> ClaimResult:
    """Compare published scores of ``method`` with runs here; ``run=True`` runs the missing rows.

    Options are those of `ClaimSpec`. Without ``run`` nothing is trained, and files of the dataset are read only where
    its schema depends on them. Raises UserError for invalid input.
    """
    return claim_spec(ClaimSpec(method, card, **options))


def claim_spec(spec: ClaimSpec) -> ClaimResult:
    """Compare published scores with runs, from a spec."""
    registry = load_registry(spec.plugins)
    cards = choose_cards(registry, spec)
    missing = [describe_missing_dataset(registry, card, spec.on) for card in cards]
    runs_of_cards = [
        [] if reason else [(row, make_row_run(registry, card, row, spec)) for row in _choose_rows(card, spec)]
        for card, reason in zip(cards, missing, strict=True)
    ]
    runs = [row_run for rows in runs_of_cards for row, row_run in rows if not needs_checkpoint(row, spec)]
    done, failed = _run_all(runs) if spec.run else ({}, ())
    earlier = find_comparisons(spec.out)
    results = [
        _list_without_dataset(card, reason, spec)
        if reason
        else _collect(
            registry, card, [_make_row_result(registry, card, *each, earlier, done, spec) for each in rows], spec
        )
        for card, rows, reason in zip(cards, runs_of_cards, missing, strict=True)
        if _choose_rows(card, spec) or (card.split and not spec.only)
    ]
    failed += tuple(filter(None, missing)) if spec.run else ()
    return ClaimResult(spec.method, tuple(results), earlier.damaged, failed)


def _choose_rows(card: ClaimCard, spec: ClaimSpec) -> list[ClaimRow]:
    return [row for row in card.rows if not spec.only or row.name in spec.only]


def _run_all(row_runs: Sequence[RowRun]) -> tuple[dict[str, Reuse], tuple[str, ...]]:
    """Run each distinct comparison once; rows that cannot be built or trained get a reason, and the others go on.

    Returns results by comparison key, and the reasons of those that failed.
    """
    done: dict[str, Reuse] = {}
    failed: list[str] = []
    for row_run in row_runs:
        if row_run.key.question not in done:
            current_reporter().message(run_command(row_run.spec))
            try:
                reuse = _check_complete(run_spec(row_run.spec))
                failed += [reuse.reason] if reuse.reason else []
            except (DataError, JobError, SpecError, ProtocolError, TrainingError, WeightsError) as error:
                reuse = Reuse(None, error.line)
                failed.append(error.line)
            done[row_run.key.question] = reuse
    return done, tuple(failed)


def _check_complete(comparison: Comparison) -> Reuse:
    """The comparison if no job failed, else the reason."""
    for name, failures in comparison.failed.items():
        return Reuse(None, f"{name}: {describe_failures(failures)}")
    return Reuse(comparison)


def _make_row_result(
    registry: Registry,
    card: ClaimCard,
    row: ClaimRow,
    row_run: RowRun,
    earlier: EarlierComparisons,
    done: Mapping[str, Reuse],
    spec: ClaimSpec,
) -> RowResult:
    found = done.get(row_run.key.question) or find_reusable(earlier, row_run.key, row_run.seeds)
    command = run_command(row_run.spec, _data_folder(registry, row_run.spec.dataset, row_run.spec.data))
    reported = card.reported_for(row)
    reason = "give --checkpoint FILE" if needs_checkpoint(row, spec) else found.reason
    return RowResult(row, reported, card.metric, command, found.comparison, reason, row_run.left_out)


def needs_checkpoint(row: ClaimRow, spec: ClaimSpec) -> bool:
    """Whether a row scores a file of weights that was not given."""
    return row.checkpoint and spec.checkpoint is None


def _collect(registry: Registry, card: ClaimCard, rows: Sequence[RowResult], spec: ClaimSpec) -> CardResult:
    on, split = spec.on or card.dataset, _audit_split(card, spec)
    if not card.rows:  # nothing is run, and the dataset may be unknown here
        return CardResult(card, on, (), False, "", split)
    simulated = _find_access(registry, on) == "simulated"
    simulated = simulated or any(row.comparison.simulated for row in rows if row.comparison)
    command = claim_command(spec, card.name, _data_folder(registry, on, spec.data))
    return CardResult(card, on, tuple(rows), simulated, command, split, _simulated_command(registry, card, spec))


def _simulated_command(registry: Registry, card: ClaimCard, spec: ClaimSpec) -> str:
    """The command that runs the rows on the simulated counterpart; "" where there is none, or it was named."""
    name = parse_spec(card.twin.dataset).name if card.twin else ""
    if spec.on is not None or name not in registry.datasets:
        return ""
    return claim_command(replace(spec, on=name), card.name)


def _list_without_dataset(card: ClaimCard, reason: str, spec: ClaimSpec) -> CardResult:
    """A card whose dataset is not installed: the ``reason`` for each row, and the split, which needs no dataset."""
    rows = [RowResult(row, card.reported_for(row), card.metric, "", None, reason) for row in _choose_rows(card, spec)]
    return CardResult(card, spec.on or card.dataset, tuple(rows), False, "", _audit_split(card, spec))


def _audit_split(card: ClaimCard, spec: ClaimSpec) -> AuditedSplit | None:
    """The published split of a card, with the audit of the given file."""
    if (split := card.split) is None:
        return None
    return AuditedSplit(split, audit_split(spec.split, split.groups, split.from_name) if spec.split else None)


def _data_folder(registry: Registry, dataset: str, folder: object) -> str | None:
    """The value of ``--data``: the folder, DIR where the user must give it, None if none is needed."""
    found = None if _find_access(registry, dataset) in ("simulated", "bundled") else "DIR"
    return str(folder) if folder else found


def _find_access(registry: Registry, dataset: str) -> str:
    return str(registry.find("datasets", parse_spec(dataset).name).component.card.access)
