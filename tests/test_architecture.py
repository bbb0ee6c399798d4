"""The walls between the rooms of the house stand: who may import whom, by which door, and how large anything may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from house import PICTURE, ROOMS, doors, draw

import mmbench

REPOSITORY = Path(__file__).parents[1]
HOST = REPOSITORY / "mmbench"
DISTRIBUTIONS = (
    HOST,
    REPOSITORY / "datasets" / "mmbench_datasets",
    REPOSITORY / "plugins" / "milmer" / "mmbench_milmer",
    REPOSITORY / "plugins" / "neuro" / "mmbench_neuro",
    REPOSITORY / "plugins" / "balance" / "mmbench_balance",
)
LOOSE = {"__init__", "__main__", "errors"}
MODULES = [path for folder in DISTRIBUTIONS for path in sorted(folder.rglob("*.py"))]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(REPOSITORY)) for path in paths]


def room(path: Path) -> str:
    return path.relative_to(HOST).parts[0].removesuffix(".py")


def dotted(path: Path) -> str:
    """The name by which a module is imported."""
    home = next(folder.parent for folder in DISTRIBUTIONS if path.is_relative_to(folder))
    return ".".join(path.relative_to(home).with_suffix("").parts).removesuffix(".__init__")


NAMES = {dotted(path) for path in MODULES}


def imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Module and name of every import, wherever it stands."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield from ((child.module or "", alias.name) for alias in child.names)


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def homes(module: str, name: str) -> list[str]:
    """The modules of the host that an import loads at once."""
    if module in DOORS and name in DOORS[module]:
        return [DOORS[module][name]]
    return [item for item in (f"{module}.{name}", module) if item in NAMES][:1]


def imported_at_once(path: Path) -> set[str]:
    """Modules of the host that are imported when this one is."""
    body = [node for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {home for node in body for module, name in imports(node) for home in homes(module, name)}


DOORS = {f"mmbench.{name}": doors(name) for name in ROOMS if (HOST / name / "__init__.pyi").exists()}
HOST_MODULES = [path for path in MODULES if path.is_relative_to(HOST) and room(path) not in {"builtin", "__init__"}]
PLUGIN_MODULES = [path for path in MODULES if not path.is_relative_to(HOST) or room(path) == "builtin"]


def test_every_module_is_in_a_room() -> None:
    found = {room(path) for path in HOST.rglob("*.py")} | {"__init__"}
    assert found == {*ROOMS, *LOOSE, "builtin"}


def test_the_rooms_are_few_and_not_too_full() -> None:
    assert len(ROOMS) <= 15  # with the two annexes that stand in the order: conformance and scaffold
    for folder in {path.parent for path in HOST_MODULES}:
        assert len(list(folder.glob("*.py"))) <= 21, f"{folder.name} has more than 20 modules"


def test_tests_mirror_the_rooms() -> None:
    apart = {"builtin", "datasets", "milmer", "neuro", "balance", "benchmarks", "docs", "plugins", "commands"}
    folders = {path.parent for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert {folder.relative_to(REPOSITORY / "tests").parts[:1] for folder in folders} <= {
        (name,) for name in {*ROOMS, *apart}
    } | {()}


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_has_a_docstring(name: str) -> None:
    assert ast.get_docstring(tree(HOST / name / "__init__.py"))


@pytest.mark.parametrize("path", HOST_MODULES, ids=names(HOST_MODULES))
def test_rooms_import_downwards_and_by_the_door(path: Path) -> None:
    if room(path) in LOOSE:
        return
    below = ROOMS[: ROOMS.index(room(path))]
    body = ast.Module([node for node in tree(path).body if not is_for_types(node)], [])
    for module, _ in imports(body):
        parts = module.split(".")
        if parts[0] != "mmbench" or len(parts) == 1 or parts[1] in {room(path), *LOOSE}:
            continue
        assert parts[1] in below, f"{module} is above"
        assert len(parts) == 2, f"{module} is private to its room"


@pytest.mark.parametrize("path", HOST_MODULES, ids=names(HOST_MODULES))
def test_types_come_by_the_door_too(path: Path) -> None:
    for module, _ in imports(tree(path)):
        parts = module.split(".")
        is_foreign = parts[0] == "mmbench" and len(parts) > 1 and parts[1] not in {room(path), *LOOSE}
        assert not is_foreign or len(parts) == 2, f"{module} is private to its room"


def test_what_a_room_exports_is_there_and_hides_no_module() -> None:
    for package, exported in DOORS.items():
        for name, module in exported.items():
            assert module in NAMES
            assert f"{package}.{name}" not in NAMES, f"{package}.{name} is a module and a name of its own"
            assert not name.startswith("_")


def test_the_picture_of_the_rooms_is_that_of_today() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(), "python docs/house.py draws it anew"


def test_every_door_is_used() -> None:
    """Another room or the package uses each name of a door; everybody uses the public names of `mmbench`."""
    public = ast.parse((HOST / "__init__.pyi").read_text(encoding="utf-8"))
    used = {alias.name for node in public.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    for path in [*HOST_MODULES, HOST / "__init__.py"]:
        used |= {f"{module}.{name}" for module, name in imports(tree(path)) if module != f"mmbench.{room(path)}"}
    exported = {(package, name) for package, names in DOORS.items() for name in names}
    assert [f"{package}.{name}" for package, name in exported if not {name, f"{package}.{name}"} & used] == []


def test_imports_run_in_no_circle() -> None:
    TopologicalSorter({dotted(path): imported_at_once(path) for path in MODULES}).prepare()


@pytest.mark.parametrize("path", PLUGIN_MODULES, ids=names(PLUGIN_MODULES))
def test_plugins_use_public_names_only(path: Path) -> None:
    own = next((folder.name for folder in DISTRIBUTIONS[1:] if path.is_relative_to(folder)), "mmbench.builtin")
    for module, name in imports(tree(path)):
        if module == own or module.startswith(f"{own}."):
            continue
        if module == "mmbench":
            assert name in mmbench.__all__, f"{name} is not public"
        assert module == "mmbench" or not module.startswith(("mmbench.", "mmbench_")), f"{module} is not public"


def spoken(path: Path) -> Iterator[str]:
    """Names and texts of a module but for docstrings and the help of the shell, which may give examples."""
    silent = {id(node.body[0].value) for node in ast.walk(tree_of(path)) if is_documented(node)}
    silent |= {
        id(text)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.keyword) and node.arg == "help"
        for text in ast.walk(node.value)
    }
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value
        yield from (
            getattr(node, field)
            for field in ("id", "attr", "arg", "name")
            if isinstance(getattr(node, field, None), str)
        )


_TREES: dict[Path, ast.Module] = {}


def tree_of(path: Path) -> ast.Module:
    """The same nodes each time, so that they can be told apart by identity."""
    return _TREES.setdefault(path, tree(path))


def is_documented(node: ast.AST) -> bool:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return isinstance(node, kinds) and ast.get_docstring(node) is not None


@pytest.mark.parametrize("path", HOST_MODULES, ids=names(HOST_MODULES))
def test_the_host_does_not_know_that_eeg_exists(path: Path) -> None:
    special = re.compile(r"(?<![a-z])(eeg|ecg|deap|milmer|electrode|face)(?![a-z])", re.IGNORECASE)
    assert [text for text in spoken(path) if special.search(text)] == []


@pytest.mark.parametrize("path", MODULES, ids=names(MODULES))
def test_modules_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # A command of the shell is its options; what it does is counted.
            length = node.end_lineno - (node.body[0].lineno if is_command(node) else node.lineno) + 1
            assert length <= 60, f"{node.name} has {length} lines"


def is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(arg.annotation, ast.Subscript) and "typer." in ast.unparse(arg) for arg in node.args.args)


def invoke(*arguments: str) -> str:
    return (
        "from typer.testing import CliRunner; from mmbench.cli.app import app; "
        f"assert CliRunner().invoke(app, {arguments!r}).exit_code == 0"
    )


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import mmbench", set()),
        ("import mmbench.cli", set()),
        (invoke("--help"), set()),
        (invoke("run", "--help"), set()),
        (invoke("data", "list"), {"rich"}),
        ("from mmbench.registry import load_registry; assert load_registry().datasets", set()),
        ("import mmbench.data.preparation", {"numpy"}),
    ],
    ids=["package", "shell", "help", "help of run", "list", "datasets", "prepare"],
)
def test_heavy_libraries_wait_until_they_are_needed(code: str, allowed: set[str]) -> None:
    heavy = ("numpy", "rich", "pydantic", "torch", "timm", "mne", "optuna", "sklearn", "cv2", "pandas", "matplotlib")
    check = f"{code}\nimport sys\nprint(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= allowed
