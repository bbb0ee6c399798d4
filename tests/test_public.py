"""The front door: every public name is declared once for people, once for type checkers, and documented."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mmbench

NAMES = [name for name in mmbench.__all__ if name != "__version__"]


def declared() -> dict[str, str]:
    """Where the stub says that each public name comes from."""
    stub = ast.parse(Path(mmbench.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    found = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: f"mmbench.{node.module}" for node in found for alias in node.names if alias.asname}


def test_every_name_of_the_stub_is_public_and_no_other() -> None:
    assert sorted(NAMES) == sorted(declared())
    assert len(set(mmbench.__all__)) == len(mmbench.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    item = getattr(mmbench, name)
    if isinstance(item, type):
        assert item.__module__ == declared()[name]
    # A docstring of its own: not one inherited, nor the signature that dataclasses write.
    text = item.__dict__.get("__doc__") if isinstance(item, type) else item.__doc__
    assert text
    assert not text.startswith(f"{name}(")


@pytest.mark.parametrize("name", NAMES)
def test_public_methods_are_documented_and_annotated(name: str) -> None:
    cls = getattr(mmbench, name)
    if not isinstance(cls, type):
        return
    for member, function in vars(cls).items():
        if inspect.isfunction(function) and not member.startswith("_"):
            assert function.__doc__, f"{name}.{member}"
            assert "return" in function.__annotations__, f"{name}.{member}"


def test_what_is_not_public_says_so() -> None:
    with pytest.raises(AttributeError, match="No mmbench attribute Encodr"):
        _ = mmbench.Encodr


def test_star_import_provides_public_names() -> None:
    code = "from mmbench import *; import mmbench; assert set(mmbench.__all__) <= set(globals())"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert set(NAMES) <= set(dir(mmbench))


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert mmbench.__version__ == version("mmbench")
