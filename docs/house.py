"""The rooms of the house, from the ground up: what the architecture test holds and the picture in CONTRIBUTING shows.

``python docs/house.py`` writes the picture anew.
"""

import ast
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


def doors(room: str) -> dict[str, str]:
    """The names that other rooms may use, and the module of each."""
    stub = ast.parse((HOST / room / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.name: f"mmbench.{room}.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
