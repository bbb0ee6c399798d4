"""Fuzzing targets: every reader of external files, with small valid files and their mutations.

Those of what is handed on are in `published`, those of the smaller datasets and of plugins in `others`.
"""

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import numpy as np

from fuzzing import mutations, others, physiology, published, sequences
from fuzzing.judging import MAX_BYTES
from fuzzing.mutations import Mutation
from fuzzing.toy import TESTS, TOY, run_toy, runs


@dataclass(frozen=True)
class Reader:
    """What reads ``file``, of which ``make`` gives valid contents; it may leave other files in the folder.

    ``share`` is how many of the inputs it gets, beside the others; ``most`` the bytes that reading one may take.
    """

    file: str
    make: Callable[[Path], Sequence[bytes]]
    read: Callable[[Path], object]
    change: Mutation
    share: float = 1.0
    most: int = MAX_BYTES

    def seeds(self, folder: Path) -> list[bytes]:
        """Valid contents, the same each time."""
        return [*self.make(folder)]


# ---- DEAP


def _arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {"data": random.normal(size=(2, 3, 8)), "labels": random.uniform(1, 9, size=(2, 4))}


def _make_dat(_: Path) -> list[bytes]:
    import pickle

    from mmbench_datasets.deap.simulate.pickle_writer import write_arrays

    file = io.BytesIO()
    write_arrays(file, _arrays())
    return [file.getvalue(), *(pickle.dumps(_arrays(), protocol) for protocol in (0, 2, 3, 4)), *mutations.CALLS]


def _make_mat(folder: Path) -> list[bytes]:
    from scipy.io import savemat

    made = []
    for options in ({}, {"do_compression": True}, {"format": "4"}):
        arrays = {"labels": _arrays()["labels"], "data": _arrays()["data"]} if not options.get("format") else {}
        savemat(folder / "seed.mat", arrays or {"labels": _arrays()["labels"]}, **options)
        made.append((folder / "seed.mat").read_bytes())
    return made


def _read_recording(path: Path) -> object:
    from mmbench_datasets.deap import recordings

    with mock.patch.multiple(recordings, DATA_SHAPE=(2, 3, 8), LABELS_SHAPE=(2, 4)):
        return recordings.load_recording(path)


def _make_ratings(_: Path) -> list[bytes]:
    head = "Participant_id,Trial,Experiment_id,Start_time,Valence,Arousal,Dominance,Liking,Familiarity"
    rows = [
        f"{who},{4 - of},{of},9000{of},{of}.5,2.25,3,4,{of if of < 3 else ''}" for who in (1, 2) for of in (1, 2, 3)
    ]
    text = "\n".join([head, *rows]) + "\n"
    return [text.encode(), b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()]


def _read_ratings(path: Path) -> None:
    from mmbench_datasets.deap.ratings import check_agreement, load_ratings

    labels = np.array([[of + 0.5, 2.25, 3, 4] for of in (1, 2, 3)])
    check_agreement(path, load_ratings(path), 1, labels)


def _make_bdf(folder: Path) -> list[bytes]:
    from mmbench_datasets.bdf_writer import Channel, write_bdf
    from mmbench_datasets.deap.original_recordings import CHANNELS, RAW_RATE

    channels = [Channel(name, "uV", 262144.0) for name in CHANNELS] + [Channel("Status", "Boolean", 2.0**23 - 1)]
    signals = np.random.default_rng(0).normal(size=(len(channels), 5 * RAW_RATE)) * 20
    signals[-1] = 0
    signals[-1, 2 * RAW_RATE : 2 * RAW_RATE + 50], signals[-1, 4 * RAW_RATE : 4 * RAW_RATE + 50] = 4, 5
    path = folder / "seed.bdf"
    write_bdf(path, channels, RAW_RATE, 5, [signals])
    return [path.read_bytes()]


def _read_bdf(path: Path) -> object:
    from mmbench_datasets.deap import original_recordings

    with mock.patch.multiple(original_recordings, BASELINE_S=1.0, TRIAL_S=1.0, _PAD_S=0.5, _SLACK_S=0.5):
        return original_recordings.load_presented(path, 1, "none", 1)


def _make_avi(folder: Path) -> list[bytes]:
    import cv2

    made = []
    for codec, size, suffix in (("XVID", (64, 48), "avi"), ("MJPG", (32, 32), "avi"), ("mp4v", (32, 32), "mp4")):
        path = folder / f"{codec}.{suffix}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 4.0, size)
        for step in range(8):
            writer.write(np.full((*reversed(size), 3), 30 * step, np.uint8))
        writer.release()
        made.append(path.read_bytes())
    return made


