"""What an audit found under each protocol: the true labels against labels by lot."""

from typing import TYPE_CHECKING

from mmbench.reporting.plots.panels import add_legend
from mmbench.reporting.plots.plot import Marks, Plot
from mmbench.reporting.plots.style import BLUE, MUTED, VERMILION, WIDTH, name_rows, new_figure, point_of, styled
from mmbench.reporting.terminal.audits import WORDS

if TYPE_CHECKING:
    from mmbench.workflows import AuditResult, ProtocolAudit

_LOOKS = {"score": (BLUE, "o"), "control": (VERMILION, "s"), "dealt": (MUTED, "|")}
_SAID = {"score": "true labels", "control": "labels by lot (control)", "dealt": "lots dealt out again"}


def _values(audit: "ProtocolAudit") -> dict[str, float]:
    control = audit.probe.control
    found = {"score": audit.probe.score, "control": control.score, "dealt": control.expected}
    return {name: value for name, value in found.items() if value is not None}


def audited(result: "AuditResult", width: float = WIDTH) -> Plot:
    """A row a protocol: a control right of what was dealt has recognised test samples."""
    mark = Marks()
    with styled():
        figure = new_figure(0.42 * len(result.protocols) + 1.3, width)
        axes = figure.subplots()
        for at, audit in enumerate(result.protocols):
            values = _values(audit)
            if {"control", "dealt"} <= values.keys():
                axes.plot([values["dealt"], values["control"]], [at, at], color=VERMILION, linewidth=2.2, alpha=0.4)
            for name, value in values.items():
                color, marker = _LOOKS[name]
                size = 14 if marker == "|" else 8
                (point,) = axes.plot(value, at, marker, color=color, markersize=size, markeredgewidth=2)
                mark(point, f"{audit.protocol}, {_SAID[name]}: {value:.3f}")
        name_rows(axes, [audit.protocol for audit in result.protocols], width)
        axes.set_xlabel("balanced accuracy of the probe")
        add_legend(figure, [point_of(*look) for look in _LOOKS.values()], list(_SAID.values()), columns=3)
    return Plot(
        figure,
        "Labels by lot under each protocol",
        "A probe learns labels that were drawn by lot, which nothing but recognising test samples can predict. The "
        "further the control stands right of the same lots dealt out again, the more it recognised.",
        ("protocol", "verdict", *_SAID.values()),
        tuple(
            (audit.protocol, WORDS[audit.leaks], *(f"{values[name]:.3f}" if name in values else "–" for name in _LOOKS))
            for audit in result.protocols
            for values in [_values(audit)]
        ),
        mark.told,
        names=2,
    )
