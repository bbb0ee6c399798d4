"""Errors that components of plugins raise, as one line that names the component and the place."""

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmbench.errors import MmbenchError, PluginError
from mmbench.registry.plugins import load_registry
from mmbench.registry.specs import Spec
from mmbench.storage import describe_error, is_out_of_memory


@contextmanager
def component_errors(kind: str, spec: Spec, plugins: tuple[str, ...], of: str = "") -> Iterator[None]:
    """Raise PluginError where the component of a plugin, of a kind such as ``fusions``, raises anything else.

    ``of`` is the modality of an encoder. Errors of the host, of its own components and of a full memory stay what they
    are.
    """
    try:
        yield
    except MmbenchError:
        raise
    except Exception as error:
        registry = load_registry(plugins)
        entry = registry.find(kind, spec.name)
        line = _find_line(error, entry.component)
        if line is None or is_out_of_memory(error) or registry.is_own(kind, spec.name):
            raise
        read = f" of {of}" if of else ""
        raise PluginError(
            f"raises {describe_error(error)}",
            where=f"{kind.removesuffix('s')} {spec.name}{read} (plugin {entry.plugin}, line {line})",
            remedy="correct the plugin; mmbench check runs each of its parts",
        ) from error


def _find_line(error: Exception, component: type) -> int | None:
    """The last line of a component's file that led to an error; None if none did."""
    try:
        file = Path(inspect.getfile(component))
    except (OSError, TypeError):
        return None
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if Path(frame.filename) == file), None)