def _read_avi(path: Path) -> object:
    from mmbench import is_video_truncated, iter_video_frames

    is_video_truncated(path)
    return [frame.shape for _, frame in iter_video_frames(path, [0.1, 0.6, 1.9])]


# ---- other datasets


def _make_edf(_: Path) -> list[bytes]:
    from mmbench_datasets.edf import MAGIC, WIDTHS
    from mmbench_datasets.eegmat.layout import FILE_RATE, SIGNALS

    def make(kind: str, onsets: Sequence[str]) -> bytes:
        """Two records of one second; ``onsets``, when each begins, in a channel of their own."""
        n = len(SIGNALS) + bool(onsets)
        head = MAGIC["EDF"] + b" " * 160 + b"01.01.1100.00.00" + str(256 * (n + 1)).ljust(8).encode()
        head += kind.ljust(44).encode() + b"2".ljust(8) + b"1".ljust(8) + str(n).ljust(4).encode()
        values = ("", "uV", "-3276.8", "3276.7", "-32768", "32767", "", str(FILE_RATE), "")
        rows = [(name, *values) for name in SIGNALS]
        rows += [("EDF Annotations", "", "", "-1", "1", "-32768", "32767", "", "8", "")] if onsets else []
        head += b"".join(row[at].ljust(width).encode() for at, width in enumerate(WIDTHS) for row in rows)
        noise = np.random.default_rng(0).integers(-200, 200, size=(2, len(SIGNALS), FILE_RATE)).astype("<i2")
        notes = [f"{onset}\x14\x14\0".encode().ljust(16, b"\0") for onset in onsets] or [b"", b""]
        return head + b"".join(record.tobytes() + note for record, note in zip(noise, notes, strict=True))

    return [make("", ()), make("EDF+D", ("+0", "+5"))]


def _read_edf(path: Path) -> object:
    from mmbench_datasets.eegmat import Eegmat

    dataset = Eegmat(window=1.0)
    dataset.check(path.parent)
    other = path.with_name("Subject00_2.edf")
    other.unlink(missing_ok=True)
    other.hardlink_to(path)
    return list(dataset.read(path.parent, "s00"))


def _make_images(_: Path) -> list[bytes]:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, size=(12, 10, 3)).astype(np.uint8)
    made = []
    for form in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "PPM", "WEBP"):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, form)
        made.append(file.getvalue())
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", compression="tiff_lzw")
    return [*made, file.getvalue()]


def _read_image(path: Path) -> object:
    from mmbench_datasets.image_folder.decode import read_square

    return read_square(path, 16)


def _make_names(_: Path) -> list[bytes]:
    return [
        b"happy/1.jpg\nsad/S01_2.png",
        b"train/1/a.jpg\ntrain/2/a.jpg\ntest/1/b.jpg",
        "2/٣.png\n10/1.PNG\na/x".encode(),
    ]


def _read_names(path: Path) -> object:
    """Folders and files that are called so."""
    import os

    from mmbench_datasets.image_folder import ImageFolder

    root = path.parent / "images"
    for left in sorted(root.rglob("*"), reverse=True):
        left.rmdir() if left.is_dir() and not left.is_symlink() else left.unlink()
    root.mkdir(exist_ok=True)
    for name in path.read_bytes().replace(b"\0", b"").split(b"\n")[:20]:
        parts = [part[:200] for part in name.split(b"/") if part not in (b"", b".", b"..")][:4]
        target = root.joinpath(*map(os.fsdecode, parts))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(b"\xff\xd8\xff")
        except OSError:
            continue
    for person in ("auto", "^(S[0-9]+)", None):
        dataset = ImageFolder(size=16, person=person)
        problems = [f"{problem}" for problem in dataset.check(root)]
        if not problems:
            [dataset.sources(root, unit) for unit in dataset.units(root)]
            json.dumps(asdict(dataset.schema_of(root)))
    return None


# ---- the host's own


