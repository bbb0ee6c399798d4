"""Features that the probe of an audit reads: plain features, and tokens of the method's frozen encoders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbench.contract import Kind, Modality
from mmbench.data import Store, find_row_size, open_tokens, split_rows
from mmbench.features import Encoding, encode
from mmbench.registry import Recipe, parse_spec
from mmbench.workflows.audit.plain_features import FEATURES, SIDE, measure_features, name_columns
from mmbench.workflows.request import n_jobs
from mmbench.workflows.resolve import Request

Index = NDArray[np.int64]

PROBES: Mapping[Kind, str] = {"timeseries": "spectrum", "image": f"pixels[side={SIDE}]", "vector": "raw"}
"""Frozen encoders that make plain features, by kind of modality; those of others are computed from the data."""

_WIDEST = 4096  # largest number of features of an instance whose tokens are concatenated; above, tokens are averaged


@dataclass(frozen=True)
class ProbeFeatures:
    """Features ``x`` ``(n, D)`` of a modality, averaged over the present instances of a bag; NaN if it is missing.

    ``encoder`` is what computed them, ``tokens`` the file of a frozen encoder. ``channels`` are the columns of each
    channel or feature; empty if that is not known.
    """

    encoder: str
    tokens: Path | None
    x: NDArray[np.float32]
    channels: Mapping[str, Index]


def read_plain(request: Request, store: Store, rows: Index, recipe: Recipe) -> dict[str, ProbeFeatures]:
    """Plain features of every modality that the method reads; encoded if they are not cached."""
    spec, found = request.spec, {}
    for name in recipe.encoders:
        modality = store.schema.modality(name)
        if modality.is_open or modality.kind not in PROBES:
            x = measure_features(store.source(name), modality, rows)
            found[name] = ProbeFeatures(FEATURES[modality.kind], None, x, dict(name_columns(modality, x.shape[1])))
            continue
        text = PROBES[modality.kind]
        what = Encoding(store.path, name, parse_spec(text), spec.plugins, request.device, spec.threads)
        tokens = encode(what, spec.cache, n_jobs(spec))
        x = _read(tokens, name, rows)
        found[name] = ProbeFeatures(text, tokens, x, dict(_channels(modality, x.shape[1])))
    return found


def read_frozen(
    rows: Index, recipe: Recipe, tokens: Mapping[str, Path], plain: Mapping[str, ProbeFeatures]
) -> dict[str, ProbeFeatures]:
    """Features from the ``tokens`` of the method's frozen encoders, except where these are the plain features."""
    return {
        name: ProbeFeatures(str(recipe.encoders[name]), path, _read(path, name, rows), {})
        for name, path in tokens.items()
        if path != plain[name].tokens
    }


def _read(tokens: Path, name: str, rows: Index) -> NDArray[np.float32]:
    source = open_tokens(tokens, name)
    parts = split_rows(rows, find_row_size(source, rows))
    if source.lengths is None:
        return np.concatenate([_pooled(*source.read(part)) for part in parts])
    return np.concatenate([_pooled(*_average(source.read(part)[0], source.lengths[part])) for part in parts])


def _average(x: NDArray[np.floating], lengths: Index) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """The mean of the tokens of each instance ``(n, K, 1, D)``, and which instances have any ``(n, K)``."""
    mean = x.sum(axis=2, keepdims=True) / np.maximum(lengths, 1)[:, :, None, None]
    return mean, lengths > 0


def _pooled(x: NDArray[np.floating], present: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Tokens ``(n, K, T, D)`` to features ``(n, T·D)`` or ``(n, D)``."""
    tokens = x if x.shape[2] * x.shape[3] <= _WIDEST else x.mean(axis=2, keepdims=True)
    flat = tokens.reshape(*present.shape, -1).astype(np.float64)
    count = present.sum(axis=1)
    mean = (flat * present[:, :, None]).sum(axis=1) / np.maximum(count, 1)[:, None]
    mean[count == 0] = np.nan
    return np.asarray(mean, dtype=np.float32)


def _channels(modality: Modality, width: int) -> Iterator[tuple[str, Index]]:
    """The columns of each channel, feature, or cell of an image, by name."""
    if modality.kind == "image":
        for at in range(width):
            row, column = divmod(at, SIDE)
            yield f"part {row + 1}, {column + 1} of {SIDE} × {SIDE}", np.array([at])
        return
    n_channels = modality.fixed_shape[0]
    names = modality.channels or tuple(f"{at}" for at in range(n_channels))
    for at, name in enumerate(names):
        yield name, np.arange(at * width // n_channels, (at + 1) * width // n_channels)
