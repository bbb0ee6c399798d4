"""Plot of an audit: scores of a probe on true and on randomly assigned labels, by protocol."""

from typing import TYPE_CHECKING

from mmbench.reporting.plots.panels import add_legend
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.style import BLUE, MUTED, VERMILION, WIDTH, name_rows, new_figure, point_of, styled
from mmbench.reporting.terminal.audits import WORDS

if TYPE_CHECKING:
    from mmbench.workflows import AuditResult, ProtocolAudit

_STYLES = {"score": (BLUE, "o"), "control": (VERMILION, "s"), "permuted": (MUTED, "|")}
_LABELS = {"score": "true labels", "control": "random labels (control)", "permuted": "permuted"}


def _values(audit: "ProtocolAudit") -> dict[str, float]:
    control = audit.probe.control
    found = {"score": audit.probe.score, "control": control.score, "permuted": control.expected}
    return {name: value for name, value in found.items() if value is not None}


def audit_plot(result: "AuditResult", width: float = WIDTH) -> Plot:
    """A row per protocol; a control to the right of the permuted labels has recognised test samples."""
    mark = Marks()
    with styled():
        figure = new_figure(0.42 * len(result.protocols) + 1.3, width)
        axes = figure.subplots()
        for at, audit in enumerate(result.protocols):
            values = _values(audit)
            if {"control", "permuted"} <= values.keys():
                axes.plot([values["permuted"], values["control"]], [at, at], color=VERMILION, linewidth=2.2, alpha=0.4)
            for name, value in values.items():
                color, marker = _STYLES[name]
                size = 14 if marker == "|" else 8
                (point,) = axes.plot(value, at, marker, color=color, markersize=size, markeredgewidth=2)
                mark(point, f"{audit.protocol}, {_LABELS[name]}: {value:.3f}")
        name_rows(axes, [audit.protocol for audit in result.protocols], width)
        axes.set_xlabel("balanced accuracy of the probe")
        add_legend(figure, [point_of(*style) for style in _STYLES.values()], list(_LABELS.values()), columns=3)
    return Plot(
        figure,
        "Randomly assigned labels under each protocol",
        "A probe is trained on randomly assigned labels, which can only be predicted by recognising test samples. The "
        "further the control lies to the right of the same labels permuted within class and person, the more samples "
        "it recognised.",
        ("protocol", "verdict", *_LABELS.values()),
        tuple(
            (
                audit.protocol,
                WORDS[audit.leaks],
                *(f"{values[name]:.3f}" if name in values else "–" for name in _STYLES),
            )
            for audit in result.protocols
            for values in [_values(audit)]
        ),
        mark.texts,
        names=2,
    )
