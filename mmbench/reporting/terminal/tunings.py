"""Tables of a tuning: one per method, a row per fold."""

from rich.console import Group, RenderableType
from rich.text import Text

from mmbench.reporting.number_format import format_score, format_signed
from mmbench.reporting.terminal.layout import path_line, plain_table
from mmbench.tuning import FoldTuning
from mmbench.workflows import MethodTuning, TuningResult


def tuning_tables(result: TuningResult) -> RenderableType:
    """The validation scores of each method with its defaults and with the chosen parameters, and these parameters."""
    parts: list[RenderableType] = [Text(f"{result.dataset} · protocol {result.protocol} · tuning", style="bold")]
    for method in result.methods:
        parts += _parts(method)
    once = any(method.settings["scope"] == "once" for method in result.methods)
    lines = [f"default, best: {result.metric_title} on the validation part; the test part is not used"]
    if any(tuning.lower_is_better for method in result.methods for tuning in method.folds):
        lines.append("lower is better; gain: by how much it is lower than with the defaults")
    if once:
        lines.append("TUNED ON THE FIRST FOLD ONLY (--tune-scope once): test samples of other folds were used")
    lines += [f"failed: {failure.line}" for failure in result.failed]
    paths = [path_line(method.name, method.folder) for method in result.methods]
    studies = Text(f"studies: {result.storage or 'sqlite, tuning.db in each of these folders'}", style="dim")
    return Group(*parts, Text("\n".join(lines), style="dim"), *paths, studies)


def _parts(method: MethodTuning) -> list[RenderableType]:
    table = plain_table("fold")
    for heading in ("tuning trials", "pruned", "failed", "default", "best", "gain", "best trial"):
        table.add_column(heading, justify="right", no_wrap=True)
    for tuning in method.folds:
        table.add_row(*map(Text, _row(tuning)))
    chosen = [Text(f"fold {tuning.fold}: {_chosen(tuning)}") for tuning in method.folds]
    return [Text(f"\n{method.name}", style="bold"), table, *chosen]


def _row(tuning: FoldTuning) -> tuple[str, ...]:
    best = tuning.chosen
    default = tuning.default
    return (
        tuning.fold,
        str(len(tuning.trials)),
        str(tuning.count("pruned")),
        str(tuning.count("failed")),
        "failed" if default is None else format_score(default),
        "–" if best.score is None else format_score(best.score),
        "–" if default is None or best.score is None else format_signed(_gain(tuning, best.score, default)),
        str(best.number),
    )


def _gain(tuning: FoldTuning, best: float, default: float) -> float:
    return default - best if tuning.lower_is_better else best - default


def _chosen(tuning: FoldTuning) -> str:
    """The chosen parameters as text."""
    if not tuning.chosen.params:
        return "nothing to tune"
    if tuning.chosen.number == 0:
        return "the defaults"
    return ", ".join(f"{name}={_short(value)}" for name, value in tuning.chosen.params.items())


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
