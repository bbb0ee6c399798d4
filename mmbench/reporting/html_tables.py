"""Tables and texts of rich as HTML for notebooks: styles are inline, colours readable on light and dark pages."""

from collections.abc import Iterator
from html import escape
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from mmbench.reporting.terminal.layout import render

# Contrast of about 4 to 1 with white and with black; everything else has the colour of the page.
_COLOURS = {"red": "#d9433b", "yellow": "#a1720a", "green": "#2b8a3e"}
_CELL = "padding:.1em .8em .1em 0;vertical-align:top;white-space:pre-line"


def as_html(renderable: RenderableType) -> str:
    """A renderable as one HTML element: tables as tables, texts as paragraphs, anything else preformatted."""
    return f'<div style="line-height:1.4">{"".join(_elements(renderable))}</div>'


def _elements(renderable: RenderableType) -> Iterator[str]:
    if isinstance(renderable, Group):
        for part in renderable.renderables:
            yield from _elements(part)
    elif isinstance(renderable, Table):
        yield "".join(_table(renderable))
    elif isinstance(renderable, Text):
        if renderable.plain.strip():
            yield f'<div style="white-space:pre-wrap;margin:.3em 0">{_text(renderable)}</div>'
    else:
        yield f"<pre>{escape(render(renderable))}</pre>"


def _table(table: Table) -> Iterator[str]:
    yield '<table style="border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums">'
    alignments = ["right" if column.justify == "right" else "left" for column in table.columns]
    if table.show_header:
        yield f"<thead>{''.join(_row('th', [column.header for column in table.columns], alignments, ''))}</thead>"
    yield "<tbody>"
    columns = [list(column.cells) for column in table.columns]
    for row, cells in zip(table.rows, zip(*columns, strict=True), strict=True):
        yield from _row("td", list(cells), alignments, _css(row.style or ""))
    yield "</tbody></table>"


def _row(tag: str, cells: list[RenderableType], alignments: list[str], css: str) -> Iterator[str]:
    yield f'<tr style="{css}">' if css else "<tr>"
    for cell, alignment in zip(cells, alignments, strict=True):
        content = _text(cell) if isinstance(cell, Text) else escape(str(cell))
        yield f'<{tag} style="{_CELL};text-align:{alignment}">{content}</{tag}>'
    yield "</tr>"


def _text(text: Text) -> str:
    """A text with its styles as spans."""
    bounds = sorted({0, len(text), *(at for span in text.spans for at in (span.start, span.end) if at <= len(text))})
    parts = []
    for start, end in pairwise(bounds):
        styles = [span.style for span in text.spans if span.start <= start and end <= span.end]
        css = _css(*styles)
        content = escape(text.plain[start:end])
        parts.append(f'<span style="{css}">{content}</span>' if css else content)
    whole = _css(text.style)
    return f'<span style="{whole}">{"".join(parts)}</span>' if whole else "".join(parts)


def _css(*styles: str | Style) -> str:
    parsed = Style.combine([Style.null(), *(Style.parse(each) if isinstance(each, str) else each for each in styles)])
    rules = ["font-weight:bold"] if parsed.bold else []
    rules += ["opacity:.75"] if parsed.dim else []
    if parsed.color is not None and parsed.color.name in _COLOURS:
        rules.append(f"color:{_COLOURS[parsed.color.name]}")
    return ";".join(rules)
