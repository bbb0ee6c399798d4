"""Exports a dataset of MOABB: its trials, subject by subject, to files that are read without MOABB."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmbench import DataError, SpecError, locked, track
from mmbench_datasets.moabb_bridge.catalogue import (
    About,
    describe,
    is_simulated,
    make_dataset,
    moabb_version,
    quiet,
)
from mmbench_datasets.moabb_bridge.files import (
    MANIFEST,
    Manifest,
    read_manifest,
    subject_file,
    write_manifest,
    write_subject,
)
from mmbench_datasets.moabb_bridge.settings import ExportSettings

_NETWORK = ("requests", "urllib", "urllib3", "httpx", "httpcore", "botocore", "ssl")


def export_once(settings: ExportSettings, subjects: Sequence[int] | None, cache: Path) -> Path:
    """The folder under ``cache`` with the exported ``subjects``, None for all; those that are missing are exported.

    Each subject is one file, written whole, so that an interrupted export resumes at the subject it was in. Raises
    SpecError for settings that the dataset does not admit, DataError where MOABB cannot download or read a subject.
    """
    version = moabb_version()
    home = cache / settings.folder_name(version)
    if _is_complete(home, subjects):
        return home
    with locked(home):
        if not _is_complete(home, subjects):
            _export(home, version, settings, subjects)
    return home


def _is_complete(home: Path, subjects: Sequence[int] | None) -> bool:
    if not (home / MANIFEST).is_file():
        return False
    wanted = read_manifest(home).subjects if subjects is None else subjects
    return all(subject_file(home, subject).is_file() for subject in wanted)


def _export(home: Path, version: str, settings: ExportSettings, subjects: Sequence[int] | None) -> None:
    dataset = make_dataset(settings.name, settings.arguments)
    manifest = _make_manifest(dataset, version, settings)
    _check_window(manifest, settings)
    _check_subjects(manifest, subjects)
    if not (home / MANIFEST).is_file():
        write_manifest(home, manifest)
    wanted = manifest.subjects if subjects is None else subjects
    missing = [subject for subject in wanted if not subject_file(home, subject).is_file()]
    for subject in track(missing, f"exporting {manifest.name}"):
        _export_subject(home, dataset, manifest, settings, subject)


def _make_manifest(dataset: Any, version: str, settings: ExportSettings) -> Manifest:
    name = type(dataset).__name__
    classes = [str(each) for each in dataset.event_id]
    if len(classes) < 2:
        message = f"{name} has one kind of event ({', '.join(classes)}), so that there is nothing to classify"
        raise SpecError(message, where="moabb[name]", remedy="choose another dataset")
    return Manifest(
        version,
        name,
        settings.plain(),
        str(dataset.paradigm),
        classes,
        [float(each) for each in dataset.interval],
        [int(each) for each in dataset.all_subjects],
        is_simulated(type(dataset)),
        describe(dataset),
    )


def _check_window(manifest: Manifest, settings: ExportSettings) -> None:
    length = manifest.interval[1] - manifest.interval[0]
    if settings.tmax is None and settings.tmin >= length:
        message = f"tmin={settings.tmin:g} is not before the end of the interval of {manifest.name}, {length:g} s"
        raise SpecError(message, where="moabb[tmin]", remedy="give less, or tmax too")


def _check_subjects(manifest: Manifest, subjects: Sequence[int] | None) -> None:
    if strange := sorted(set(subjects or ()) - set(manifest.subjects)):
        known = manifest.subjects
        there = f"{known[0]} to {known[-1]}" if list(known) == [*range(known[0], known[-1] + 1)] else str(list(known))
        message = f"{manifest.name} has no subject {strange[0]}"
        raise SpecError(message, where="moabb[subjects]", remedy=f"its subjects are {there}")


def _export_subject(home: Path, dataset: Any, manifest: Manifest, settings: ExportSettings, subject: int) -> None:
    from mmbench_datasets.moabb_bridge.trials import cut_trials

    where = f"moabb[name={manifest.name}], subject {subject}"
    with quiet(), _random_state(), _moabb_errors(where, manifest.about):
        sessions = dataset.get_data(subjects=[subject])[subject]
    with quiet():
        runs = [
            (str(session), str(run), cut_trials(raw, dataset, manifest.classes, settings, f"{where}, {session}/{run}"))
            for session, raws in sessions.items()
            for run, raw in raws.items()
        ]
    if not runs:
        raise DataError("MOABB finds no run", where=where, remedy="leave the subject out with subjects=")
    write_subject(subject_file(home, subject), manifest.classes, runs)


@contextmanager
def _random_state() -> Iterator[None]:
    """Restore NumPy's global random state, which MOABB's simulated datasets seed."""
    import numpy as np

    state = np.random.get_state()  # noqa: NPY002  # MOABB seeds the global generator
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


@contextmanager
def _moabb_errors(where: str, about: About) -> Iterator[None]:
    """Raise DataError for a failed download, and for whatever a reader of MOABB raises for its files."""
    try:
        yield
    except Exception as error:  # 160 readers of different authors
        cause = _find_network_error(error)
        reason = f"{type(cause or error).__name__}: {cause or error}"
        if cause is not None:
            remedy = (
                f"check the network, or get the files from {about.url} (licence: {about.licence}) and set MNE_DATA to "
                "the folder in which MOABB is to find them"
            )
            raise DataError(f"MOABB cannot download its files ({reason})", where=where, remedy=remedy) from error
        remedy = f"see {about.url} (licence: {about.licence}), or leave the subject out with subjects="
        raise DataError(f"MOABB cannot read its files ({reason})", where=where, remedy=remedy) from error


def _find_network_error(error: BaseException) -> BaseException | None:
    """The last error of the network among an error and those it follows from; None if there is none."""
    found, current = None, error
    while current is not None:
        home = type(current).__module__.split(".")[0]
        if isinstance(current, ConnectionError | TimeoutError | socket.gaierror) or home in _NETWORK:
            found = current
        current = current.__cause__ or current.__context__  # type: ignore[assignment]
    return found
