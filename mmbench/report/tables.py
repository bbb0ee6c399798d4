"""Tables for the terminal, 80 columns wide, readable without colour."""

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmbench.comparison import Comparison, MethodResult
from mmbench.gaps import gap_lines
from mmbench.statistics import Interval


def comparison_table(comparison: Comparison) -> RenderableType:
    """Methods as rows, best balanced accuracy in bold; what the numbers mean around them."""
    return Group(_headline(comparison), _table(comparison), _footnotes(comparison))


def _headline(comparison: Comparison) -> Text:
    run = comparison.run
    line = f"{run['dataset']} · {run['task']} ({len(run['classes'])} classes) · protocol {run['protocol']}"
    text = Text(line, style="bold")
    for group, share in run["straddling"].items():
        if share > 0:
            warning = f"\nLEAK: {share:.0%} of the test samples share their {group} with the training part."
            text.append(warning, style="bold red")
    if comparison.simulated:
        text.append("\nSIMULATED data: these scores say nothing about people.", style="bold yellow")
    return text


def _table(comparison: Comparison) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("method", overflow="fold")
    for heading in ("bal. accuracy", "accuracy", "macro F1", "oracle", "params", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    best = max(method.scores["balanced_accuracy"].mean for method in comparison.methods)
    for method in comparison.methods:
        is_best = method.scores["balanced_accuracy"].mean == best
        # Text, since the brackets of only[modality=eeg] would be read as markup.
        table.add_row(*map(Text, _row(method)), style="bold" if is_best else "")
    return table


def _row(method: MethodResult) -> tuple[str, ...]:
    scores = method.scores
    gap = method.mean_score("oracle", "balanced_accuracy") - method.mean_score("chosen", "balanced_accuracy")
    return (
        method.name + (" ¹" if method.run["own_encoders"] else ""),
        _interval(scores["balanced_accuracy"]),
        f"{scores['accuracy'].mean:.3f}",
        f"{scores['macro_f1'].mean:.3f}",
        f"+{gap:.3f}",
        short_count(method.parameters["total"]),
        short_time(method.seconds),
    )


def _from_here(path: Path) -> Path:
    """A path as one would type it from the folder we are in."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{_short(interval.low)}, {_short(interval.high)}]"


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0") if value < 1 else "1"


def _footnotes(comparison: Comparison) -> Text:
    run, first = comparison.run, comparison.methods[0]
    seeds = len({record.seed for record in first.records})
    encoders = ", ".join(f"{name}: {encoder['name']}" for name, encoder in first.run["encoders"].items())
    settings = sorted({str(method.run["standardize"]) for method in comparison.methods})
    lines = [
        f"chance {comparison.chance:.3f}, majority class {comparison.majority:.3f} of {len(first.labels)} samples; "
        f"{len(first.records) // seeds} folds, {seeds} seed(s)",
        f"[95 % interval] over {len(first.units)} {run['unit']}s; oracle: gain of picking the epoch on test labels",
        f"encoders {encoders or 'none'}; standardized by {' and '.join(settings)}; splits {run['fingerprint']}",
    ]
    if any(method.run["own_encoders"] for method in comparison.methods):
        lines.append("¹ brings its own encoders and training")
    for method in comparison.methods:
        if method.missing:
            lines.append(f"{method.name}: {method.missing} folds are missing; run the same command again")
    if run["dropped"]:
        lines.append(f"{run['dropped']} unusable samples were left out")
    lines += gap_lines(run.get("gaps", {}))
    lines.append(f"records: {_from_here(comparison.path)}")
    return Text("\n".join(lines), style="dim")


def short_count(number: int) -> str:
    """1234567 as 1.2M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return str(number)


def short_time(seconds: float) -> str:
    """Seconds as 3.2s, 4m10s or 2h05m."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def render(renderable: RenderableType, width: int = 80) -> str:
    """A table as plain text."""
    console = Console(width=width, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()
