"""Arguments of Python as a `RunSpec`: a reader for the type of each option, and what to write for common slips."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from mmbench.data import DataFolder
from mmbench.errors import SpecError
from mmbench.registry import parse_against, split_list
from mmbench.workflows.arguments.components import ComponentNames
from mmbench.workflows.arguments.signatures import check_option_names
from mmbench.workflows.request import RunSpec


def make_spec(method: Any, dataset: Any, against: Any, options: Mapping[str, Any]) -> RunSpec:
    """The spec of a run from arguments of Python; SpecError, with what to write, for what is not valid.

    A method, a baseline, an encoder and a trainer may be a class; a dataset a path, a class or data in memory.
    """
    check_option_names(options)
    found = {name: _READERS[name](name, value) for name, value in options.items() if value is not None}
    names = ComponentNames(list(found.get("plugins", ())))
    if "encoders" in found:
        found["encoders"] = {each: names.name_of("encoder", item) for each, item in found["encoders"].items()}
    if "trainer" in found:
        found["trainer"] = names.name_of("trainer", found["trainer"])
    spec: dict[str, Any] = {
        "method": names.name_of("method", method),
        "dataset": _read_dataset(dataset, names),
        "against": _read_against(against, names),
    }
    return RunSpec(**spec, **{**found, "plugins": tuple(names.plugins)})


def read_option(kind: str, name: str, value: Any) -> Any:
    """The value of an option ``name`` that is read as the option ``kind`` of a run is; SpecError if it is not valid."""
    return _READERS[kind](name, value)


def _read_dataset(dataset: Any, names: ComponentNames) -> str:
    if isinstance(dataset, DataFolder):
        if not dataset.path.is_dir():
            remedy = "make the dataset again with from_arrays or from_frame"
            raise SpecError("the data were removed from the cache", where=dataset.path, remedy=remedy)
        return fspath(dataset)
    if isinstance(dataset, PathLike):
        path = Path(dataset).expanduser()
        return str(path if len(path.parts) > 1 else Path.cwd() / path)  # a name alone would be that of a dataset
    if isinstance(dataset, Mapping):
        remedy = "write mmbench.from_arrays({NAME: array}, y, groups=...), or from_frame for columns"
    elif hasattr(dataset, "columns"):
        remedy = "write mmbench.from_frame(frame, target=..., groups=...)"
    elif hasattr(dataset, "__array__") or isinstance(dataset, list | tuple):
        remedy = "write mmbench.from_arrays({NAME: array}, y, groups=...)"
    else:
        return names.name_of("dataset", dataset)
    raise SpecError(f"{type(dataset).__name__} is no dataset", where="dataset", remedy=remedy)


def _read_against(against: Any, names: ComponentNames) -> tuple[str, ...]:
    if against is None:
        remedy = 'write against="none", or leave it out for the default'
        raise SpecError("None is no list of methods", where="against", remedy=remedy)
    if isinstance(against, str):
        return parse_against(against)
    items = against if isinstance(against, Sequence | set | frozenset) else (against,)
    return parse_against([names.name_of("method", item) for item in items])


def _invalid(name: str, value: Any, remedy: str) -> SpecError:
    return SpecError(f"invalid value {value!r:.60}", where=f"option {name}", remedy=remedy)


def _read_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _invalid(name, value, "write a text")
    return value


def _read_count(name: str, value: Any) -> int:
    if isinstance(value, Sequence | range) and not isinstance(value, str):
        raise _invalid(name, value, f"it is a number: write {name}={len(value)}")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise _invalid(name, value, f"write a whole number, such as {name}=3")
    return int(value)


def _read_number(name: str, value: Any) -> float:
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise _invalid(name, value, "write a number")
    return float(value)


def _read_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _invalid(name, value, "write True or False")
    return value


def _read_path(name: str, value: Any) -> Path:
    if not isinstance(value, str | PathLike):
        raise _invalid(name, value, "write a path")
    return Path(value).expanduser()


def _read_names(name: str, value: Any) -> tuple[str, ...]:
    items = split_list(value) if isinstance(value, str) else value
    if isinstance(items, Mapping) or not isinstance(items, Iterable):
        raise _invalid(name, value, "write a list of names")
    return tuple(map(str, items))


def _read_plugins(name: str, value: Any) -> tuple[str, ...]:
    one = isinstance(value, str | PathLike) or not isinstance(value, Iterable)
    items = (value,) if one else tuple(value)
    if not all(isinstance(each, str | PathLike) for each in items):
        raise _invalid(name, value, "write a list of paths of plugin files")
    return tuple(str(Path(each).expanduser()) for each in items)


def _read_mapping(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, str) and "=" in value:
        key, _, cell = value.partition("=")
        raise _invalid(name, value, f'write {name}={{"{key}": {cell if cell.isdigit() else f"{cell!r}"}}}')
    if not isinstance(value, Mapping):
        example = '{"epochs": 5}' if name == "training" else '{"MODALITY": "NAME"}'
        raise _invalid(name, value, f"write {name}={example}")
    return {str(key): cell for key, cell in value.items()}


def _read_paths(name: str, value: Any) -> dict[str, Path]:
    return {key: _read_path(name, path) for key, path in _read_mapping(name, value).items()}


def _read_component(name: str, value: Any) -> Any:
    """A name or a class, which `ComponentNames` reads."""
    return value


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "protocol": _read_text,
    "folds": _read_count,
    "stratify": _read_flag,
    "task": _read_text,
    "metric": _read_text,
    "standardize": _read_text,
    "seeds": _read_count,
    "units": _read_names,
    "modalities": _read_names,
    "encoders": _read_mapping,
    "training": _read_mapping,
    "trainer": _read_component,
    "preset": _read_text,
    "save_encoders": _read_paths,
    "data": _read_path,
    "out": _read_path,
    "cache": _read_path,
    "device": _read_text,
    "jobs": _read_count,
    "cluster": _read_text,
    "threads": _read_count,
    "bad": _read_text,
    "plugins": _read_plugins,
    "weights": _read_text,
    "tune": _read_count,
    "tune_seconds": _read_number,
    "tune_scope": _read_text,
    "tune_storage": _read_text,
    "diagnose": _read_text,
}