def _make_presets(_: Path) -> list[bytes]:
    presets = TESTS.parent / "plugins" / "milmer" / "mmbench_milmer" / "presets"
    small = (
        '[fusion]\ndim = 8\n[encoders]\nvector = "mlp[dim=8]"\n[training]\nepochs = 2\nlr = 0.01\nbatch_size = 8\n'
        '[dataset]\n[run]\nprotocol = "pooled-segment"\nfolds = 3\nseeds = 2\nmodalities = ["fou", "kar"]\n'
    )
    return [small.encode(), *(path.read_bytes() for path in sorted(presets.glob("*.toml")))]


def _read_preset(path: Path) -> object:
    from mmbench.workflows.request import RunSpec
    from mmbench.workflows.resolve import check_methods, resolve_request

    request = resolve_request(
        RunSpec("concat", "mfeat", preset=str(path), cache=path.parent / "cache", device="cpu", jobs=1)
    )
    return check_methods(request, request.recipes)


def _make_cards(_: Path) -> list[bytes]:
    cards = TESTS.parent / "plugins" / "milmer" / "mmbench_milmer" / "claims"
    return [path.read_bytes() for path in sorted(cards.glob("*.toml"))]


def _read_card(path: Path) -> object:
    from mmbench.workflows.claims.cards import load_card

    return load_card(path)


def _make_records(folder: Path) -> list[bytes]:
    """Of the first method; the record that is spoilt stands among those of the same run."""
    seeds = []
    for run in runs(folder):
        record = sorted(run.glob("fold-*.json"))[0]
        seeds.append(record.read_bytes())
    first = sorted(runs(folder)[0].glob("fold-*.json"))[0]
    (folder / "place").write_text(str(first))
    return seeds


def _show(comparison: Any) -> None:
    """The terminal output of a comparison."""
    from rich.console import Console

    from mmbench.reporting.terminal import comparison_table

    json.dumps(comparison.to_json())
    Console(file=io.StringIO(), width=80).print(comparison_table(comparison))


def _read_records(path: Path) -> object:
    from mmbench.results.loading import load_comparison

    place = Path((path.parent / "place").read_text())
    place.write_bytes(path.read_bytes())
    _show(load_comparison(place.parent))
    _show(load_comparison(place.parent.parent))
    return None


def _make_comparisons(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(run_toy(folder).glob("comparison-*.json"))]


def _read_comparison(path: Path) -> None:
    from mmbench.results.loading import load_comparison
    from mmbench.workflows.reuse import find_comparisons

    place = run_toy(path.parent) / "comparison-0.json"
    place.write_bytes(path.read_bytes())
    find_comparisons(place.parent.parent)
    _show(load_comparison(place))


def _make_ablations(folder: Path) -> list[bytes]:
    one, other = (run.name for run in runs(folder))
    rows: list[dict[str, str | None]] = [
        {"value": "8", "run": one, "reason": ""},
        {"value": "16", "run": other, "reason": ""},
    ]
    rows.append({"value": "0", "run": None, "reason": "cannot be built"})
    listed = {"default": one, "seeds": 1, "tables": [{"name": "width", "parameter": "dim", "rows": rows}]}
    return [json.dumps(listed).encode()]


def _read_ablation(path: Path) -> None:
    from rich.console import Console

    from mmbench.reporting.terminal import ablation_tables
    from mmbench.workflows.ablation_results import is_ablation, load_ablation

    place = run_toy(path.parent) / "ablation-0.json"
    place.write_bytes(path.read_bytes())
    is_ablation(place)
    result = load_ablation(place)
    json.dumps(result.to_json())
    Console(file=io.StringIO(), width=80).print(ablation_tables(result))


def _make_failures(_: Path) -> list[bytes]:
    from mmbench.results.failures import Failure

    return [json.dumps(asdict(Failure("concat", "0", 0, "TrainingError: it diverged", "Traceback\n..."))).encode()]


def _read_failure(path: Path) -> object:
    from mmbench.results.failures import find_failures

    return [failure.line for failure in find_failures(path.parent)]


def _make_tunings(_: Path) -> list[bytes]:
    from mmbench.tuning.results import FoldTuning, TuningTrial

    trials = (
        TuningTrial(0, {"fusion.dim": 8}, "complete", 0.5, 0.7, 1, 2, 0.5),
        TuningTrial(1, {"fusion.dim": 16}, "pruned", 0.6, 0.6, 0, 1, 0.5),
        TuningTrial(2, {"fusion.dim": 4}, "failed", None, None, None, 0, 0.1, "it broke"),
        TuningTrial(3, {"fusion.dim": 4, "training.lr": 0.001}, "complete", 0.75, 0.6, 1, 2, 0.5),
    )
    return [json.dumps(FoldTuning("s1/0", "study", trials).to_plain()).encode()]


