"""What a leaderboard tells of each run, and of each two."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from mmbench.reporting.leaderboards.boards import Board
from mmbench.results import Interval, MethodResult, make_method_scores, pairwise_weights


@dataclass(frozen=True)
class Standing:
    """One run: its rank, whether evidence tells it from the best, its scores and what they were bought with.

    ``oracle`` is the balanced accuracy that picking the epoch on test labels would have added; ``budget`` what tuning
    might spend; ``encoders`` what read the modalities it saw; ``flops`` of one sample and ``train`` in seconds are None
    where they could not be measured.
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
    seeds: int
    parameters: int
    flops: int | None
    train: float | None
    versions: str


@dataclass(frozen=True)
class Pair:
    """What one run has over another in balanced accuracy, paired; adjusted for all pairs of the board."""

    first: str
    second: str
    difference: Interval
    p: float


def find_standings(board: Board) -> list[Standing]:
    """All runs of a board, the best first."""
    return [_stand(board, rank, method) for rank, method in enumerate(board.ranked, 1)]


def find_pairs(board: Board) -> list[Pair]:
    """Each two runs of a board, the better one first."""
    field = make_method_scores({method.folder.name: method.outcomes for method in board.ranked})
    pairs = list(combinations(range(len(field.names)), 2))
    return [
        Pair(field.names[first], field.names[second], contrast.interval, contrast.p)
        for (first, second), contrast in zip(
            pairs, field.contrasts(pairwise_weights(pairs, len(field.names))) if pairs else [], strict=True
        )
    ]


def _stand(board: Board, rank: int, method: MethodResult) -> Standing:
    cost = method.cost
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
        seeds=len({record.seed for record in method.records}),
        parameters=method.parameters["total"],
        flops=cost.flops,
        train=cost.train_seconds,
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
    return f"mmbench {'/'.join(sorted(packages))}, torch {method.run.get('torch', '?')}"
