"""A broken plugin is reported by name and does not stop others; no name has two components."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

from mmbench import PluginError, SpecError
from mmbench.registry.plugin_files import load_plugin_file
from mmbench.registry.plugins import Registry, entry_points, load_registry
from mmbench.registry.specs import Spec

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
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
        (GOOD + "    register(Mine)", "'mine' is already registered by"),
        (GOOD.replace('"mine"', '"Mine!"'), "needs a name of lower-case letters"),
        (GOOD.replace('    name = "mine"\n', ""), 'Mine has no name — write name = "mine" in the class'),
        (GOOD.replace("def __init__", "space = {'size': Int(4, 9)}\n    def __init__"), "size=3 of 'mine' is outside"),
        (GOOD.replace("def __init__", "space = {'sise': Int(1, 9)}\n    def __init__"), "'sise', which is not"),
        (GOOD.replace("register(Mine)", "register(Mine())"), "is not a class derived from mmbench.Dataset"),
        (GOOD.replace("register(Mine)", "register(int)"), "is not a class derived from mmbench.Dataset"),
        (GOOD.replace("register(Mine)", "import not_there_at_all"), "not_there_at_all"),
        (GOOD.replace("size: int", "size: Unknown"), "Unknown"),
    ],
)
def test_a_broken_plugin_is_reported_by_name(code: str, says: str, tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('kinds = ("vector")', "kinds of 'mine' is 'vector', not a tuple — write ('vector',) with a comma"),
        ('kinds = ("vectro",)', "kinds of 'mine' names the unknown kind 'vectro' — choose from timeseries, audio,"),
        ("kinds = ()", "kinds of 'mine' is empty"),
        ("", "kinds of 'mine' is empty"),
    ],
)
def test_an_encoder_names_the_kinds_that_it_takes(line: str, says: str, tmp_path: Path) -> None:
    file = write(tmp_path, NAMED["encoder"].replace('kinds = ("vector",)', line))
    with pytest.raises(PluginError) as caught:
        load_registry((file,)).collect()
    assert says in caught.value.line
    assert caught.value.where == file


def test_a_fusion_names_the_tasks_that_it_takes(tmp_path: Path) -> None:
    file = write(tmp_path, FUSION.replace('name = "mine"', 'name = "mine"\n    tasks = ("clas",)'))
    with pytest.raises(PluginError, match="tasks of 'mine' names the unknown kind 'clas' — choose from class, labels"):
        load_registry((file,)).collect()


NAMED = {
    "dataset": GOOD,
    "encoder": """
class Mine(Encoder):
    name = "mine"
    kinds = ("vector",)
@hookimpl
def register_encoders(register):
    register(Mine)
""",
    "fusion": FUSION,
    "method": """
@hookimpl
def register_methods(register):
    register(Method("mine", "late"))
""",
}
BUILT_IN = {"dataset": "mfeat", "encoder": "mlp", "fusion": "concat", "method": "logistic"}
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make modules entry points beside those that are installed."""

    def installed(**codes: str) -> None:
        points = []
        for name, code in codes.items():
            write(tmp_path, code, f"{name}.py")
            monkeypatch.delitem(sys.modules, name, raising=False)
            points.append(EntryPoint(name, name, "mmbench"))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(
            "mmbench.registry.plugins.entry_points", lambda group: [*entry_points(group=group), *points]
        )

    return installed


def check_clash(error: PluginError, kind: str, name: str, first: str, second: str) -> None:
    assert f"{kind} {name!r} is already registered by" in error.message
    assert first in error.message
    assert second in str(error.where)


@pytest.mark.parametrize("kind", NAMED)
def test_a_plugin_file_cannot_take_the_name_of_an_installed_component(kind: str, tmp_path: Path) -> None:
    file = write(tmp_path, NAMED[kind].replace('"mine"', f'"{BUILT_IN[kind]}"'))
    with pytest.raises(PluginError) as caught:
        load_registry((file,)).collect()
    place = "mmbench_datasets/plugin.py" if kind == "dataset" else "mmbench/builtin/plugin.py"
    check_clash(caught.value, kind, BUILT_IN[kind], place, file)


@pytest.mark.parametrize("kind", NAMED)
def test_two_plugin_files_cannot_share_a_name(kind: str, tmp_path: Path) -> None:
    other = NAMED[kind].replace('"late"', '"prior"')
    files = (write(tmp_path, NAMED[kind], "one.py"), write(tmp_path, other, "two.py"))
    with pytest.raises(PluginError) as caught:
        load_registry(files).collect()
    check_clash(caught.value, kind, "mine", files[0], files[1])


