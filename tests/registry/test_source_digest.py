"""The code of a component is its files, those they import, and the data that they read beside them."""

import importlib
import os
import py_compile
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from mmbench.errors import PluginError
from mmbench.registry.plugins import Registry
from mmbench.registry.source_digest import find_sources
from mmbench.registry.source_digest.component_code import Code, find_code

Write = Callable[[Mapping[str, str]], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write files below the folder of the test, and forget modules that were imported from there."""
    known, path = set(sys.modules), list(sys.path)

    def write(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(dedent(text))

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def names(path: Path, module: str = "", *, is_packaged: bool = False) -> set[str]:
    return set(find_sources(path, module or path.stem, is_packaged).files)


def test_package_consists_of_its_folder_and_its_imports(write: Write, tmp_path: Path) -> None:
    write(
        {
            "kit/__init__.py": "",
            "kit/edf.py": "from kit import deep\n",
            "kit/deep/__init__.py": "import numpy\n",
            "kit/other.py": "",
            "kit/eye/__init__.py": "from kit.eye.reader import Eye\n",
            "kit/eye/reader.py": "import kit.edf\nfrom mmbench import Dataset\n",
        }
    )
    assert names(tmp_path / "kit/eye/reader.py", "kit.eye.reader", is_packaged=True) == {
        "kit/eye/reader.py",
        "kit/eye/__init__.py",
        "kit/edf.py",
        "kit/deep/__init__.py",
        "kit/__init__.py",
    }


def test_a_file_is_itself_and_the_files_beside_it_that_it_imports(write: Write, tmp_path: Path) -> None:
    write(
        {
            "plugin.py": "import helper\nimport os\nfrom mmbench import Fusion\n",
            "helper.py": "def late():\n    import later\n",
            "later.py": "",
            "unrelated.py": "",
        }
    )
    assert names(tmp_path / "plugin.py") == {"plugin.py", "helper.py", "later.py"}


def test_the_host_is_not_followed() -> None:
    import mmbench.builtin.fusions.prior as prior

    found = names(Path(prior.__file__), prior.__name__, is_packaged=True)
    assert {Path(name).parent.as_posix() for name in found} == {"mmbench/builtin/fusions"}


def test_datasets_share_a_reader() -> None:
    from mmbench_datasets.eegmat import dataset

    assert "mmbench_datasets/edf.py" in names(Path(dataset.__file__), dataset.__name__, is_packaged=True)


def test_a_network_that_finds_faces_is_code() -> None:
    from mmbench_datasets.deap.simulate import dataset

    found = names(Path(dataset.__file__), dataset.__name__, is_packaged=True)
    assert "mmbench_datasets/shared/models/face_detection_yunet_2023mar.onnx" in found


def test_presets_claims_and_pins_are_no_code() -> None:
    from mmbench_datasets.eegmat import dataset
    from mmbench_milmer import fusion

    for module in (dataset, fusion):
        found = names(Path(module.__file__), module.__name__, is_packaged=True)
        weights = {"mmbench_milmer/models/emotion_model.hdf5"}
        assert not [name for name in found - weights if Path(name).suffix != ".py"]


PACKAGE = {
    "kit/__init__.py": "from .layers import Deep\n",
    "kit/layers.py": "from . import deeper as below\n",
    "kit/deeper.py": "",
    "kit/eye/__init__.py": "",
    "kit/eye/model.py": "from ..layers import Deep\nfrom .blocks.attention import *\n",
    "kit/eye/blocks/attention.py": "from ...tables import SIZES\n",
    "kit/tables/__init__.py": "from kit.tables.sizes import SIZES\n",
    "kit/tables/sizes.py": "SIZES = 1\n",
    "kit/unrelated/__init__.py": "",
}


def test_relative_imports_and_names_that_a_package_exports_again_are_followed(write: Write, tmp_path: Path) -> None:
    write(PACKAGE)
    found = names(tmp_path / "kit/eye/model.py", "kit.eye.model", is_packaged=True)
    assert found == set(PACKAGE) - {"kit/unrelated/__init__.py"}


IMPORTS = {
    "a helper of a helper": (
        "import helper",
        {"helper.py": "import second", "second.py": "import third", "third.py": ""},
    ),
    "in a function": ("def forward():\n    if True:\n        from helper import f", {"helper.py": ""}),
    "a package beside it": (
        "from pack.layers import x",
        {"pack/__init__.py": "from .layers import x", "pack/layers.py": ""},
    ),
    "a namespace": (
        "import space.inner.deep",
        {"space/inner/deep.py": "from . import side", "space/inner/side.py": ""},
    ),
    "by name": ("import importlib\nm = importlib.import_module('helper')", {"helper.py": ""}),
    "by another name": ("from importlib import import_module as get\nm = get('helper')", {"helper.py": ""}),
    "by dunder": ("m = __import__('helper')", {"helper.py": ""}),
    "by a name of a table": (
        "import importlib\nT = {'a': 'one', 'b': 'two'}\ndef f(k):\n    return importlib.import_module(T[k])",
        {"one.py": "", "two.py": ""},
    ),
    "a module of a package": (
        "import importlib\ndef f(k):\n    return importlib.import_module(f'pack.{k}')\nimport pack",
        {"pack/__init__.py": "x = 1", "pack/one.py": "", "pack/two.py": ""},
    ),
    "by file": (
        """
        from importlib.util import spec_from_file_location
        from pathlib import Path
        HERE = Path(__file__).resolve().parent
        s = spec_from_file_location("x", HERE / "sub" / "helper.py")
        """,
        {"sub/helper.py": "import second", "sub/second.py": ""},
    ),
    "by file, in a function": (
        """
        import importlib.util, os
        def load(name):
            return importlib.util.spec_from_file_location(name, os.path.join(os.path.dirname(__file__), name + ".py"))
        one, two = load("one"), load("two")
        """,
        {"one.py": "", "two.py": ""},
    ),
    "a folder that is looked in": (
        "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport helper",
        {"lib/helper.py": "import second", "lib/second.py": ""},
    ),
    "run as a script": (
        "import runpy\nx = runpy.run_path(__file__.replace('plugin.py', 'helper.py'))",
        {"helper.py": ""},
    ),
}


@pytest.mark.parametrize("how", IMPORTS)
def test_imports_of_a_plugin_are_part_of_its_code(how: str, write: Write, tmp_path: Path) -> None:
    code, files = IMPORTS[how]
    write({"plugin.py": code, **files, "unrelated.py": ""})
    found = find_sources(tmp_path / "plugin.py", "plugin", False)
    assert {path.relative_to(tmp_path).as_posix() for path in found.files.values()} == {"plugin.py", *files}
    assert found.unknown == []


READS = {
    "beside it": ("np.load(Path(__file__).with_name('w.npy'))", ["w.npy"]),
    "in a folder": ("np.load(Path(__file__).parent / 'data' / 'w.npy')", ["data/w.npy"]),
    "above it": ("open(Path(__file__).resolve().parents[0].parent / NAME / 'w.json')", ["w.json"]),
    "by os.path": ("torch.load(os.path.join(os.path.dirname(__file__), 'data', 'w.pt'))", ["data/w.pt"]),
    "by split": ("torch.load(os.path.join(os.path.split(__file__)[0], 'w.pt'))", ["w.pt"]),
    "another ending": ("Path(__file__).with_suffix('.csv').read_text()", ["plugin.csv"]),
    "of a size": ("def f(n):\n    return np.load(HERE / f'w{n}.npy')", ["w1.npy", "w2.npy"]),
    "of a format": ("def f(n):\n    return np.load(HERE / 'w{}.npy'.format(n))", ["w1.npy", "w2.npy"]),
    "of a list": ("for name in ('a', 'b'):\n    np.load(HERE / (name + '.npy'))", ["a.npy", "b.npy"]),
    "of a pattern": ("[np.load(path) for path in sorted(HERE.glob('data/*.npy'))]", ["data/a.npy", "data/b.npy"]),
    "a whole folder": ("AutoModel.from_pretrained(HERE / 'model')", ["model/config.json", "model/deep/w.bin"]),
    "from an attribute": (
        "class A:\n    table = HERE / 'w.csv'\n    def f(self):\n        return open(self.table)",
        ["w.csv"],
    ),
    "by a default": ("def f(path='w.npy'):\n    return np.load(HERE / path)", ["w.npy"]),
    "by a name alone": ("open_somehow(anchor(), 'w.npy')", ["w.npy"]),
    "a script": ("subprocess.run([sys.executable, str(HERE / 'script.sh')])", ["script.sh"]),
}


@pytest.mark.parametrize("how", READS)
def test_files_read_by_a_plugin_are_part_of_its_code(how: str, write: Write, tmp_path: Path) -> None:
    code, files = READS[how]
    head = "from pathlib import Path\nHERE = Path(__file__).parent\nNAME = Path(__file__).parent.name\n"
    write({"home/plugin.py": head + code, "home/big/recording.bin": "", "home/runs/record.log": ""})
    base = tmp_path if how == "above it" else tmp_path / "home"
    if how == "above it":
        files = ["home/w.json"]
    for file in files:
        write({(base / file).relative_to(tmp_path).as_posix(): "data"})
    found = find_sources(tmp_path / "home/plugin.py", "plugin", False).files
    assert {path.resolve() for path in found.values()} == {
        tmp_path / "home/plugin.py",
        *(base / file for file in files),
    }


def test_data_files_of_a_package_are_part_of_its_code(write: Write, tmp_path: Path) -> None:
    write({"kit/__init__.py": "", "kit/model.py": "x = read_somehow(__name__)", "kit/w.bin": "1", "kit/README.md": ""})
    assert names(tmp_path / "kit/model.py", "kit.model", is_packaged=True) == {
        "kit/__init__.py",
        "kit/model.py",
        "kit/w.bin",
    }


UNKNOWN = {
    "a computed name": "import importlib\ndef f(name):\n    return importlib.import_module(name)",
    "a name of the environment": "import os\nm = __import__(os.environ['M'])",
    "a computed file": "import importlib.util as u\ndef f(x):\n    return u.spec_from_file_location('x', x)",
    "a computed text": "exec(open(input()).read())",
}


@pytest.mark.parametrize("how", UNKNOWN)
def test_code_computed_at_run_time_is_unknown(how: str, write: Write, tmp_path: Path) -> None:
    write({"plugin.py": "import helper\n", "helper.py": UNKNOWN[how]})
    (unknown,) = find_sources(tmp_path / "plugin.py", "plugin", False).unknown
    assert unknown.startswith("helper.py line ")


PLUGIN = """
from mmbench import Dataset, hookimpl
{head}
class Mine(Dataset):
    name = "mine"
@hookimpl
def register_datasets(register):
    register({what})
"""


def code(path: Path, head: str = "", what: str = "Mine") -> Code:
    """The code of the dataset in a plugin file, as a fresh process finds it."""
    path.write_text(PLUGIN.format(head=head, what=what))
    return again(path)


def again(path: Path) -> Code:
    script = (
        "import sys; from mmbench.registry import find_code, load_registry\n"
        "found = find_code(load_registry((sys.argv[1],)).find('datasets', 'mine').component)\n"
        "print(repr((found.digest, dict(found.files), found.unknown)))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    digest, files, unknown = eval(done.stdout)
    return Code(digest, files, unknown=unknown)


def test_what_a_library_opens_when_it_is_loaded_is_no_data_of_the_plugin(tmp_path: Path) -> None:
    plugin, program = tmp_path / "mine.py", tmp_path / "program"
    plugin.write_text(PLUGIN.format(head="import torch", what="Mine"))
    program.write_text(
        "import sys; from mmbench.registry import find_code, load_registry\n"
        "print(sorted(find_code(load_registry((sys.argv[1],)).find('datasets', 'mine').component).files))\n"
    )
    done = subprocess.run([sys.executable, program, plugin], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['mine.py']", done.stderr  # torch reads the program that runs


@pytest.mark.parametrize(
    ("head", "file"),
    [
        ("import sys, pathlib; sys.path.insert(0, str(pathlib.Path(__file__).parent)); import helper", "helper.py"),
        ("import numpy, os; W = numpy.fromfile(os.environ['MINE_DATA'], 'uint8')", "data.bin"),
        (
            "def forward():\n    from pathlib import Path\n    return (Path(__file__).parent / 'w.pt').read_bytes()",
            "w.pt",
        ),
    ],
    ids=["helper", "opened while imported", "weights"],
)
def test_a_key_follows_every_file_and_is_the_same_in_every_process_and_place(
    head: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / file).write_text("x = 1")
    monkeypatch.setenv("MINE_DATA", str(tmp_path / "one/data.bin"))
    first = code(tmp_path / "one/mine.py", head)
    monkeypatch.setenv("MINE_DATA", str(tmp_path / "two/data.bin"))
    assert code(tmp_path / "two/mine.py", head) == first == again(tmp_path / "two/mine.py")
    assert set(first.files) == {"mine.py", file}
    stat = (tmp_path / "two" / file).stat()
    (tmp_path / "two" / file).write_text("x = 2")
    os.utime(tmp_path / "two" / file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    changed = again(tmp_path / "two/mine.py")
    assert changed.digest != first.digest
    assert {name for name in first.files if first.files[name] != changed.files[name]} == {file}


def test_a_compiled_copy_that_is_outdated_is_not_run(tmp_path: Path) -> None:
    """Python takes it for that of a file of the same second and size."""
    head = "import sys, os; sys.path.insert(0, os.path.dirname(__file__)); import helper; assert helper.x == {}"
    helper = tmp_path / "helper.py"
    for value in (1, 2, 3):
        helper.write_text(f"x = {value}\n")
        (tmp_path / "mine.py").write_text(PLUGIN.format(head=head.format(value), what="Mine"))
        for path in (helper, tmp_path / "mine.py"):
            os.utime(path, (1e9, 1e9))
        again(tmp_path / "mine.py")
    assert (tmp_path / "__pycache__").is_dir()


def test_a_compiled_copy_that_is_outdated_and_was_run_is_an_error(write: Write, tmp_path: Path) -> None:
    write({"kit_of_old/__init__.py": "class Made:\n    x = 1\n"})
    file = tmp_path / "kit_of_old/__init__.py"
    for value in (1, 2):
        file.write_text(f"class Made:\n    x = {value}\n")
        os.utime(file, (1e9, 1e9))
        if value == 1:
            py_compile.compile(str(file))
    sys.path.insert(0, str(tmp_path))
    made = importlib.import_module("kit_of_old").Made
    assert made.x == 1
    with pytest.raises(PluginError, match=r"Python runs an outdated compiled copy of it.* remove .*\.pyc"):
        find_code(made)


def test_a_file_behind_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "w.npy").write_text("1")
    (tmp_path / "real/w.npy").symlink_to(tmp_path / "w.npy")
    first = code(tmp_path / "real/mine.py", "W = __file__.replace('mine.py', 'w.npy')")
    (tmp_path / "link.py").symlink_to(tmp_path / "real/mine.py")
    assert again(tmp_path / "link.py") == first
    (tmp_path / "w.npy").write_text("2")
    assert again(tmp_path / "link.py").digest != first.digest


def test_what_a_function_makes_is_known_by_who_calls_it(tmp_path: Path) -> None:
    (tmp_path / "maker.py").write_text(
        "from mmbench import Dataset\n"
        "def make(size):\n    class Made(Dataset):\n        name = 'mine'\n        width = size\n    return Made\n"
    )
    head = "import sys, os; sys.path.insert(0, os.path.dirname(__file__)); from maker import make"
    first = code(tmp_path / "mine.py", head, "make(1)")
    assert set(first.files) == {"maker.py", "mine.py"}
    assert code(tmp_path / "mine.py", head, "make(2)").digest != first.digest


def test_unknown_code_has_another_key_in_each_process(tmp_path: Path) -> None:
    found = [code(tmp_path / "mine.py", UNKNOWN["a computed name"]) for _ in range(2)]
    assert found[0].files == found[1].files
    assert found[0].digest != found[1].digest
    assert "mine.py line" in found[0].unknown[0]


def test_a_class_that_is_written_in_no_file_is_unknown() -> None:
    made: dict[str, type] = {}
    exec("class Made: ...", {"__name__": "nowhere"}, made)
    assert find_code(made["Made"]).unknown == ("Made is defined in no file",)


def test_a_module_that_python_loaded_counts_wherever_another_of_its_name_lies(write: Write, tmp_path: Path) -> None:
    write({"a/helper.py": "", "b/helper.py": "", "b/mine.py": PLUGIN.format(head="import helper", what="Mine")})
    sys.path.insert(0, str(tmp_path / "a"))
    dataset = Registry((str(tmp_path / "b/mine.py"),)).datasets["mine"].component
    found = find_sources(tmp_path / "b/mine.py", dataset.__module__, False).files
    assert found["helper.py"] == tmp_path / "a/helper.py"
