"""Errors within components of plugins during a training, as one line with the component, its file and the line."""

from collections.abc import Iterator
from inspect import getfile
from pathlib import Path
from traceback import format_exception, walk_tb
from typing import NamedTuple

from mmbench.contract import Component
from mmbench.errors import MmbenchError
from mmbench.registry import Recipe, load_registry
from mmbench.storage import RemoteError, describe_error, is_out_of_memory


class _Used(NamedTuple):
    """A component of a plugin that a method uses: its title in messages, its class and its file."""

    title: str
    component: type[Component]
    file: Path

    def holds(self, path: Path) -> bool:
        """Whether a file is that of the component, or one of its package."""
        top = self.component.__module__.count(".") - 1
        return path == self.file or (top >= 0 and self.file.parents[top] in path.parents)


def find_plugin_components(recipe: Recipe, plugins: tuple[str, ...]) -> list[_Used]:
    """The components of a method that come from plugins: trainer, fusion or estimator, and encoders."""
    registry = load_registry(plugins)
    named = [("trainer", recipe.trainer)] if recipe.trainer else []
    named += [(recipe.kind, recipe.predictor), *(("encoder", spec) for spec in recipe.encoders.values())]
    found = {}
    for kind, spec in named:
        if not registry.is_own(f"{kind}s", spec.name):
            component = registry.find(f"{kind}s", spec.name).component
            found[f"{kind} {spec.name}"] = _Used(f"{kind} {spec.name}", component, Path(getfile(component)))
    return list(found.values())


def locate_error(error: BaseException, recipe: Recipe, plugins: tuple[str, ...]) -> RemoteError | None:
    """The error with the component that raised it, file and line; None for errors of the host and of a full memory."""
    if isinstance(error, MmbenchError | RemoteError) or is_out_of_memory(error):
        return None
    used = find_plugin_components(recipe, plugins)
    for path, line, function in _frames(error):
        near = [each for each in used if each.holds(path)]
        if not near:
            continue
        mine = [each for each in near if function in {cls.__name__ for cls in each.component.__mro__}]
        titles = " or ".join(each.title for each in mine or near)
        text = f"{titles} ({path}, line {line}): raises {describe_error(error)} \N{EM DASH} correct the plugin"
        return RemoteError(text, "".join(format_exception(error)), is_full=False)
    return None


def _frames(error: BaseException) -> Iterator[tuple[Path, int, str]]:
    """File, line, and the outermost class or function of each call that led to an error, the last one first."""
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        yield Path(frame.f_code.co_filename), line, frame.f_code.co_qualname.partition(".")[0]