@pytest.mark.parametrize("kind", NAMED)
def test_a_name_of_two_installed_plugins_is_an_error_for_who_asks_for_it(kind: str, install: Install) -> None:
    install(installed_one=NAMED[kind], installed_two=NAMED[kind].replace('"late"', '"prior"'))
    registry = Registry()
    registry.collect()
    assert registry.find("methods", "concat").plugin == "builtin"
    with pytest.raises(PluginError) as caught:
        registry.find(f"{kind}s", "mine")
    check_clash(caught.value, kind, "mine", "installed_one.py", "installed_two")
    assert [failure.plugin for failure in registry.failures] == ["installed_two"]


def test_an_installed_plugin_cannot_take_the_name_of_a_built_in(install: Install) -> None:
    install(installed_one=FUSION.replace('"mine"', '"concat"'))
    registry = Registry()
    for kind in ("methods", "fusions"):
        with pytest.raises(PluginError) as caught:
            registry.find(kind, "concat")
        check_clash(caught.value, "fusion", "concat", "mmbench/builtin/plugin.py", "installed_one.py")
    assert registry.find("methods", "late").plugin == "builtin"


@pytest.mark.parametrize("where", ["tryfirst", "trylast"])
def test_a_fusion_does_not_push_out_the_method_of_an_earlier_plugin(where: str, tmp_path: Path) -> None:
    fusion = FUSION.replace('"mine"', '"logistic"').replace("@hookimpl", f"@hookimpl({where}=True)")
    file = write(tmp_path, fusion)
    registry = Registry((file,))
    registry.collect()
    assert [failure.plugin for failure in registry.failures] == [file]
    assert registry.methods["logistic"].plugin == "builtin"
    with pytest.raises(PluginError) as caught:
        load_registry((file,)).collect()
    check_clash(caught.value, "method", "logistic", "mmbench/builtin/plugin.py", file)


def test_the_file_of_an_installed_plugin_may_be_named_too() -> None:
    import mmbench_milmer.plugin as installed

    registry = load_registry((str(installed.__file__),))
    assert registry.find("methods", "milmer").plugin == "mmbench-milmer"
    assert registry.failures == []


def test_one_file_by_two_paths_is_no_clash(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    registry = load_registry((file, f"{tmp_path}/../{tmp_path.name}/mine.py"))
    assert registry.find("datasets", "mine").plugin == file


@pytest.mark.parametrize("code", ["import not_there_at_all", "def f(:", "raise SystemExit(3)", "x = 1"])
def test_a_plugin_file_that_cannot_be_loaded_is_an_error(code: str, tmp_path: Path) -> None:
    file = write(tmp_path, code)
    with pytest.raises(PluginError) as caught:
        load_registry((file,))
    assert caught.value.where == file


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
    assert "already loaded" in registry.failures[0].error


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


def test_a_method_with_invalid_specs_is_reported(tmp_path: Path) -> None:
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


def test_error_for_an_unknown_name_lists_suggestions_and_failed_plugins(tmp_path: Path) -> None:
    registry = Registry((write(tmp_path, "import not_there_at_all"),))
    with pytest.raises(SpecError, match="did you mean 'concat'") as caught:
        registry.find("methods", "concatt")
    assert "no method 'concatt'" in caught.value.line
    assert "mine.py failed: ModuleNotFoundError" in caught.value.line


def test_a_missing_plugin_file_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "gone.py")
    with pytest.raises(PluginError, match="no such file"):
        load_plugin_file(file)
    registry = Registry((file,))
    assert [failure.plugin for failure in registry.failures] == [file]
    assert "no such file" in registry.failures[0].error


def test_a_plugin_must_be_python(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x = 1")
    with pytest.raises(PluginError, match="not a Python file"):
        load_plugin_file(str(tmp_path / "mine.txt"))


def test_files_of_the_same_name_are_distinguished(tmp_path: Path) -> None:
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
        ("Ablation('size', ({'dim': 'many'},))", "invalid value 'many'"),
        ("Ablation('size', ({'filters': 3},), encoder='timeseries')", "no parameter 'filters'"),
        ("Ablation('size', ({'dim': 3},), encoder='image')", "has no encoder for 'image'"),
        ("Ablation('size', ({},))", "has no row, or a row without settings"),
        ("Ablation('size', ('conv1d',))", "the row 'conv1d' is an encoder, and the ablation names no modality or kind"),
        ("Ablation('size', ({'dim': 3}, 'gru'), encoder='timeseries')", "some rows are encoders, others are settings"),
        ("Ablation('size', ('gru[dimm=3]',), encoder='timeseries')", "'dimm' — did you mean 'dim'?"),
        ("Ablation('size', ())", "has no row, or a row without settings"),
        ("Ablation('modalities', ({'dim': 3},))", "another ablation has this name"),
    ],
)
def test_an_invalid_ablation_is_an_error_of_the_plugin(ablation: str, says: str, tmp_path: Path) -> None:
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
