"""Source files of a component: its module, the modules it imports, and the data files these name."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmbench.registry.source_digest.data_files import find_data
from mmbench.registry.source_digest.imports import Imports, read_imports
from mmbench.registry.source_digest.module_locations import HOST, Module, find_module, is_installed_file
from mmbench.registry.source_digest.opened_files import opened_by
from mmbench.registry.source_digest.stale_bytecode import find_outdated
from mmbench.registry.source_digest.string_values import ANCHOR, UNKNOWN, read_constants


@dataclass
class Sources:
    """Files by a name that is the same on every machine.

    ``unknown`` lists where code is run that can only be determined by running it; ``outdated`` has the stale compiled
    copies that Python would run in place of changed files.
    """

    files: dict[str, Path] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    outdated: dict[Path, Path] = field(default_factory=dict)

    def add(self, label: str, path: Path) -> None:
        """Add a file; a second file of the same name gets a number."""
        number, name = 1, label
        while name in self.files and self.files[name].resolve() != path.resolve():
            number += 1
            name = f"{label} ({number})"
        self.files[name] = path

    def update(self, others: "Sources") -> None:
        """Add the files of another component."""
        for label, path in others.files.items():
            self.add(label, path)
        self.unknown.extend(line for line in others.unknown if line not in self.unknown)
        self.outdated |= others.outdated


def find_sources(path: Path, module: str, is_packaged: bool) -> Sources:
    """The files of a module: its folder if it is in a package, and all modules and data that these use.

    Imports are followed within the distribution of the module, and into code that is not installed. Installed
    distributions and the host are not followed: the host's handling of samples and tokens has a format in their keys.
    """
    base, top = _base_of(path, module) if is_packaged else (path.parent, "")
    search = _Search(base, top)
    for file in sorted(path.parent.glob("*.py")) if is_packaged else [path]:
        search.add(_member(file, base) if is_packaged else Module(path.stem, file), file.relative_to(base).as_posix())
    search.follow()
    return search.found


def _base_of(path: Path, module: str) -> tuple[Path, str]:
    """The folder that contains the outermost package of a module, and the package's name."""
    top, *inner = module.split(".")
    depth = len(inner) + (path.name == "__init__.py")
    return path.parents[depth], top


def _member(file: Path, base: Path) -> Module:
    parts = file.relative_to(base).with_suffix("").parts
    if parts[-1] == "__init__":
        return Module(".".join(parts[:-1]), file, (str(file.parent),))
    return Module(".".join(parts), file)


class _Search:
    """Files found so far, and modules still to be read."""

    def __init__(self, base: Path, top: str) -> None:
        self.base, self.top = base, top
        self.found = Sources()
        self.folders = [str(base)]
        self.todo: list[Module] = []
        self.seen: set[Path] = set()

    def add(self, module: Module, label: str) -> None:
        """Add a module's file and schedule it to be read."""
        if module.file is not None and module.file not in self.seen:
            self.seen.add(module.file)
            self.found.add(label, module.file)
            self.todo.append(module)

    def follow(self) -> None:
        """Read all scheduled modules, and those they import."""
        while self.todo:
            module = self.todo.pop()
            if self.top != HOST and module.file is not None and module.file.suffix == ".py":
                self._read(module, module.file)

    def _read(self, module: Module, file: Path) -> None:
        try:
            source = file.read_bytes()
            tree = ast.parse(source)
            copy = find_outdated(file, source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # invalid, or for another Python: it counts by its bytes and imports nothing
        self.found.outdated |= {file: copy} if copy else {}
        nodes = list(ast.walk(tree))
        constants = read_constants(nodes, file, module.name, module.package, self._folder_of)
        imports = read_imports(nodes, constants)
        label = next(name for name, path in self.found.files.items() if path == file)
        self.found.unknown.extend(f"{label} {line}" for line in imports.unknown)
        self.folders.extend(_plain(text) for text in imports.folders if UNKNOWN not in text)
        for found in self._imported(imports, file):
            self.add(found, self._label(found))
        packaged = bool(self.top) and file.is_relative_to(self.base)
        within = file.parent.relative_to(self.base) if file.is_relative_to(self.base) else Path()
        for name, path in {**find_data(tree, constants, packaged), **opened_by(file)}.items():
            if path not in self.seen:
                self.found.add((within / name).as_posix(), path)

    def _imported(self, imports: Imports, file: Path) -> Iterator[Module]:
        folders = [*self.folders, str(file.parent)]
        for name in dict.fromkeys(imports.names):
            for found in self._find(name, folders):
                if found.file is not None and not self._is_own(found):
                    break
                if found.file in self.seen:
                    continue
                if found.name == name or name.endswith(".*") or not _is_empty(found):
                    yield found
        for text in imports.files:
            for path in _matching(text):
                yield Module(path.stem, path)

    def _find(self, name: str, folders: Sequence[str]) -> Iterator[Module]:
        if not name.endswith(".*"):
            yield from find_module(name, folders)
            return
        *_, package = [Module("", None), *find_module(name.removesuffix(".*"), folders)]
        for folder in package.folders or ():
            for path in sorted(Path(folder).glob("*.py")):
                yield Module(f"{package.name}.{path.stem}", path)

    def _is_own(self, module: Module) -> bool:
        top = module.name.partition(".")[0]
        return top != HOST and module.file is not None and (top == self.top or not is_installed_file(module.file))

    def _label(self, module: Module) -> str:
        file = module.file
        if file is not None and "." not in module.name and module.folders is None and file.is_relative_to(self.base):
            return file.relative_to(self.base).as_posix()
        return module.label

    def _folder_of(self, package: str) -> Path | None:
        *_, found = [Module("", None), *find_module(package, self.folders)]
        if found.name != package:
            return None
        return Path(found.folders[0]) if found.folders else found.file and found.file.parent


def _is_empty(package: Module) -> bool:
    """Whether the ``__init__`` of a package holds no code, so that importing a module in it runs nothing else."""
    if package.file is None or package.file.suffix != ".py":
        return package.file is None
    try:
        body = ast.parse(package.file.read_bytes()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def _plain(text: str) -> str:
    return text.removeprefix(ANCHOR)


def _matching(text: str) -> Iterator[Path]:
    """The source files that match a path."""
    path = Path(_plain(text))
    if UNKNOWN in text:
        yield from sorted(path.parent.glob("*.py")) if UNKNOWN not in str(path.parent) else ()
    elif path.is_file():
        yield path
