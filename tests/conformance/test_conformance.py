"""The checks notice what they are for, and nothing else."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from unittest import SkipTest

import pytest
import torch

from mmbench import Method, PluginError, SpecError, conformance


def load_neighbour(name: str) -> ModuleType:
    # pytest's importlib mode puts no folder on the path.
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "plugins" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


broken = load_neighbour("broken")


def names(components: list) -> list[str]:
    return [f"{cls.__name__}-{check}" for cls, check in components]


def failures(checks: Iterable[conformance.Check]) -> dict[str, str]:
    outcomes = [check.run() for check in checks]
    return {outcome.name: outcome.message for outcome in outcomes if not outcome.ok}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.txt").write_text("1\n2\n3\n")
    (tmp_path / "two.txt").write_text("1\n2\n")
    (tmp_path / "ratings.csv").write_text("9")
    return tmp_path


def test_good_components_pass_everything(folder: Path) -> None:
    assert failures(conformance.check_encoder(broken.GoodEncoder)) == {}
    assert failures(conformance.check_fusion(broken.GoodFusion)) == {}
    assert failures(conformance.check_dataset(broken.GoodDataset, folder)) == {}


@pytest.mark.parametrize(("cls", "check"), broken.ENCODERS, ids=names(broken.ENCODERS))
def test_a_broken_encoder_fails_its_own_check(cls: type, check: str) -> None:
    assert list(failures(conformance.check_encoder(cls))) == [check]


@pytest.mark.parametrize(("cls", "check"), broken.FUSIONS, ids=names(broken.FUSIONS))
def test_a_broken_fusion_fails_its_own_check(cls: type, check: str) -> None:
    assert list(failures(conformance.check_fusion(cls))) == [check]


@pytest.mark.parametrize(("cls", "check"), broken.DATASETS, ids=names(broken.DATASETS))
def test_a_broken_dataset_fails_its_own_check(cls: type, check: str, folder: Path) -> None:
    assert list(failures(conformance.check_dataset(cls, folder))) == [check]


def test_a_fusion_may_need_tokens_of_one_length() -> None:
    class OneLength(broken.GoodFusion):
        def __init__(self, inputs, n_outputs, *, dim: int = 4) -> None:
            super().__init__(inputs, n_outputs, dim=dim)
            if any(spec.length is None for spec in inputs.values()):
                raise SpecError("takes no open lengths", where="good")

    outcomes = {check.name: check.run() for check in conformance.check_fusion(OneLength)}
    assert all(outcome.ok for outcome in outcomes.values())
    skipped = {name: outcome.message for name, outcome in outcomes.items() if outcome.skipped}
    assert skipped == {
        "padding": "needs tokens of one length: good: takes no open lengths",
        "no_tokens": "needs tokens of one length",
    }


def test_a_fusion_may_take_some_tasks_only() -> None:
    class OnlyValues(broken.GoodFusion):
        tasks = ("values",)

        def training_loss(self, tokens, target, criterion):
            assert target.is_floating_point()
            return {"error": criterion(self(tokens), target), "size": 0.01 * self(tokens).square().mean()}

    assert failures(conformance.check_fusion(OnlyValues)) == {}


def test_every_check_has_a_broken_component(folder: Path) -> None:
    seen = {check for _, check in (*broken.ENCODERS, *broken.FUSIONS, *broken.DATASETS)}
    checks = [
        *conformance.check_encoder(broken.GoodEncoder),
        *conformance.check_fusion(broken.GoodFusion),
        *conformance.check_dataset(broken.GoodDataset, folder),
    ]
    assert {check.name for check in checks} == seen


def test_failure_states_the_reason() -> None:
    message = failures(conformance.check_encoder(broken.UnusedLayer))["gradients"]
    assert message == "parameter forgotten.weight gets no gradient"


def test_datasets_without_files_are_skipped_with_a_reason() -> None:
    outcomes = {check.name: check.run() for check in conformance.check_dataset(broken.GoodDataset)}
    assert outcomes["schema"].ok
    assert not outcomes["schema"].skipped
    assert outcomes["reads_equal"].skipped
    assert "no folder is given" in outcomes["reads_equal"].message


def test_a_missing_optional_package_skips() -> None:
    class Optional(broken.GoodEncoder):
        def __init__(self, modality, *, dim: int = 4) -> None:
            try:
                import a_package_that_nobody_has  # noqa: F401
            except ImportError as error:
                raise SpecError("not installed", remedy="pip install it") from error

    outcomes = [check.run() for check in conformance.check_encoder(Optional)]
    assert [outcome.message for outcome in outcomes if outcome.skipped] == ["not installed — pip install it"] * 9


def test_an_encoder_may_name_its_modality() -> None:
    class Particular(broken.GoodEncoder):
        conformance_modality = broken.Modality("mine", "vector", (11,))

        def __init__(self, modality, *, dim: int = 4) -> None:
            assert modality.shape == (11,)
            super().__init__(modality, dim=dim)

    assert failures(conformance.check_encoder(Particular)) == {}


def test_checks_leave_the_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    assert failures(conformance.check_fusion(broken.GoodFusion)) == {}
    assert torch.equal(torch.rand(3), expected)


def test_a_check_is_a_test() -> None:
    checks = {check.name: check for check in conformance.check_encoder(broken.WrongShape)}
    checks["finite"]()
    with pytest.raises(AssertionError, match=r"encoder good on vector, shapes: tokens are \(4, 4\)"):
        checks["shapes"]()
    skipped = {check.name: check for check in conformance.check_dataset(broken.GoodDataset)}
    with pytest.raises(SkipTest, match="no folder"):
        skipped["units"]()


PLUGIN = """
from pathlib import Path
from mmbench import Ablation, Encoder, Method, TokenSpec, hookimpl

