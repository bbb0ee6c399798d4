"""A claim card in words: how far the rows that leak and the honest ones are apart."""

from collections.abc import Iterator, Sequence

from mmbench.results import Verdict
from mmbench.workflows.claims.results import RowResult


def summarize(rows: Sequence[RowResult], simulated: bool) -> str:
    """What the rows that were run say together; "" where none leaks and none is honest."""
    leaky = [row for row in rows if row.leaks]
    honest = [row for row in rows if row.honest]
    if not (leaky or honest):
        return ""
    said = [_ranges(leaky, honest), *_only_held_out(leaky, honest), *_singles(honest)]
    return ("On simulated data, " if simulated else "") + " ".join(said)


def _ranges(leaky: Sequence[RowResult], honest: Sequence[RowResult]) -> str:
    if not leaky:
        return f"{_range(honest, 'honest')}; none that leaks was run."
    if not honest:
        return f"{_range(leaky, 'leaking')}; no honest one was run."
    ours, theirs = [row.scores[0].value for row in leaky], [row.scores[0].value for row in honest]
    least, most = 100 * (min(ours) - max(theirs)), 100 * (max(ours) - min(theirs))
    metric = leaky[0].metric.replace("_", " ")
    apart = "they overlap" if least <= 0 <= most else f"{least:+.1f} to {most:+.1f} points of {metric} between them"
    return f"{_range(leaky, 'leaking')}, {_range(honest, 'honest')}: {apart}."


def _range(rows: Sequence[RowResult], kind: str) -> str:
    scores = [row.scores[0].value for row in rows]
    low, high = f"{min(scores):.3f}", f"{max(scores):.3f}"
    return f"{len(rows)} {kind} row(s) score {low}" + (f" to {high}" if high != low else "")


def _only_held_out(leaky: Sequence[RowResult], honest: Sequence[RowResult]) -> Iterator[str]:
    """What it changes to hold samples out otherwise, where all else in two rows is the same."""
    for row in leaky:
        changed = [
            f"{other.row.name} {100 * (other.scores[0].value - row.scores[0].value):+.1f}"
            for other in honest
            if row.same_but_held_out(other)
        ]
        if changed:
            yield f"With nothing changed from {row.row.name!r} but what is held out, in points: {', '.join(changed)}."


def _singles(rows: Sequence[RowResult]) -> Iterator[str]:
    """Whether fusing scores over the best single modality, where that was asked."""
    told = [f"{row.row.name} {verdict.word} (p {verdict.p:.3f})" for row in rows if (verdict := _single(row))]
    if told:
        yield f"Fusing, against the best single modality by balanced accuracy: {', '.join(told)}."


def _single(row: RowResult) -> Verdict | None:
    if row.comparison is None:
        return None
    best = row.comparison.best_single
    return next((verdict for verdict in row.comparison.verdicts if verdict.against == best), None)
