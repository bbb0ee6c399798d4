"""Standings of a leaderboard: the scores and costs of each run, and pairwise comparisons."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmbench.reporting.leaderboards.boards import Board
from mmbench.results import Interval, MethodResult, Pair, compare_pairs
from mmbench.storage import counted


@dataclass(frozen=True)
class Standing:
    """One run: its rank, whether it is tied with the best (not significantly worse), its scores and its cost.

    ``is_strong`` marks a tied run on a board where some run is not tied.
    ``last`` and ``oracle`` are the changes of the score at the last epoch and at the best epoch on test data,
    relative to the chosen epoch; ``calibration`` is the expected calibration error, for values the coverage of 95 %
    intervals; ``budget`` is that of tuning; ``flops`` of one sample and ``train`` in seconds are
    None if they could not be measured; for predictions made elsewhere so are ``last``, ``oracle`` and ``parameters``.
    """

    rank: int
    run: str
    method: str
    is_tied: bool
    is_strong: bool
    scores: Mapping[str, Interval]
    calibration: float | None
    last: float | None
    oracle: float | None
    budget: str
    encoders: str
    seeds: int
    parameters: int | None
    flops: int | None
    train: float | None
    versions: str


def find_standings(board: Board) -> list[Standing]:
    """The standings of all runs of a board, best first."""
    return [_make_standing(board, rank, method) for rank, method in enumerate(board.ranked, 1)]


def find_pairs(board: Board) -> list[Pair]:
    """All pairs of runs of a board, by folder, the better one first."""
    return compare_pairs({method.folder.name: method.outcomes for method in board.ranked})


def _make_standing(board: Board, rank: int, method: MethodResult) -> Standing:
    cost = method.cost
    return Standing(
        rank=rank,
        run=method.folder.name,
        method=method.name,
        is_tied=method.folder.name in board.leaders,
        is_strong=method.folder.name in board.leaders and len(board.leaders) < len(board.ranked),
        scores=method.scores,
        calibration=_calibration(method),
        last=None if method.is_elsewhere else method.gap("last"),
        oracle=None if method.is_elsewhere else method.gap("oracle"),
        budget=describe_budget(method),
        encoders=_encoders(method),
        seeds=len(method.seeds),
        parameters=method.parameters.get("total"),
        flops=cost.flops,
        train=cost.train_seconds,
        versions=_versions(method),
    )


def _calibration(method: MethodResult) -> float | None:
    """The expected calibration error; for values, the coverage of 95 % intervals of the first target."""
    if method.calibration:
        return method.calibration.ece
    coverage = method.residuals.targets[0].coverage if method.residuals else None
    return coverage.mean if coverage else None


def describe_budget(method: MethodResult) -> str:
    """The tuning budget of a run in few words."""
    if method.is_elsewhere:
        return "unknown"
    tuning = method.run.get("tuning")
    if not tuning:
        return "untuned"
    limit = f", at most {tuning['seconds']:g} s" if tuning["seconds"] else ""
    where = "on the first fold only" if tuning["scope"] == "once" else "per fold"
    return f"{counted(tuning['trials'], 'tuning trial')} {where}{limit}"


def _encoders(method: MethodResult) -> str:
    if method.is_elsewhere:
        return "unknown"
    names = [encoder["name"] for encoder in method.run["encoders"].values()]
    return ", ".join(dict.fromkeys(names)) or "none"


def _versions(method: MethodResult) -> str:
    packages = {str(record.environment.get("packages", {}).get("mmbench", "?")) for record in method.records}
    torch = "" if method.is_elsewhere else f", torch {method.run.get('torch', '?')}"
    return f"mmbench {'/'.join(sorted(packages))}{torch}"