class Thing(Encoder):
    name = "thing"
    kinds = ("vector",)
    frozen = True

    def __init__(self, modality):
        super().__init__(modality)
        self.out = TokenSpec(1, modality.shape[0])

    def forward(self, x):
        return x[:, None]

@hookimpl
def register_encoders(register):
    register(Thing)

@hookimpl
def register_methods(register):
    tables = (Ablation("width", ({"dimm": 3},), encoder="vector"),)
    register(Method("recipe", "concat", {"vector": "thing"}, presets=Path("nowhere at all"), ablations=tables))
"""


def test_a_plugin_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plug.py"
    path.write_text(PLUGIN)
    checks = list(conformance.check_plugin(str(path)))
    assert {check.subject for check in checks} == {"encoder thing", "encoder thing on vector", "method recipe"}
    messages = failures(checks)
    assert messages["recipe"] == "the folder of presets nowhere at all does not exist"
    assert messages["ablation_tables"].startswith("ablation 'width' of 'recipe': thing: no parameter 'dimm'")
    assert len(messages) == 2


def test_a_name_that_another_plugin_has_is_found(tmp_path: Path) -> None:
    path, other = tmp_path / "plug.py", tmp_path / "other.py"
    encoder = PLUGIN[: PLUGIN.index("@hookimpl\ndef register_methods")]
    path.write_text(encoder)
    other.write_text(encoder)
    for beside in ((), (str(path),)):
        assert failures(list(conformance.check_plugin(str(path), beside=beside))) == {}
    message = failures(list(conformance.check_plugin(str(path), beside=(str(other),))))["free_name"]
    assert message.startswith(f"'thing' is already registered by {other}, and a run with both fails")
    taken, twice = tmp_path / "taken.py", tmp_path / "twice.py"
    taken.write_text(encoder.replace('"thing"', '"de"'))
    message = failures(list(conformance.check_plugin(str(taken))))["free_name"]
    assert message.startswith("'de' is already registered by ")
    twice.write_text(encoder.replace("register(Thing)", "register(Thing), register(Thing)"))
    message = failures(list(conformance.check_plugin(str(twice))))["free_name"]
    assert message == "2 encoders of the plugin are called 'thing', of which a run loads none"


def test_a_plugin_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    path = tmp_path / "plug.py"
    path.write_text("1 / 0")
    with pytest.raises(PluginError, match=r"plug.py: cannot be imported \(ZeroDivisionError"):
        list(conformance.check_plugin(str(path)))
    with pytest.raises(PluginError, match="no_such_plugin: cannot be imported"):
        list(conformance.check_plugin("no_such_plugin"))


def test_a_plugin_registers_classes_of_the_right_kind() -> None:
    plugin = ModuleType("odd")
    plugin.register_fusions = lambda register: register(Method("a", fusion="b"))
    with pytest.raises(PluginError, match="odd: register_fusions registers Method"):
        list(conformance.check_plugin(plugin))


def test_the_decorator_makes_a_test_of_every_check() -> None:
    mark = conformance.parametrize("mmbench.builtin.plugin").mark
    argument, checks = mark.args
    ids = [mark.kwargs["ids"](check) for check in checks]
    assert argument == "check"
    assert "fusion-concat-absent_instances" in ids
    assert "encoder-de-on-timeseries-frozen" in ids
    assert len(set(ids)) == len(ids)
