"""Distributions of the repository of the host, and which of them are not installed."""

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files


@cache
def own_distributions() -> tuple[str, ...]:
    """The distributions that are tested with the host, which its extra ``all`` installs."""
    return tuple(files("mmbench").joinpath("own_distributions.txt").read_text("utf-8").split())


def own_plugins() -> frozenset[str]:
    """The plugins that are tested with the host: the built-in one and the distributions of its repository."""
    return frozenset({"builtin", *own_distributions()})


def describe_missing_distributions() -> str:
    """Which of the distributions are not installed, and how to install them; "" if all are."""
    missing = [name for name in own_distributions() if not _is_installed(name)]
    if not missing:
        return ""
    names = " and ".join([", ".join(missing[:-1]), missing[-1]] if missing[1:] else missing)
    return (
        f'{names} {"are" if missing[1:] else "is"} not installed: pip install "mmbench[all]", or in a clone of mmbench '
        "pip install ./datasets ./plugins/*"
    )


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
