"""The rooms of the house, from the ground up: what the architecture test holds and the picture in CONTRIBUTING shows.

``python docs/house.py`` draws the picture, ``docs/house.svg``, anew: a row for each room, and a dot where the room of a
row imports names of the room of a column. Every dot lies below the diagonal, for imports point downwards only.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from html import escape
from pathlib import Path

# A room may import from those before it, and from no other.
ROOMS = (
    "storage",
    "contract",
    "registry",
    "data",
    "training",
    "integrity",
    "features",
    "tuning",
    "results",
    "execution",
    "workflows",
    "conformance",
    "scaffold",
    "reporting",
    "cli",
)
HOST = Path(__file__).parents[1] / "mmbench"
PICTURE = Path(__file__).with_name("house.svg")
_ROW, _CELL, _TOP, _LEFT, _TEXT = 40, 26, 96, 136, 14
_WIDTH, _MATRIX = 1180, 772


def doors(room: str) -> dict[str, str]:
    """The names that other rooms may use, and the module of each."""
    stub = ast.parse((HOST / room / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.name: f"mmbench.{room}.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def uses(room: str) -> Counter[str]:
    """How many names of each other room the modules of a room import."""
    found: set[tuple[str, str]] = set()
    for path in (HOST / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmbench."):
                other = str(node.module).split(".")[1]
                found |= {(other, alias.name) for alias in node.names if other in ROOMS and other != room}
    return Counter(other for other, _ in found)


def about(room: str) -> str:
    """The first sentence of a room's docstring."""
    text = ast.get_docstring(ast.parse((HOST / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def draw() -> str:
    """The picture as SVG."""
    height = _TOP + _ROW * len(ROOMS) + 20
    rows = "\n".join(line for at, room in enumerate(reversed(ROOMS)) for line in _row(at, room))
    columns = "\n".join(_column(at, room) for at, room in enumerate(ROOMS))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"
 font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="{_TEXT}">
<title>The rooms of mmbench and what each imports</title>
<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>
<text x="16" y="34" font-size="18" font-weight="600" fill="#1b1f24">Rooms of mmbench</text>
<text x="16" y="58" fill="#57606a">A row imports from the columns with a dot; the more names, the larger.</text>
{columns}
{rows}
</svg>
"""


def _column(at: int, room: str) -> str:
    x = _MATRIX + _CELL * at + _CELL / 2
    return (
        f'<text transform="translate({x + 4:g} {_TOP - 8}) rotate(-55)" font-size="12" fill="#57606a">'
        f"{escape(room)}</text>"
    )


def _row(at: int, room: str) -> Iterator[str]:
    y, middle = _TOP + _ROW * at, _TOP + _ROW * at + _ROW / 2
    if at % 2 == 0:
        yield f'<rect x="0" y="{y}" width="{_WIDTH}" height="{_ROW}" fill="#f6f8fa"/>'
    yield f'<text x="16" y="{middle + 5:g}" font-weight="600" fill="#0550ae">{escape(room)}</text>'
    for line, text in enumerate(lines := _wrap(about(room), 96)):
        place = middle + 4 + (line - (len(lines) - 1) / 2) * 15
        yield f'<text x="{_LEFT}" y="{place:g}" font-size="12.5" fill="#1b1f24">{escape(text)}</text>'
    here = ROOMS.index(room)
    yield (
        f'<rect x="{_MATRIX + _CELL * here + 9}" y="{middle - 4:g}" width="8" height="8" fill="#d0d7de">'
        f"<title>{escape(room)}</title></rect>"
    )
    for other, count in sorted(uses(room).items()):
        x = _MATRIX + _CELL * ROOMS.index(other) + _CELL / 2
        yield (
            f'<circle cx="{x:g}" cy="{middle:g}" r="{min(2.2 + 1.5 * count**0.5, 12):.1f}" fill="#0969da" '
            f'fill-opacity="0.8"><title>{escape(room)} imports {count} of {escape(other)}</title></circle>'
        )


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
