"""The trainer of a method: that of the command line, else its own; baselines take that of the first method."""

from pathlib import Path

import pytest

from mmbench import SpecError
from mmbench.contract import Modality, Schema, Task
from mmbench.registry import Spec, check_tasks, check_trainer, load_registry, parse_spec, resolve_methods
from mmbench.registry.methods import MethodOptions, Recipe
from mmbench.registry.presets import Preset
from mmbench.tuning import default_parameters, find_search_space, set_parameters

PLUGIN = """
import mmbench

class Half(mmbench.Trainer):
    name = "half"
    tasks = ("class", "labels")
    space = {"factor": mmbench.Float(0.1, 1.0)}

    def __init__(self, *, factor: float = 0.5) -> None:
        self.factor = factor

@mmbench.hookimpl
def register_trainers(register):
    register(Half)

@mmbench.hookimpl
def register_methods(register):
    register(mmbench.Method(name="quarter", fusion="concat", trainer="half[factor=0.25]"))
"""
SCHEMA = Schema(modalities=(Modality("facts", "vector", (4,)),), tasks={"kind": Task("class", ("a", "b"))}, groups=())
HALF = Spec("half", {})


@pytest.fixture
def plugins(tmp_path: Path) -> tuple[str, ...]:
    file = tmp_path / "half_plugin.py"
    file.write_text(PLUGIN)
    return (str(file),)


def resolve(plugins: tuple[str, ...], first: str, *against: str, trainer: str | None = None) -> list[Recipe]:
    options = MethodOptions({}, {}, Preset(), trainer=trainer)
    return resolve_methods(load_registry(plugins), first, against, "toy", SCHEMA, options)


def test_without_one_the_host_trains(plugins: tuple[str, ...]) -> None:
    assert [each.trainer for each in resolve(plugins, "concat", "late")] == [None, None]
    assert [each.trainer for each in resolve(plugins, "concat", "late", trainer="adamw")] == [None, None]


def test_baselines_take_that_of_the_first_method_unless_they_bring_their_own(plugins: tuple[str, ...]) -> None:
    found = resolve(plugins, "concat", "late", "quarter", "logistic", trainer="half")
    assert [each.trainer for each in found] == [HALF, HALF, parse_spec("half[factor=0.25]"), None]


def test_that_of_the_command_line_replaces_that_of_the_method(plugins: tuple[str, ...]) -> None:
    assert resolve(plugins, "quarter", trainer="adamw")[0].trainer is None
    assert resolve(plugins, "quarter")[0].trainer == parse_spec("half[factor=0.25]")


def test_its_space_is_tuned_unless_the_user_set_it(plugins: tuple[str, ...]) -> None:
    (recipe,) = resolve(plugins, "concat", trainer="half")
    space = find_search_space(recipe, plugins)
    assert default_parameters(recipe, plugins, space)["trainer.factor"] == 0.5
    assert set_parameters(recipe, {"trainer.factor": 0.3}).trainer == Spec("half", {"factor": 0.3})
    (held,) = resolve(plugins, "concat", trainer="half[factor=0.7]")
    assert "trainer.factor" not in find_search_space(held, plugins)


def test_the_spec_of_a_method_may_name_it(plugins: tuple[str, ...]) -> None:
    found = resolve(plugins, "concat[trainer=half,dim=32]", "late", "late[trainer='half[factor=0.7]']", trainer="adamw")
    assert [each.label for each in found[:2]] == ["concat[trainer=half,dim=32]", "late"]
    assert [each.trainer for each in found] == [HALF, HALF, parse_spec("half[factor=0.7]")]
    assert found[0].predictor == Spec("concat", {"dim": "32"})
    assert "trainer.factor" in found[2].held
    assert "trainer.factor" not in found[0].held


def test_automatic_baselines_begin_with_the_same_method_trained_by_the_host(plugins: tuple[str, ...]) -> None:
    first, second, *_ = resolve(plugins, "concat", "auto", trainer="half")
    assert (second.label, second.trainer) == ("concat[trainer=adamw]", None)
    assert (first.encoders, first.predictor) == (second.encoders, second.predictor)
    assert "concat[trainer=adamw]" not in [each.label for each in resolve(plugins, "concat", "auto")]


def test_an_estimator_has_none(plugins: tuple[str, ...]) -> None:
    first, second = resolve(plugins, "sklearn", "concat", trainer="half")
    assert (first.trainer, second.trainer) == (None, HALF)
    with pytest.raises(SpecError, match="an estimator has no trainer"):
        resolve(plugins, "sklearn[trainer=half]")


def test_one_that_changes_nothing_is_refused(plugins: tuple[str, ...]) -> None:
    with pytest.raises(SpecError, match=r"--trainer half: applies to networks only"):
        check_trainer(resolve(plugins, "sklearn", "logistic", trainer="half"), "half")
    check_trainer(resolve(plugins, "sklearn", "concat", trainer="half"), "half")


def test_tasks_that_it_does_not_take_are_refused(plugins: tuple[str, ...]) -> None:
    recipes = resolve(plugins, "concat", trainer="half")
    with pytest.raises(SpecError, match="trainer half: trains for tasks of kind class and labels, but height is"):
        check_tasks(load_registry(plugins), recipes, "height", Task("values", ("height",)))


@pytest.mark.parametrize("trainer", ["hlf", "half[facto=1]", "half[factor=x]"])
def test_an_unknown_trainer_or_parameter_is_refused(plugins: tuple[str, ...], trainer: str) -> None:
    with pytest.raises(SpecError):
        resolve(plugins, "concat", trainer=trainer)
