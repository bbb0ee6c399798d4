"""``mmbench explain``: which files and results of a run exist, and why others would be made again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mmbench.data import NOISE_OBSTACLES, SNRS_DB, Preparation, Store, describe_preparation, prepared_path
from mmbench.errors import DamagedError
from mmbench.execution import describe_run, find_near_run, key_parts, run_folder
from mmbench.features import FROZEN_SEED, Encoding, count_parameters, find_nearest_tokens, token_path
from mmbench.features import describe_tokens as describe_tokens
from mmbench.registry import Recipe, build_encoder
from mmbench.results import record_path, skips_noise
from mmbench.storage import ChecksummedFile, KeyParts, NearestEntry, find_nearest_file, key_digest
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import CheckedRequest, Request, find_files, resolve_request
from mmbench.workflows.split import split_data

State = Literal["there", "partly", "missing", "damaged", "not known"]


@dataclass(frozen=True)
class ArtifactStatus:
    """State of a file or folder of a run; if it is missing, ``why`` has differences to the nearest one, ``near``."""

    what: str
    path: Path | None
    state: State
    why: tuple[str, ...] = ()
    near: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """All values, for JSON."""
        paths = {name: path and str(path) for name, path in (("path", self.path), ("near", self.near))}
        return {"what": self.what, "state": self.state, "why": list(self.why), **paths}


def explain_reuse(spec: RunSpec) -> list[ArtifactStatus]:
    """States of the prepared file, the token files and the runs of a comparison, in the order of a run."""
    request = resolve_request(spec)
    recipes, files = request.recipes, find_files(request)
    made_from = describe_preparation(files)
    path, key = prepared_path(files, made_from), key_digest(made_from)
    prepared = _explain_file(f"prepared {request.dataset_spec}", path, _nearest_prepared(made_from, path, files))
    encodings = [_find_encodings(request, recipe, files, path, key) for recipe in recipes]
    tokens = {}
    for encoding in (encoding for found in encodings for encoding in found.values()):
        for what, file, parts in _with_noise(request, encoding):
            tokens[file] = _explain_file(f"tokens of {what.label}", file, find_nearest_tokens(parts, file))
    runs = _explain_runs(request, files, recipes, encodings, prepared)
    return [prepared, *tokens.values(), *runs]


def _nearest_prepared(made_from: KeyParts, path: Path, files: Preparation) -> NearestEntry | None:
    return find_nearest_file(made_from, path.parent.glob(f"{files.dataset.name}-*.h5"))


def _explain_file(what: str, path: Path, near: NearestEntry | None) -> ArtifactStatus:
    if path.is_file():
        try:
            ChecksummedFile(path)
        except DamagedError as error:
            return ArtifactStatus(what, path, "damaged", (error.message,))
        return ArtifactStatus(what, path, "there")
    return _missing(what, path, near)


def _missing(what: str, path: Path, near: NearestEntry | None) -> ArtifactStatus:
    if near is None:
        return ArtifactStatus(what, path, "missing", ("no similar one exists",))
    return ArtifactStatus(what, path, "missing", near.differences, near.path)


@dataclass(frozen=True)
class _RequiredTokens:
    """Tokens that a run uses, the parameters of their encoder, and whether ``several`` modalities are read."""

    encoding: Encoding
    parts: KeyParts
    size: int
    several: bool


def _find_encodings(
    request: Request, recipe: Recipe, files: Preparation, store: Path, key: str
) -> dict[str, _RequiredTokens]:
    """Tokens by modality; the prepared file need not exist."""
    spec, found = request.spec, {}
    for name, encoder in recipe.encoders.items():
        built = build_encoder(encoder, request.schema.modality(name), spec.plugins, FROZEN_SEED)
        if built.frozen:
            encoding = Encoding(store, name, encoder, spec.plugins, request.device, spec.threads, files=files)
            parts = describe_tokens(encoding, built, key)
            found[name] = _RequiredTokens(encoding, parts, count_parameters(built), len(recipe.encoders) > 1)
    return found


def _with_noise(request: Request, required: _RequiredTokens) -> Iterator[tuple[Encoding, Path, KeyParts]]:
    """The tokens, and the noisy tokens of a diagnosis."""
    cache, level = request.spec.cache, request.spec.diagnose
    yield required.encoding, token_path(required.encoding, cache, required.parts), required.parts
    applies = request.schema.modality(required.encoding.modality).kind not in NOISE_OBSTACLES
    if applies and required.several and level != "no" and not skips_noise(level, required.size):
        for snr in SNRS_DB:
            parts = {**required.parts, "snr_db": snr}
            what = replace(required.encoding, snr_db=snr)
            yield what, token_path(what, cache, parts), parts


def _explain_runs(
    request: Request,
    files: Preparation,
    recipes: Sequence[Recipe],
    encodings: Sequence[Mapping[str, _RequiredTokens]],
    prepared: ArtifactStatus,
) -> Iterator[ArtifactStatus]:
    if prepared.state != "there" or prepared.path is None:
        why = ("its folds depend on the prepared data",)
        yield from (ArtifactStatus(f"run {recipe.label}", None, "not known", why) for recipe in recipes)
        return
    checked = CheckedRequest(**vars(request), files=files, findings={})
    setup = split_data(checked, Store(prepared.path))
    for recipe, required in zip(recipes, encodings, strict=True):
        tokens = {name: token_path(each.encoding, setup.cache, each.parts) for name, each in required.items()}
        described = describe_run(setup, recipe, tokens)
        folder = run_folder(setup, recipe, key_digest(key_parts(described)))
        paths = [record_path(folder, fold.name, seed) for fold in setup.folds for seed in range(request.settings.seeds)]
        done = sum(path.exists() for path in paths)
        if done:
            count = f"{done} of {len(paths)} folds"
            yield ArtifactStatus(f"run {recipe.label}", folder, "there" if done == len(paths) else "partly", (count,))
        else:
            near = find_near_run(described, request.spec.out.resolve().glob("*/*/"))
            yield _missing(f"run {recipe.label}", folder, near)