def _read_tuning(path: Path) -> object:
    from mmbench.tuning.results import read_tuning

    tuning = read_tuning(path)
    return tuning.to_plain(), [tuning.count(state) for state in ("complete", "pruned", "failed")]


def _make_study(folder: Path) -> list[bytes]:
    """A study of two tuning trials, one complete, one killed."""
    from mmbench.contract.space import Float
    from mmbench.tuning.studies import ask_tuning_trial, open_study

    path, space = folder / "seed.db", {"lr": Float(0.001, 0.1, log=True)}
    path.unlink(missing_ok=True)
    with open_study(f"sqlite:///{path}", "study", 3, {}) as study:
        for number in (0, 1):
            trial, _ = ask_tuning_trial(study, number, space, {"lr": 0.01})
            for key, value in {"score": 0.5, "loss": 0.7, "epoch": 1, "epochs": 2}.items():
                trial.set_user_attr(key, value)
            if number == 0:
                study.tell(trial, 0.5)
    return [path.read_bytes()]


def _read_study(path: Path) -> object:
    from mmbench.tuning.studies import find_tuning_trials, open_study

    with open_study(f"sqlite:///{path}", "study", 3, {}) as study:
        return find_tuning_trials(study)


def _make_audits(_: Path) -> list[bytes]:
    return [json.dumps({"audit": published.make_audit().to_plain()}).encode()]


def _read_audit(path: Path) -> None:
    from rich.console import Console

    from mmbench.reporting.terminal import audit_table
    from mmbench.workflows.audit import is_audit, load_audit

    is_audit(path)
    result = load_audit(path)
    json.dumps(result.to_json())
    Console(file=io.StringIO(), width=80).print(audit_table(result, path))


def _make_prepared(folder: Path) -> list[bytes]:
    from mmbench.data.preparation import Preparation, prepare
    from mmbench.registry.plugins import load_registry
    from mmbench.registry.specs import parse_spec

    load_registry((TOY,)).find("datasets", "toy").component().simulate(folder / "people", subjects=1, trials=2)
    prepare(Preparation(parse_spec("toy"), folder / "people", folder / "cache", (TOY,)), jobs=1)
    (path,) = (folder / "cache" / "prepared").glob("toy-*.h5")
    return [path.read_bytes()]


def _change_sealed(random: Random, seeds: Sequence[bytes]) -> bytes:
    """Change bytes, or the content of the checksum footer with a valid checksum."""
    import hashlib

    content: bytes = random.choice(seeds)
    tail = 8 + 32 + 16
    if random.random() < 0.5:
        return mutations.change_bytes(random, [content])
    end, magic = len(content) - tail, content[-16:]
    length = int.from_bytes(content[end : end + 8], "big")
    body = content[: end - length]
    text = mutations.change_json(random, [content[end - length : end]])
    return body + text + len(text).to_bytes(8, "big") + hashlib.sha256(text).digest() + magic


def _read_prepared(path: Path) -> object:
    from mmbench.data.store import Store
    from mmbench.workflows.cache import list_cache

    list_cache(path.parents[1])
    store = Store(path)
    rows = np.arange(len(store))
    targets = [store.labels(task) for task in store.schema.tasks]
    return [store.source(each.name).read(rows) for each in store.schema.modalities], targets, store.parts, store.key


def _tokens() -> Any:
    return np.random.default_rng(0).normal(size=(12, 3, 2, 4)).astype(np.float32)


def _make_block(folder: Path) -> list[bytes]:
    from mmbench.features.token_file import write_block

    path = folder / "seed.npy"
    write_block(path, _tokens(), {"prepared": "0"})
    return [path.read_bytes()]


def _read_block(path: Path) -> object:
    from mmbench.features.token_file import Block, Blocks, is_whole_block

    # A file with valid checksums is mapped; any other is created again.
    block = Block(0, 12, path)
    return Blocks([block], np.ones((12, 3), bool)).read(np.arange(12)) if is_whole_block(path) else None


def _make_tokens(folder: Path) -> list[bytes]:
    from mmbench import TokenSpec
    from mmbench.features.token_file import Block, join_blocks

    _make_block(folder)
    path, block = folder / "seed.h5", Block(0, 12, folder / "seed.npy")
    join_blocks(path, "signal", [block], np.ones((12, 3), bool), TokenSpec(2, 4), 0, {"prepared": "0"})
    return [path.read_bytes()]


