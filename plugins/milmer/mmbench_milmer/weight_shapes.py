"""Comparison of the names and shapes of loaded weights with those of a network."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from mmbench import WeightsError


def check_fit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], where: str) -> None:
    """WeightsError that names the mismatches: missing keys, unknown keys, and keys of another shape."""
    mismatches = [
        _list_keys("missing", expected.keys() - found.keys()),
        _list_keys("unknown", found.keys() - expected.keys()),
        _list_keys(
            "of another shape",
            (
                f"{key} {tuple(found[key].shape)} for {tuple(expected[key].shape)}"
                for key in found.keys() & expected.keys()
                if found[key].shape != expected[key].shape
            ),
        ),
    ]
    if any(mismatches):
        raise WeightsError(
            f"does not fit: {'; '.join(filter(None, mismatches))}",
            where=where,
            remedy="give the weights of one whole model",
        )


def _list_keys(label: str, keys: Iterable[str], shown: int = 3) -> str:
    names = sorted(keys)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{label}: {', '.join(names[:shown])}{more}" if names else ""
