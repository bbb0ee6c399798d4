"""The walls between rooms stand: who may import whom, what stays hidden, and how large anything may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mmbench

REPOSITORY = Path(__file__).parents[1]
HOST = REPOSITORY / "mmbench"
DISTRIBUTIONS = (
    HOST,
    REPOSITORY / "datasets" / "mmbench_datasets",
    REPOSITORY / "plugins" / "milmer" / "mmbench_milmer",
    REPOSITORY / "plugins" / "neuro" / "mmbench_neuro",
)
# The table of the design, from the ground up. A room may import from its own floor and from those below.
FLOORS = (
    {
        "errors",
        "types",
        "space",
        "files",
        "filetypes",
        "leftovers",
        "locks",
        "pickles",
        "hashing",
        "progress",
        "specs",
        "metrics",
        "seals",
        "keys",
        "sources",
        "integrity",
        "documents",
        "pins",
    },
    {"components", "networks", "hookspecs"},
    {
        "plugins",
        "samples",
        "store",
        "merging",
        "hdf5",
        "gaps",
        "inventory",
        "prepare",
        "downloads",
        "splits",
        "strata",
        "features",
        "tokens",
        "passes",
        "batch_independence",
        "isolation",
        "decoding",
        "duplicates",
        "inputs",
        "model",
        "training",
        "optimizer",
        "operations",
        "methods",
        "presets",
        "design",
        "building",
        "seeding",
        "augmentation",
        "modality_dropout",
        "guard",
        "portraits",
        "canaries",
        "origins",
        "lint",
        "checkpoints",
        "weights",
        "parts",
        "statistics",
        "calibration",
        "costs",
        "memory",
        "inherited",
        "records",
        "recorded",
        "diagnosis",
        "searchspace",
        "trials",
        "studies",
        "tuning",
        "plans",
        "jobs",
        "relay",
        "failures",
        "cluster",
        "workers",
    },
    {
        "runspec",
        "agreement",
        "asked",
        "planning",
        "schedule",
        "saving",
        "comparison",
        "plotted",
        "comparable",
        "labels",
        "consistency",
        "forecast",
        "experiment",
        "tuned",
        "diagnosed",
        "explanation",
        "explaining",
        "caches",
        "restoring",
        "ablation",
        "auditing",
        "variants",
        "recall",
        "claims",
        "conformance",
        "report",
        "leaderboards",
        "plots",
        "pages",
        "publishing",
        "scaffold",
    },
    {"cli", "__main__"},
)
# Plugins like any other, though they are installed with the host; and the front door, which imports when asked.
APART = {"builtin", "__init__"}
MODULES = [path for folder in DISTRIBUTIONS for path in sorted(folder.rglob("*.py"))]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(REPOSITORY)) for path in paths]


def room(path: Path) -> str:
    return path.relative_to(HOST).parts[0].removesuffix(".py")


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


def imported_at_once(path: Path) -> set[str]:
    """Modules of the host that are imported when this one is."""
    body = [node for node in tree(path).body if not is_for_types(node)]
    found = set()
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module, name in imports(node):
                both = [f"{module}.{name}", module]
                found.update(next(([item] for item in both if is_module(item)), []))
    return found


def is_module(name: str) -> bool:
    path = REPOSITORY.joinpath(*name.split("."))
    return name.startswith("mmbench.") and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())


def rooms_of(module: str, name: str) -> str | None:
    """The room an import leads to; None when it leads out of the host or through the front door."""
    if module == "mmbench":
        return name if is_module(f"mmbench.{name}") else None
    return module.split(".")[1] if module.startswith("mmbench.") else None


HOST_MODULES = [path for path in MODULES if path.is_relative_to(HOST) and room(path) not in APART]
PLUGIN_MODULES = [path for path in MODULES if not path.is_relative_to(HOST) or room(path) == "builtin"]


def test_every_room_has_a_floor() -> None:
    found = {room(path) for path in HOST.rglob("*.py")} - APART
    assert found == set.union(*FLOORS)


@pytest.mark.parametrize("path", HOST_MODULES, ids=names(HOST_MODULES))
def test_nothing_is_imported_from_above(path: Path) -> None:
    floor = next(number for number, rooms in enumerate(FLOORS) if room(path) in rooms)
    allowed = set.union(*FLOORS[: floor + 1])
    body = ast.Module([node for node in tree(path).body if not is_for_types(node)], [])
    wanted = {target for module, name in imports(body) if (target := rooms_of(module, name))}
    assert wanted - {"__init__"} <= allowed


def test_imports_run_in_no_circle() -> None:
    def module(path: Path) -> str:
        return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")

    graph = {module(path): imported_at_once(path) for path in HOST_MODULES}
    assert set.union(*graph.values()) <= set(graph)
    TopologicalSorter(graph).prepare()


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
        ("from mmbench.plugins import load_registry; assert load_registry().datasets", set()),
        ("import mmbench.prepare", {"numpy"}),
    ],
    ids=["package", "shell", "help", "help of run", "list", "datasets", "prepare"],
)
def test_heavy_libraries_wait_until_they_are_needed(code: str, allowed: set[str]) -> None:
    heavy = ("numpy", "rich", "pydantic", "torch", "timm", "mne", "optuna", "sklearn", "cv2", "pandas", "matplotlib")
    check = f"{code}\nimport sys\nprint(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= allowed