def _read_tokens(path: Path) -> object:
    from mmbench.data.sources import ArraySource
    from mmbench.features.cache import read_encoder_size
    from mmbench.workflows.cache import list_cache

    list_cache(path.parents[1])
    content = path.read_bytes()  # a damaged file is renamed and replaced by the next
    try:
        return ArraySource(path, "signal").read(np.arange(12)), read_encoder_size(path, "signal")
    finally:
        path.write_bytes(content)


def _state() -> Mapping[str, Any]:
    import torch

    return {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2, dtype=torch.float16)}


def _make_safetensors(folder: Path) -> list[bytes]:
    from safetensors.torch import save

    from mmbench.integrity.provenance import WeightProvenance, write_weights

    origin = WeightProvenance(
        "abc", "eeg", "mlp", {"dim": 8}, "toy", "side", ("no", "yes"), {"train": 3}, 0.5, frozenset({"ab12"})
    )
    write_weights(folder / "seed.safetensors", _state(), origin)
    return [(folder / "seed.safetensors").read_bytes(), save(dict(_state()))]


def _read_safetensors(path: Path) -> object:
    from mmbench.integrity.provenance import read_provenance
    from mmbench.training.pretrained import load_state_dict

    return read_provenance(path), _sums(load_state_dict(path))


def _make_pt(_: Path) -> list[bytes]:
    import torch

    made = []
    for state, is_zip in (({**_state()}, True), ({"state_dict": _state(), "epoch": 3}, True), ({**_state()}, False)):
        file = io.BytesIO()
        torch.save(state, file, _use_new_zipfile_serialization=is_zip)
        made.append(file.getvalue())
    return made


def _change_pt(random: Any, seeds: Sequence[bytes]) -> bytes:
    return mutations.change_zip(random, seeds) if random.random() < 0.7 else mutations.change_pickle(random, seeds)


def _read_pt(path: Path) -> object:
    from mmbench.training.pretrained import load_state_dict

    return _sums(load_state_dict(path))


def _sums(state: Mapping[str, Any]) -> list[float]:
    """Read every value; of a tensor that claims to be larger than its file, the first."""
    return [float(value.flatten()[:100].double().sum().real) for value in state.values() if value.numel()]


def _make_specs(_: Path) -> list[bytes]:
    return [
        b"milmer[selector=amil,k=5]", b"only[modality=eeg]", b"mlp[dim=8,dropout=0.1]", b"deap[window=3,video=false]",
        b"image-folder[size=64,person=^(S[0-9]+)]", b"eegmat[rate=125,rest_seconds=none]", b"concat",
    ]  # fmt: skip


def _read_spec(path: Path) -> object:
    from mmbench.registry.plugins import load_registry
    from mmbench.registry.specs import parse_pairs, parse_spec

    registry = load_registry(())
    # What the shell gives: bytes that are not UTF-8 come as surrogates, and no NUL.
    text = path.read_bytes().decode("utf-8", "surrogateescape").replace("\0", "")
    parse_pairs([f"a={text or 1}"], "--encoder")
    spec = parse_spec(text)
    kind = (
        next(kind for kind in ("datasets", "encoders", "methods", "datasets") if spec.name in getattr(registry, kind))
        if any(spec.name in getattr(registry, kind) for kind in ("datasets", "encoders", "methods"))
        else "datasets"
    )
    registry.find(kind, spec.name)
    if kind == "datasets":
        return registry.dataset(spec).schema()
    return registry.bound("fusions" if kind == "methods" else kind, spec) if spec.name != "milmer" else None


def _make_memory(folder: Path) -> list[bytes]:
    from mmbench.storage.hashing import FileDigests

    (folder / "known").write_text("content")
    digests = FileDigests(folder / "seed.json")
    digests(folder / "known")
    digests.save()
    return [(folder / "seed.json").read_bytes()]


def _read_memory(path: Path) -> None:
    from mmbench.storage.hashing import FileDigests

    digests = FileDigests(path)
    digests(path.parent / "known")
    digests.save()


def _make_folds(folder: Path) -> list[bytes]:
    return [(run_toy(folder) / "folds.json").read_bytes()]


def _read_folds(path: Path) -> object:
    from types import SimpleNamespace

    from mmbench.execution.restoring import find_fold

    ids = json.loads(_make_folds(path.parent)[0])["ids"]
    return find_fold(path, "0", SimpleNamespace(ids=np.array(ids)))  # type: ignore[arg-type]


