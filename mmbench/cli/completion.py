"""Shell completion of the names of datasets, methods, fusions and protocols."""


def complete_dataset(incomplete: str) -> list[str]:
    """The names of installed datasets that begin with a text."""
    from mmbench.registry import load_registry

    return sorted(name for name in load_registry().datasets if name.startswith(incomplete))


def complete_method(incomplete: str) -> list[str]:
    """The names of installed methods and fusions that begin with a text."""
    from mmbench.registry import load_registry

    registry = load_registry()
    return sorted(name for name in {*registry.methods, *registry.fusions} if name.startswith(incomplete))


def complete_protocol(incomplete: str) -> list[str]:
    """The names of protocols that begin with a text."""
    from mmbench.data import PROTOCOLS

    return sorted(name for name in (*PROTOCOLS, "group:") if name.startswith(incomplete))
