"""Component classes in the place of their names: found among the plugins, or in the plugin file that defines them."""

import sys
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from mmbench import contract
from mmbench.contract import Method
from mmbench.errors import SpecError
from mmbench.registry import load_registry

_GUIDE = "see docs/how-to/plugin.md"
_BASES = {"method": ("Fusion", "Estimator"), "encoder": ("Encoder",), "dataset": ("Dataset",), "trainer": ("Trainer",)}


@dataclass
class ComponentNames:
    """Names of components that are given as classes or methods; ``plugins`` grows by the files that define them."""

    plugins: list[str] = field(default_factory=list)

    def name_of(self, place: str, item: Any) -> str:
        """The name of ``item`` in the place of a method, encoder, trainer or dataset; a text is its own name.

        SpecError, with what to write, for anything that is not registered by an installed plugin or a plugin file.
        """
        if isinstance(item, str):
            return item
        if isinstance(item, Method) and place == "method":
            return self._name_of_method(item)
        if not isinstance(item, type):
            raise self._not_a_class(place, item)
        if not issubclass(item, _bases_of(place)):
            bases = " or ".join(f"mmbench.{base.__name__}" for base in _bases_of(place))
            raise SpecError(f"{item.__name__} is no {place}", where=place, remedy=f"derive it from {bases}; {_GUIDE}")
        return self._name_of_class(place, item)

    def _name_of_class(self, place: str, item: type) -> str:
        name = getattr(item, "name", None)
        if not isinstance(name, str):
            raise SpecError(f"{item.__name__} has no name", where=place, remedy='write name = "..." in the class')
        kind = next(base for base in _bases_of(place) if issubclass(item, base)).__name__.lower()
        known = getattr(load_registry(tuple(self.plugins)), f"{kind}s").get(name)
        if known is not None and known.component is item:
            return name
        file = _file_of(item, kind, place)
        plugins = [*self.plugins, *([file] if file not in self._paths else [])]
        known = getattr(load_registry(tuple(plugins)), f"{kind}s").get(name)
        if known is None or known.component.__qualname__ != item.__qualname__ or Path(known.plugin) != Path(file):
            remedy = f"register {item.__name__} there in register_{kind}s, marked with @hookimpl; {_GUIDE}"
            raise SpecError(f"does not register the {kind} {name!r}", where=file, remedy=remedy)
        self.plugins = plugins
        return name

    @property
    def _paths(self) -> list[str]:
        return [str(Path(file).resolve()) for file in self.plugins]

    def _name_of_method(self, item: Method) -> str:
        known = load_registry(tuple(self.plugins)).methods.get(item.name)
        if known is None or known.component != item:
            remedy = f'register it in a plugin file, and give plugins=["FILE.py"] and its name; {_GUIDE}'
            raise SpecError(f"no plugin registers this method {item.name!r}", where="method", remedy=remedy)
        return item.name

    def _not_a_class(self, place: str, item: Any) -> SpecError:
        found = type(item).__name__
        if isinstance(item, _bases_of(place)):
            remedy = f'give the class {found}, or a text with parameters such as "{getattr(item, "name", "name")}[...]"'
        elif place == "method" and isinstance(item, PathLike):
            remedy = "give the method first, then the dataset"
        elif place == "method" and isinstance(item, list | tuple):
            remedy = 'give one method, and the others as against=["NAME", ...]'
        elif place == "method" and hasattr(item, "fit") and hasattr(item, "predict"):
            remedy = 'write "sklearn[model=forest]", or make a plugin of it: see docs/how-to/scikit-learn.md'
        else:
            remedy = f"give the name of a {place}"
        return SpecError(f"{found} is no {place}", where=place, remedy=remedy)


def _bases_of(place: str) -> tuple[type, ...]:
    """The base classes of a component; torch is imported with those of networks."""
    return tuple(getattr(contract, name) for name in _BASES[place])


def _file_of(item: type, kind: str, place: str) -> str:
    """The file that defines a class; SpecError where a worker process could not import it as a plugin."""
    module = sys.modules.get(item.__module__)
    file = getattr(module, "__file__", None)
    if item.__module__ == "__main__" or file is None:
        where = "in the running script" if file else "in a notebook or a shell"
        remedy = (
            f"write it to a file of its own with register_{kind}s (in a notebook: %%writefile), and give "
            f'plugins=["FILE.py"] and "{item.__dict__.get("name", "NAME")}"; {_GUIDE}'
        )
        message = f"{item.__name__} is defined {where}, which worker processes cannot import"
        raise SpecError(message, where=place, remedy=remedy)
    return str(Path(file).resolve())
