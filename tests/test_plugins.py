"""A broken plugin is set aside under its own name, and everything else still works."""

from pathlib import Path
from textwrap import dedent

import pytest

from mmbench import PluginError, SpecError
from mmbench.plugins import Registry, load_file, load_registry
from mmbench.specs import Spec

TOY = str(Path(__file__).with_name("toy_plugin.py"))
HEAD = "from mmbench import *\nfrom mmbench import hookimpl, Int\n"
GOOD = """
class Mine(Dataset):
    name = "mine"
    def __init__(self, *, size: int = 3): ...
@hookimpl
def register_datasets(register):
    register(Mine)
"""
FUSION = """
class Mine(Fusion):
    name = "mine"
@hookimpl
def register_fusions(register):
    register(Mine)
"""


def write(folder: Path, code: str, name: str = "mine.py") -> str:
    path = folder / name
    path.write_text(HEAD + dedent(code))
    return str(path)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        (GOOD.replace("register_datasets", "register_datasetts"), "register_datasetts"),
        (GOOD.replace("(register)", "(registrar)"), "registrar"),
        (GOOD.replace("@hookimpl", ""), "declares no hook"),
        (GOOD.replace('"mine"', '"toy"'), "'toy' is already registered by"),
        (GOOD + "    register(Mine)", "'mine' is already registered by"),
        (GOOD.replace('"mine"', '"Mine!"'), "has no name of small letters"),
        (GOOD.replace('    name = "mine"\n', ""), "has no name"),
        (GOOD.replace("def __init__", "space = {'size': Int(4, 9)}\n    def __init__"), "size=3 of 'mine' is outside"),
        (GOOD.replace("def __init__", "space = {'sise': Int(1, 9)}\n    def __init__"), "'sise', which is not"),
        (GOOD.replace("register(Mine)", "register(Mine())"), "is not a class derived from mmbench.Dataset"),
        (GOOD.replace("register(Mine)", "register(int)"), "is not a class derived from mmbench.Dataset"),
        (GOOD.replace("register(Mine)", "import not_there_at_all"), "not_there_at_all"),
        (GOOD.replace("size: int", "size: Unknown"), "Unknown"),
    ],
)
def test_a_broken_plugin_is_set_aside_and_named(code: str, says: str, tmp_path: Path) -> None:
    file = write(tmp_path, code)
    registry = Registry((TOY, file))
    assert "mine" not in registry.datasets
    assert registry.dataset(Spec("toy")).name == "toy"
    assert "concat" in registry.methods
    assert [failure.plugin for failure in registry.failures] == [file]
    assert says in registry.failures[0].error
    assert "\n" not in registry.failures[0].error


def test_a_good_plugin_is_kept(tmp_path: Path) -> None:
    registry = Registry((write(tmp_path, GOOD),))
    assert registry.dataset(Spec("mine", {"size": "4"})).name == "mine"
    assert registry.bound("datasets", Spec("mine")) == {"size": 3}
    assert registry.failures == []


def test_the_first_owner_of_a_name_keeps_it(tmp_path: Path) -> None:
    files = (write(tmp_path, GOOD, "one.py"), write(tmp_path, GOOD, "two.py"))
    registry = Registry(files)
    assert registry.datasets["mine"].plugin == files[0]
    assert [failure.plugin for failure in registry.failures] == [files[1]]


def test_a_plugin_that_breaks_halfway_leaves_nothing_behind(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD + FUSION.replace("Mine", "Other").replace("(register)", "(registrar)"))
    registry = Registry((file,))
    assert "mine" not in registry.datasets
    assert [failure.plugin for failure in registry.failures] == [file]


def test_a_file_named_like_a_plugin_does_no_harm() -> None:
    registry = Registry(("builtin",))
    assert "concat" in registry.fusions
    assert "no such file" in registry.failures[0].error


