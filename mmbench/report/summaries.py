"""A claim card in words: what the rows that leak and those that do not are apart."""

from collections.abc import Iterator, Sequence

from mmbench.claims import CardResult, RowResult


def summary_lines(result: CardResult) -> Iterator[str]:
    """Sentences about the rows that were run; nothing where none was."""
    leaky = [row for row in result.rows if row.leaks]
    honest = [row for row in result.rows if row.honest]
    if not (leaky or honest):
        return
    yield "On simulated data:" if result.simulated else "In words:"
    if leaky:
        groups = " or ".join(dict.fromkeys(group for row in leaky for group in row.leaks))
        yield f"where test samples share their {groups} with the training part, {_range(leaky)}."
    if honest:
        yield f"where they share none and no test label chose the epoch, {_range(honest)}."
    if leaky and honest:
        yield _apart(result, leaky, honest)
    yield from _singles(honest)


def _range(rows: Sequence[RowResult]) -> str:
    scores = [row.scores[0].value for row in rows]
    low, high = f"{min(scores):.3f}", f"{max(scores):.3f}"
    return f"{len(rows)} row(s) score {low}" + (f" to {high}" if high != low else "")


def _apart(result: CardResult, leaky: Sequence[RowResult], honest: Sequence[RowResult]) -> str:
    ours = [row.scores[0].value for row in leaky]
    theirs = [row.scores[0].value for row in honest]
    least, most = 100 * (min(ours) - max(theirs)), 100 * (max(ours) - min(theirs))
    metric = result.card.metric.replace("_", " ")
    if least <= 0 <= most:
        return f"The two overlap: from {least:+.1f} to {most:+.1f} points of {metric}."
    return f"Between them lie {least:+.1f} to {most:+.1f} points of {metric}."


def _singles(rows: Sequence[RowResult]) -> Iterator[str]:
    """What fusing is worth over the best single modality, where that was asked."""
    for row in rows:
        assert row.comparison is not None
        best = row.comparison.best_single
        verdict = next((each for each in row.comparison.verdicts if each.against == best), None)
        if verdict:
            p = f"{verdict.p:.3f}"
            yield f"{row.row.name}: fusing over {best} alone, {verdict.word} (balanced accuracy, p {p})."
