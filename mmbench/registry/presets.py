"""Presets: TOML files with settings of one method on one dataset; the command line overrides them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mmbench.contract import Method
from mmbench.errors import SpecError
from mmbench.registry.specs import did_you_mean
from mmbench.storage import load_toml

NO_PRESET = "none"
TABLES = ("fusion", "estimator", "encoders", "training", "dataset", "run")


@dataclass(frozen=True)
class Preset:
    """The tables of a preset.

    ``fusion``, ``estimator`` and ``dataset`` hold parameters, ``encoders`` a spec for each modality or kind,
    ``training`` the settings of the training loop, ``run`` those of `RunSettings`. ``name`` is None if there is no
    preset.
    """

    name: str | None = None
    fusion: Mapping[str, Any] = field(default_factory=dict)
    estimator: Mapping[str, Any] = field(default_factory=dict)
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)

    def without(self, **overridden: Collection[str]) -> "Preset":
        """The preset without the names that the user set, by table."""
        remaining: dict[str, Any] = {
            table: {name: value for name, value in getattr(self, table).items() if name not in names}
            for table, names in overridden.items()
        }
        return replace(self, **remaining)

    def described(self) -> dict[str, Any] | None:
        """The name and the non-empty tables as plain values; None if there is no preset."""
        return {key: value for key, value in asdict(self).items() if value} or None


def find_preset(method: Method, dataset: str, wanted: str | None) -> Preset:
    """A method's preset: the one ``wanted`` by name or path, else the one named like the dataset, else none.

    ``none`` is no preset, even where the method has one for the dataset.
    """
    if wanted == NO_PRESET:
        return Preset()
    if wanted and wanted.endswith(".toml"):
        return _load(Path(wanted), Path(wanted).name)
    presets = {path.stem: path for path in sorted(method.presets.glob("*.toml"))} if method.presets else {}
    if wanted is None:
        return _load(presets[dataset], dataset) if dataset in presets else Preset()
    if wanted not in presets:
        raise SpecError(
            f"{method.name} has no preset {wanted!r}", where="--preset", remedy=did_you_mean(wanted, presets)
        )
    return _load(presets[wanted], wanted)


def _load(path: Path, name: str) -> Preset:
    try:
        tables = load_toml(path)
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot be read ({error})", where=path, remedy="give --preset a TOML file") from error
    for table, values in tables.items():
        if table not in TABLES or not isinstance(values, dict):
            raise SpecError(f"{table!r} is not a table of a preset", where=path, remedy=did_you_mean(table, TABLES))
    for key, spec in tables.get("encoders", {}).items():
        if not isinstance(spec, str):
            raise SpecError(
                f"{spec!r} is not the spec of an encoder",
                where=f"{path} [encoders] {key}",
                remedy='write "name[param=v]"',
            )
    return Preset(name, **tables)