def test_one_file_by_two_paths_is_loaded_once(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    registry = Registry((file, f"{tmp_path}/../{tmp_path.name}/mine.py"))
    assert registry.datasets["mine"].plugin == file
    assert "loaded already" in registry.failures[0].error


def test_a_file_named_twice_is_loaded_once(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    registry = Registry((file, file))
    assert registry.datasets["mine"].plugin == file
    assert registry.failures == []


def test_a_method_cannot_take_the_name_of_another_plugins_fusion(tmp_path: Path) -> None:
    code = """
    @hookimpl
    def register_methods(register):
        register(Method(name="concat", fusion="late"))
    """
    file = write(tmp_path, code)
    registry = Registry((file,))
    assert registry.methods["concat"].component.fusion == "concat"
    assert [failure.plugin for failure in registry.failures] == [file]
    assert "concat" in registry.failures[0].error


def test_a_method_may_take_the_name_of_its_plugins_own_fusion(tmp_path: Path) -> None:
    code = """
    class Mine(Fusion):
        name = "mine"
    @hookimpl
    def register_fusions(register):
        register(Mine)
    @hookimpl
    def register_methods(register):
        register(Method(name="mine", fusion="mine[]", encoders={"vector": "raw"}))
    """
    registry = Registry((write(tmp_path, code),))
    assert registry.methods["mine"].component.encoders == {"vector": "raw"}
    assert registry.failures == []


def test_a_method_of_unreadable_specs_is_set_aside(tmp_path: Path) -> None:
    code = """
    @hookimpl
    def register_methods(register):
        register(Method(name="mine", fusion="late[", encoders={}))
    """
    registry = Registry((write(tmp_path, code),))
    assert "mine" not in registry.methods
    assert "late[" in registry.failures[0].error


def test_every_fusion_is_a_method(tmp_path: Path) -> None:
    registry = Registry((write(tmp_path, FUSION),))
    assert set(registry.fusions) <= set(registry.methods)
    assert registry.methods["mine"].component.fusion == "mine"


def test_an_unknown_name_says_what_was_meant_and_what_failed(tmp_path: Path) -> None:
    registry = Registry((write(tmp_path, "import not_there_at_all"),))
    with pytest.raises(SpecError, match="did you mean 'concat'") as caught:
        registry.find("methods", "concatt")
    assert "no method 'concatt'" in caught.value.line
    assert "mine.py failed: ModuleNotFoundError" in caught.value.line


def test_a_missing_plugin_file_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "gone.py")
    with pytest.raises(PluginError, match="no such file"):
        load_file(file)
    registry = Registry((file,))
    assert [failure.plugin for failure in registry.failures] == [file]
    assert "no such file" in registry.failures[0].error


def test_a_plugin_must_be_python(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x = 1")
    with pytest.raises(PluginError, match="not a Python file"):
        load_file(str(tmp_path / "mine.txt"))


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    files = (write(tmp_path, GOOD), write(tmp_path / "other", GOOD.replace('"mine"', '"other"')))
    assert {"mine", "other"} <= set(Registry(files).datasets)


def test_the_registry_is_made_once() -> None:
    assert load_registry((TOY,)) is load_registry((TOY,))


def test_the_installed_plugins_load() -> None:
    registry = load_registry()
    for kind in ("datasets", "encoders", "fusions", "methods"):
        assert getattr(registry, kind)
    assert registry.failures == []


@pytest.mark.parametrize(
    ("ablation", "says"),
    [
        ("Ablation('size', ({'dimm': 3},))", "'dimm' — did you mean 'dim'?"),
        ("Ablation('size', ({'dim': 'many'},))", "'many' will not do"),
        ("Ablation('size', ({'filters': 3},), encoder='timeseries')", "no parameter 'filters'"),
        ("Ablation('size', ({'dim': 3},), encoder='image')", "names no encoder of 'image'"),
        ("Ablation('size', ({},))", "a row sets nothing"),
        ("Ablation('size', ())", "or there is none"),
        ("Ablation('modalities', ({'dim': 3},))", "the name is taken"),
    ],
)
def test_an_ablation_of_what_there_is_not_is_an_error_of_the_plugin(ablation: str, says: str, tmp_path: Path) -> None:
    file = write(
        tmp_path,
        f"""
        @hookimpl
        def register_methods(register):
            register(Method("mine", "concat", {{"timeseries": "conv1d"}}, ablations=({ablation},)))
        """,
    )
    registry = Registry((file,))
    assert "mine" not in registry.methods
    (failure,) = registry.failures
    assert failure.plugin == file
    assert says in failure.error
    assert "'mine'" in failure.error
