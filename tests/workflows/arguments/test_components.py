"""Classes in the place of names: those of installed plugins and plugin files, and what to write for others."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mmbench import Encoder, Fusion, Method, SpecError, UserError
from mmbench.registry import load_registry
from mmbench.workflows.arguments.options import make_spec

SOURCE = """
from mmbench import Fusion, hookimpl

class Mine(Fusion):
    name = "mine"

class Other(Fusion):
    name = "other"

@hookimpl
def register_fusions(register):
    register(Mine)
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    """A module of the user, imported as usual."""
    (tmp_path / "my_plugin.py").write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("my_plugin", tmp_path / "my_plugin.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["my_plugin"] = found
    spec.loader.exec_module(found)
    yield found
    del sys.modules["my_plugin"]


def test_a_class_of_an_installed_plugin_is_its_name() -> None:
    registry = load_registry()
    late, raw, icons, adamw = (
        registry.find(kind, name).component
        for kind, name in (("fusions", "late"), ("encoders", "raw"), ("datasets", "icons"), ("trainers", "adamw"))
    )
    spec = make_spec(late, icons, [late, "prior"], {"encoders": {"image": raw}, "trainer": adamw})
    assert (spec.method, spec.dataset, spec.against, spec.encoders, spec.trainer) == (
        "late",
        "icons",
        ("late", "prior"),
        {"image": "raw"},
        "adamw",
    )
    assert spec.plugins == ()
    assert make_spec(registry.methods["late"].component, "icons", (), {}).method == "late"


def test_a_class_of_a_plugin_file_brings_its_file(module: Any) -> None:
    spec = make_spec(module.Mine, "icons", [module.Mine, "late"], {})
    assert spec.method == "mine"
    assert spec.against == ("mine", "late")
    assert spec.plugins == (module.__file__,)
    assert make_spec(module.Mine, "icons", (), {"plugins": module.__file__}).plugins == (module.__file__,)


def test_a_class_that_its_file_does_not_register_is_an_error(module: Any) -> None:
    with pytest.raises(
        SpecError, match="does not register the fusion 'other' — register Other there in register_fusions"
    ):
        make_spec(module.Other, "icons", (), {})


def test_a_file_without_hooks_is_an_error(module: Any, tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text("from mmbench import Fusion\nclass Bare(Fusion):\n    name = 'bare'\n")
    module.Mine.__module__ = "bare"
    sys.modules["bare"] = ModuleType("bare")
    sys.modules["bare"].__file__ = str(path)
    with pytest.raises(UserError, match="declares no hook"):
        make_spec(module.Mine, "icons", (), {})
    del sys.modules["bare"]


@pytest.mark.parametrize(
    ("file", "words"), [(None, "in a notebook or a shell"), ("script.py", "in the running script")]
)
def test_a_class_of_a_notebook_says_how(
    module: Any, monkeypatch: pytest.MonkeyPatch, file: str | None, words: str
) -> None:
    monkeypatch.setattr(module.Mine, "__module__", "__main__")
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    if file:
        sys.modules["__main__"].__file__ = file
    with pytest.raises(SpecError) as caught:
        make_spec(module.Mine, "icons", (), {})
    assert f"Mine is defined {words}, which worker processes cannot import" in caught.value.line
    assert 'give plugins=["FILE.py"] and "mine"' in caught.value.line


class Nameless(Fusion):
    """A fusion without a name."""


class Model:
    """What scikit-learn offers."""

    def fit(self) -> None:
        """Fit nothing."""

    def predict(self) -> None:
        """Predict nothing."""


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Nameless, "Nameless has no name"),
        (Path, "Path is no method — derive it from mmbench.Fusion or mmbench.Estimator"),
        (Encoder, "Encoder is no method"),
        (Model(), 'Model is no method — write "sklearn[model=forest]"'),
        (Method("mine", fusion="late"), "no plugin registers this method 'mine'"),
    ],
)
def test_what_is_no_component_is_an_error_that_says_what_to_write(item: Any, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        make_spec(item, "icons", (), {})
    assert words in caught.value.line


def test_an_instance_says_to_give_the_class() -> None:
    dataset = load_registry().find("datasets", "icons").component()
    with pytest.raises(SpecError, match=r"give the class \w+, or a text with parameters such as \"icons\[...\]\""):
        make_spec("late", dataset, (), {})