READERS: Mapping[str, Reader] = {
    "dat": Reader("s01.dat", _make_dat, _read_recording, mutations.change_pickle, 3),
    "mat": Reader("s01.mat", _make_mat, _read_recording, mutations.change_bytes, 2),
    "ratings": Reader("participant_ratings.csv", _make_ratings, _read_ratings, mutations.change_table, 2),
    "bdf": Reader("s01.bdf", _make_bdf, _read_bdf, mutations.change_bytes, 0.15),
    "avi": Reader("s01_trial01.avi", _make_avi, _read_avi, mutations.change_bytes, 0.5),
    "edf": Reader("Subject00_1.edf", _make_edf, _read_edf, mutations.change_bytes, 0.5),
    "image": Reader("image.png", _make_images, _read_image, mutations.change_bytes, 2, 2**30),
    "image-names": Reader("names", _make_names, _read_names, mutations.change_text, 0.5),
    "preset": Reader("preset.toml", _make_presets, _read_preset, mutations.change_toml, 0.3),
    "card": Reader("card.toml", _make_cards, _read_card, mutations.change_toml, 1),
    "record": Reader("record.json", _make_records, _read_records, mutations.change_json, 0.4),
    "comparison": Reader("listed.json", _make_comparisons, _read_comparison, mutations.change_json, 0.3),
    "ablation": Reader("listed.json", _make_ablations, _read_ablation, mutations.change_json, 0.3),
    "failure": Reader("failed-fold-0-seed-0.json", _make_failures, _read_failure, mutations.change_json, 2),
    "tuning": Reader("tuning-s1.json", _make_tunings, _read_tuning, mutations.change_json, 2),
    "study": Reader("tuning.db", _make_study, _read_study, mutations.change_bytes, 0.1),
    "audit": Reader("audit.json", _make_audits, _read_audit, mutations.change_json, 0.5),
    "prepared": Reader("cache/prepared/toy-0123456789abcdef.h5", _make_prepared, _read_prepared, _change_sealed, 0.5),
    "kinds": Reader("cache/prepared/kinds-0123456789abcdef.h5", others.make_kinds, _read_prepared, _change_sealed, 0.5),
    "audio": Reader("voice.wav", others.make_audio, others.read_audio, mutations.change_bytes, 1),
    "tokens": Reader("cache/tokens/signal-raw-0123456789abcdef.h5", _make_tokens, _read_tokens, _change_sealed, 0.5),
    "block": Reader("block.npy", _make_block, _read_block, _change_sealed, 0.5),
    "safetensors": Reader("w.safetensors", _make_safetensors, _read_safetensors, mutations.change_safetensors, 2),
    "keras": Reader("emotion_model.hdf5", others.make_keras, others.read_keras, mutations.change_bytes, 0.2),
    "pt": Reader("w.pt", _make_pt, _read_pt, _change_pt, 1),
    "spec": Reader("spec", _make_specs, _read_spec, mutations.change_text, 2),
    "memory": Reader("digests.json", _make_memory, _read_memory, mutations.change_json, 1),
    "folds": Reader("folds.json", _make_folds, _read_folds, mutations.change_json, 1),
    "board-folds": Reader(
        "listed.json", published.make_board_folds, published.read_board_folds, mutations.change_json, 0.2
    ),
    "board-record": Reader(
        "listed.json", published.make_board_records, published.read_board_record, mutations.change_json, 0.5
    ),
    "board-audit": Reader(
        "listed.json", published.make_board_audits, published.read_board_audit, mutations.change_json, 0.2
    ),
    "board-page": Reader("page", published.make_board_pages, published.read_board_page, mutations.change_bytes, 0.1),
    "added-folds": Reader(
        "listed.json", published.make_board_folds, published.read_added_folds, mutations.change_json, 0.1
    ),
    "report": Reader("listed.json", published.make_reports, published.read_report, mutations.change_json, 0.12),
    "trained": Reader("listed.json", published.make_trained, published.read_trained, mutations.change_json, 0.4),
    "checkpoint": Reader(
        "w.safetensors", published.make_checkpoint, published.read_checkpoint, mutations.change_safetensors, 0.4
    ),
    "lots": Reader("lots.json", published.make_lots, published.read_lots, mutations.change_json, 1),
    "labels": Reader("labels.csv", others.make_labels, others.read_labels, mutations.change_table, 1),
    "bvp": Reader("BVP.csv", others.make_sensor("bvp"), others.read_sensor("bvp"), mutations.change_table, 0.7),
    "acc": Reader("ACC.csv", others.make_sensor("acc"), others.read_sensor("acc"), mutations.change_table, 0.7),
    "archive": Reader("mfeat.npz", others.make_archives, others.read_archive, mutations.change_bytes, 0.1),
    "utd-mhad": Reader(
        "a1_s1_t1_inertial.mat", sequences.make_utd_mhad, sequences.read_utd_mhad, mutations.change_bytes, 1
    ),
    "transcripts": Reader(
        "t.csv",
        sequences.make_mosi("transcripts.csv"),
        sequences.read_mosi("transcripts.csv"),
        mutations.change_table,
        0.3,
    ),
    "features": Reader(
        "f.csv",
        sequences.make_mosi("audio_test0.csv"),
        sequences.read_mosi("audio_test0.csv"),
        mutations.change_table,
        0.3,
    ),
    "dreamer": Reader("DREAMER.mat", physiology.make_dreamer, physiology.read_dreamer, mutations.change_bytes, 1),
    "amigos": Reader("P01.mat", physiology.make_amigos, physiology.read_amigos, mutations.change_bytes, 0.5),
    "seed-iv": Reader("1_1.mat", physiology.make_seed_iv, physiology.read_seed_iv, mutations.change_bytes, 0.5),
    "wesad": Reader("S2.pkl", physiology.make_wesad, physiology.read_wesad, mutations.change_pickle, 1),
    "seed-v": Reader("1_123.npz", physiology.make_seed_v, physiology.read_seed_v, physiology.change_seed_v, 1),
    "session": Reader("session.xml", physiology.make_session, physiology.read_session, mutations.change_text, 1),
    "wav": Reader("0_one_0.wav", sequences.make_fsdd, sequences.read_fsdd, mutations.change_bytes, 1),
    "mmsa": Reader("unaligned_50.pkl", sequences.make_mmsa, sequences.read_mmsa, mutations.change_pickle, 0.5),
    "film": Reader("00000001.json", sequences.make_film, sequences.read_film, mutations.change_json, 0.5),
    "flv": Reader("film.flv", sequences.make_flv, sequences.read_flv, mutations.change_bytes, 0.2),
    "eav": Reader("labels.mat", sequences.make_eav, sequences.read_eav, mutations.change_bytes, 0.3),
    "seed-iv-eye": Reader(
        "1_1.mat", physiology.make_seed_iv_eye, physiology.read_seed_iv_eye, mutations.change_bytes, 0.5
    ),
    "mahnob-hci": Reader("1.bdf", physiology.make_mahnob, physiology.read_mahnob, mutations.change_bytes, 0.3),
    "eav-eeg": Reader("eeg.mat", sequences.make_eav_eeg, sequences.read_eav_eeg, mutations.change_bytes, 0.2),
    "mm-imdb": Reader("split.json", sequences.make_split, sequences.read_split, mutations.change_json, 0.3),
    "cremad": Reader(
        "clip.wav",
        sequences.make_clip("cremad", "AudioWAV/*.wav"),
        sequences.read_clip("cremad", "AudioWAV/1001_DFA_ANG_XX.wav"),
        mutations.change_bytes,
        0.5,
    ),
    "ravdess": Reader(
        "clip.wav",
        sequences.make_clip("ravdess", "**/03-*.wav"),
        sequences.read_clip("ravdess", "Actor_01/03-01-01-01-01-01-01.wav"),
        mutations.change_bytes,
        0.5,
    ),
    "clip-names": Reader("names", sequences.make_clip_names, sequences.read_clip_names, mutations.change_text, 0.5),
    "mark": Reader("SIMULATED.json", others.make_marks, others.read_mark, mutations.change_json, 0.3),
    "pins": Reader("pins.txt", others.make_pins, others.read_pins, mutations.change_text, 0.5),
    "source": Reader("source.py", others.make_sources, others.read_sources, mutations.change_bytes, 1),
}


def inputs_of(total: int, names: Sequence[str]) -> dict[str, int]:
    """How many inputs each of some readers gets, at least ``total`` together."""
    whole = sum(READERS[name].share for name in names)
    return {name: math.ceil(total * READERS[name].share / whole) for name in names}
