"""What a leaderboard tells of each run, and of each two."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from mmbench.comparison import MethodResult
from mmbench.leaderboards.boards import Board
from mmbench.report.quantities import short_count, short_time
from mmbench.statistics import Interval, difference_intervals
from mmbench.statistics.paired import holm, permutation_p


@dataclass(frozen=True)
class Standing:
    """One run: its rank, whether evidence tells it from the best, its scores and what they were bought with.

    ``oracle`` is the balanced accuracy that picking the epoch on test labels would have added; ``budget`` what tuning
    might spend; ``encoders`` what read the modalities it saw.
    """

    rank: int
    run: str
    method: str
    is_tied: bool
    scores: Mapping[str, Interval]
    ece: float
    last: float
    oracle: float
    budget: str
    encoders: str
    modalities: str
    seeds: int
    parameters: str
    flops: str
    train: str
    versions: str


@dataclass(frozen=True)
class Pair:
    """What one run has over another in balanced accuracy, paired; ``p`` is adjusted for all pairs of the board."""

    first: str
    second: str
    difference: Interval
    p: float


def find_standings(board: Board) -> list[Standing]:
    """All runs of a board, the best first."""
    return [_stand(board, rank, method) for rank, method in enumerate(board.ranked, 1)]


def find_pairs(board: Board) -> list[Pair]:
    """Each two runs of a board, the better one first (permutation test over units, Holm over all pairs)."""
    pairs = list(combinations(board.ranked, 2))
    adjusted = holm([permutation_p(first.counts, second.counts) for first, second in pairs])
    return [
        Pair(first.folder.name, second.folder.name, _difference(first, second), p)
        for (first, second), p in zip(pairs, adjusted, strict=True)
    ]


def _difference(first: MethodResult, second: MethodResult) -> Interval:
    return difference_intervals(first.counts, second.counts)["balanced_accuracy"]


def _stand(board: Board, rank: int, method: MethodResult) -> Standing:
    run, cost = method.run, method.cost
    return Standing(
        rank=rank,
        run=method.folder.name,
        method=method.name,
        is_tied=method.folder.name in board.leaders,
        scores=method.scores,
        ece=method.calibration.ece,
        last=method.gap("last"),
        oracle=method.gap("oracle"),
        budget=budget_of(method),
        encoders=_encoders(method),
        modalities=", ".join(run["modalities"]),
        seeds=len({record.seed for record in method.records}),
        parameters=short_count(method.parameters["total"]),
        flops="–" if cost.flops is None else short_count(cost.flops),
        train="–" if cost.train_seconds is None else short_time(cost.train_seconds),
        versions=_versions(method),
    )


def budget_of(method: MethodResult) -> str:
    """What a run might spend on tuning, in few words."""
    tuning = method.run.get("tuning")
    if not tuning:
        return "untuned"
    limit = f", at most {tuning['seconds']:g} s" if tuning["seconds"] else ""
    where = "on the first fold only" if tuning["scope"] == "once" else "a fold"
    return f"{tuning['trials']} trials {where}{limit}"


def _encoders(method: MethodResult) -> str:
    names = [encoder["name"] for encoder in method.run["encoders"].values()]
    return ", ".join(dict.fromkeys(names)) or "none"


def _versions(method: MethodResult) -> str:
    packages = {str(record.environment.get("packages", {}).get("mmbench", "?")) for record in method.records}
    return f"mmbench {'/'.join(sorted(packages))}, torch {method.run['torch']}"
