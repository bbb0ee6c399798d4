"""Summary of a claim card in sentences: scores of rows that leak against rows that do not."""

from collections.abc import Iterator, Sequence

from mmbench.registry import find_recorded_metric
from mmbench.results import Comparison
from mmbench.workflows.claims.results import RowResult


def summarize(rows: Sequence[RowResult], simulated: bool) -> str:
    """Summary of the rows that were run; "" if there is neither a leaking nor a valid one."""
    leaky = [row for row in rows if row.leaks]
    valid = [row for row in rows if row.is_valid]
    unknown = [row for row in rows if row.unknown]
    if not (leaky or valid or unknown):
        return ""
    ranges = [_ranges(leaky, valid)] if leaky or valid else []
    sentences = [*ranges, *_only_held_out(leaky, valid), *_singles(valid), *_checkpoints(unknown)]
    return ("On simulated data, " if simulated else "") + " ".join(sentences)


def _ranges(leaky: Sequence[RowResult], valid: Sequence[RowResult]) -> str:
    if not leaky:
        return f"{_range(valid, 'valid')}; no leaking row was run."
    if not valid:
        return f"{_range(leaky, 'leaking')}; no valid row was run."
    leaking_scores, valid_scores = [row.scores[0].value for row in leaky], [row.scores[0].value for row in valid]
    least, most = min(leaking_scores) - max(valid_scores), max(leaking_scores) - min(valid_scores)
    metric, show, unit = leaky[0].metric, _difference, _points(leaky[0].metric)
    span = f"{show(metric, least)} to {show(metric, most)} {unit}{metric.replace('_', ' ')}"
    apart = "they overlap" if least <= 0 <= most else f"{span} between them"
    return f"{_range(leaky, 'leaking')}, {_range(valid, 'valid')}: {apart}."


def _points(metric: str) -> str:
    """The unit of differences by a metric between 0 and 1, which are given in points; "" for other metrics."""
    return "points of " if find_recorded_metric(metric).bounds == (0, 1) else ""


def _difference(metric: str, difference: float) -> str:
    """A difference with its sign: in points, or in the units of a metric without bounds."""
    return f"{100 * difference:+.1f}" if _points(metric) else f"{difference:+.3f}"


def _checkpoints(rows: Sequence[RowResult]) -> Iterator[str]:
    """The scores of weights of unknown training."""
    if rows:
        yield f"{_range(rows, 'checkpoint')}, perhaps on samples that it was trained on."


def _range(rows: Sequence[RowResult], kind: str) -> str:
    scores = [row.scores[0].value for row in rows]
    low, high = f"{min(scores):.3f}", f"{max(scores):.3f}"
    count = f"1 {kind} row scores" if len(rows) == 1 else f"{len(rows)} {kind} rows score"
    return f"{count} {low}" + (f" to {high}" if high != low else "")


def _only_held_out(leaky: Sequence[RowResult], valid: Sequence[RowResult]) -> Iterator[str]:
    """Changes of the score between pairs of rows that differ only in the protocol."""
    for row in leaky:
        changed = [
            f"{other.row.name} {_difference(row.metric, other.scores[0].value - row.scores[0].value)}"
            for other in valid
            if row.same_but_held_out(other)
        ]
        if changed:
            points = ", in points" if _points(row.metric) else ""
            yield f"Changing only the protocol of {row.row.name!r}{points}: {', '.join(changed)}."


_EFFECTS = {"helps": "significantly better", "hurts": "significantly worse", "not shown": "not significant"}


def _singles(rows: Sequence[RowResult]) -> Iterator[str]:
    """Verdicts on fusion against the best single modality that was run."""
    words = [f"{row.row.name} {word}" for row in rows if row.comparison and (word := _on_single(row.comparison))]
    if words:
        metric = next(row.comparison.metric_title for row in rows if row.comparison)
        yield f"Fusion against the best single modality, by {metric}: {', '.join(words)}."


def _on_single(comparison: Comparison) -> str:
    """The verdict and its p; "" if no single modality was run."""
    if effect := comparison.fusion_effect:
        return f"{_EFFECTS[effect.word]} (p {effect.p:.3f})"
    verdicts = {verdict.against: verdict for verdict in comparison.verdicts}
    verdict = verdicts.get(comparison.best_single or "")
    return f"{verdict.word} (p {verdict.p:.3f})" if verdict else ""
