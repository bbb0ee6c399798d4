"""Inline SVG of matplotlib figures, in the colours of the page and with labelled marks."""

import io
import re
import warnings
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from markupsafe import Markup

from mmbench.reporting.plots.plot import Plot
from mmbench.reporting.plots.style import NAMES, styled

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_DROPPED = {"metadata", "style"}
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"#([^)\"']+)")
# Characters that XML forbids and names may hold: control characters, U+FFFE and U+FFFF.
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


class StyleSheet:
    """The styles of all plots of a page as CSS classes, since its content security policy forbids inline styles."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}

    def name(self, style: str) -> str:
        """The class of a style, with the colours of plots replaced by CSS variables."""
        rules = []
        for declaration in filter(None, (part.strip() for part in style.split(";"))):
            name, _, value = (part.strip() for part in declaration.partition(":"))
            rules.append(_sized(value) if name == "font" else f"{name}:{NAMES.get(value, value)}")
        return self._classes.setdefault(";".join(rules), f"s{len(self._classes)}")

    @property
    def css(self) -> str:
        """The CSS rules of all classes."""
        return "\n".join(f".{name}{{{rules}}}" for rules, name in self._classes.items())


def _sized(font: str) -> str:
    """Size and weight of matplotlib's ``font``; the family is that of the page."""
    size = re.search(r"([\d.]+)px", font)
    weight = ";font-weight:600" if re.search(r"\b(bold|[6-9]00)\b", font) else ""
    return f"font-size:{size[1] if size else 10}px{weight}"


def _embed(plot: Plot, key: str, style_sheet: StyleSheet, kind: str = "") -> Markup:
    """A plot as an ``svg`` element whose ids begin with ``key``; ``kind`` is an additional class."""
    root = ET.fromstring(_save(plot))
    used = {name for element in root.iter() for value in element.attrib.values() for name in _REFERENCE.findall(value)}
    _clean(root, plot, key, style_sheet, used)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib.clear()
    root.attrib.update(
        {
            "class": f"plot {kind}".strip(),
            "viewBox": f"0 0 {float(width):.0f} {float(height):.0f}",
            "role": "group",
            "aria-label": plot.title,
        }
    )
    return Markup(ET.tostring(root, encoding="unicode"))  # ElementTree has escaped it


def _save(plot: Plot) -> bytes:
    out = io.BytesIO()
    with styled(), warnings.catch_warnings():
        # The page's fonts have glyphs that matplotlib's own may lack.
        warnings.filterwarnings("ignore", message="Glyph")
        plot.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return _FORBIDDEN.sub(b"", out.getvalue())


def _clean(element: ET.Element, plot: Plot, key: str, style_sheet: StyleSheet, used: set[str]) -> None:
    """Remove what a page has no use for, here and beneath."""
    element.tag = element.tag.removeprefix(_SVG)
    element.text, element.tail = (element.text or "").strip() or None, None
    label = plot.marks.get(element.get("id", ""))
    element.attrib = dict(_attributes(element.attrib, key, style_sheet, used))
    for child in list(element):
        _clean(child, plot, key, style_sheet, used)
        if child.tag in _DROPPED or (child.tag in ("g", "defs") and not len(child)):
            element.remove(child)
    if label is not None:
        element.attrib = {**element.attrib, "class": "mark", "role": "img", "aria-label": label}
        title = ET.Element("title")
        title.text = label
        element.insert(0, title)


def _attributes(found: dict[str, str], key: str, style_sheet: StyleSheet, used: set[str]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if name == "id":
            if value in used:
                yield name, f"{key}-{value}"
        elif name == "style":
            yield "class", style_sheet.name(value)
        else:
            rounded = _NUMBER.sub(lambda number: f"{float(number[0]):.2f}", value)
            plain = " ".join(rounded.split()) if name == "d" else rounded
            yield name.removeprefix(_XLINK), _REFERENCE.sub(rf"#{key}-\1", plain)


def to_svg(plots: dict[str, Plot], key: str, style_sheet: StyleSheet) -> Markup:
    """One plot in several widths, by the CSS class that shows each on screens of its width."""
    return Markup("").join(_embed(plot, f"{key}-{kind}", style_sheet, kind) for kind, plot in plots.items())
