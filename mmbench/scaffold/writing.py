"""Files of a new distribution, made from templates and written as one folder atomically."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Template

from mmbench.errors import SpecError
from mmbench.scaffold.names import PluginName, parse_name
from mmbench.storage import make_folder, storage_errors

TEMPLATES = Path(__file__).with_name("templates")
ENDING = ".template"
MODULE = "module"  # the folder of the templates that gets the module's name


def make_plugin(name: str, folder: Path | None = None) -> Path:
    """Write the distribution ``name`` into ``folder``, by default its name in the current folder; returns the folder.

    Raises SpecError for an invalid name or a folder that is not empty; nothing is overwritten.
    """
    plugin = parse_name(name)
    home = folder or Path(plugin.distribution)
    _check_empty(home)
    with _folder_whole(home) as temporary:
        for path, text in fill_templates(plugin).items():
            make_folder((temporary / path).parent)
            (temporary / path).write_text(text, encoding="utf-8")
    return home


def fill_templates(plugin: PluginName) -> Mapping[Path, str]:
    """The text of every file of a new distribution, by relative path."""
    words = {"name": plugin.distribution, "module": plugin.module}
    return {path: Template(text).substitute(words) for path, text in _templates(plugin)}


def _templates(plugin: PluginName) -> Iterator[tuple[Path, str]]:
    for file in sorted(TEMPLATES.rglob(f"*{ENDING}")):
        parts = [plugin.module if part == MODULE else part for part in file.relative_to(TEMPLATES).parts]
        yield Path(*parts).with_suffix(""), file.read_text(encoding="utf-8")


def _check_empty(home: Path) -> None:
    if home.is_dir() and not any(home.iterdir()):
        return
    if home.exists() or home.is_symlink():
        what = "is not empty" if home.is_dir() else "is not a folder"
        raise SpecError(what, where=home, remedy="name another folder with --to")


@contextmanager
def _folder_whole(home: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``home``; rename it to ``home`` when the block succeeds, else remove it."""
    make_folder(home.parent)
    with storage_errors(home):
        temporary = home.absolute().with_name(f".part-{secrets.token_hex(4)}-{home.absolute().name}")
        temporary.mkdir()
        try:
            yield temporary
            if home.is_dir():
                home.rmdir()  # it was empty; fails where a file was added meanwhile
            temporary.rename(home)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
