"""The dataset ``moabb``: any dataset of MOABB, as trials of each type of channel."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mmbench import Card, DataError, Dataset, Problem, Sample, Schema, SpecError, Task
from mmbench_datasets.moabb_bridge.files import MANIFEST, Manifest, find_exported, read_manifest, subject_file
from mmbench_datasets.moabb_bridge.settings import ExportSettings, parse_arguments, parse_subjects

if TYPE_CHECKING:
    from mmbench_datasets.moabb_bridge.files import RunHeader
    from mmbench_datasets.moabb_bridge.layout import Layout

TASK = "event"


class Moabb(Dataset):
    """Trials of a dataset of MOABB, EEG and each other type of channel as a modality of its own.

    ``name`` is MOABB's name of the dataset, such as ``BNCI2014_001``; ``options`` are arguments of its class, such as
    ``options="imagined=true,executed=false"``; ``subjects`` are numbers, such as ``1-4``, by default all. What is named
    is downloaded by MOABB and exported once, a file a subject, to the cache; reading needs MOABB no more.

    A trial is the dataset's interval after an event; ``tmin`` and ``tmax`` (s) are relative to its start, as in MOABB's
    paradigms. ``fmin`` and ``fmax`` (Hz) filter the EEG alone, over whole runs, forward and backward (Butterworth,
    order 4); ``rate`` (Hz) resamples all channels. By default nothing is filtered or resampled. ``events`` chooses
    classes, in this order, ``exclude`` leaves out channels, both as names with commas.

    Voltages are in µV, skin conductance in µS, anything else in the unit that MNE has for the type. Stimulus channels
    are left out. Channels that only some runs have are left out, too; a run without any of a type lacks the modality.
    The task is ``event``. Trials whose intervals overlap are one group ``trial``. A simulated dataset of MOABB gets
    ``seed=0`` unless ``options`` say otherwise.
    """

    name = "moabb"
    card: ClassVar[Card] = Card(
        title="A dataset of MOABB, the Mother of all BCI Benchmarks",
        access="open",
        licence="that of the dataset: MOABB's page of it says which",
        url="https://moabb.neurotechx.com/docs/dataset_summary.html",
        citation="the publication of the dataset, and Jayaram and Barachant, MOABB: trustworthy algorithm benchmarking "
        "for BCIs, Journal of Neural Engineering 15:066011, 2018, doi:10.1088/1741-2552/aadea0",
        request="name the dataset, as moabb[name=BNCI2014_001]; MOABB downloads it",
        size="that of the dataset",
    )
    conformance: ClassVar[Mapping[str, object]] = {
        "name": "FakeDataset",
        "options": "n_subjects=2,n_sessions=2,n_runs=1,n_events=6,duration=30",
    }

    def __init__(
        self,
        *,
        name: str | None = None,
        subjects: str | None = None,
        options: str = "",
        events: str | None = None,
        tmin: float = 0.0,
        tmax: float | None = None,
        fmin: float | None = None,
        fmax: float | None = None,
        rate: int | None = None,
        exclude: str = "",
    ) -> None:
        _check_order("tmin", tmin, "tmax", tmax)
        _check_order("fmin", fmin, "fmax", fmax)
        for option, value in {"fmin": fmin, "fmax": fmax, "rate": rate}.items():
            if value is not None and not 0 < value < 1e6:
                raise SpecError(f"{option}={value} is no frequency", where="moabb", remedy="give one above 0 Hz")
        self.subjects = parse_subjects(subjects)
        self.events = None if events is None else _split(events)
        self.exclude = _split(exclude)
        arguments = parse_arguments(options)
        self.settings = ExportSettings(name, arguments, tmin, tmax, fmin, fmax, rate) if name else None

    def schema(self) -> Schema:
        """Nothing: only the recordings say which channels there are."""
        return Schema((), {})

    def schema_of(self, root: Path) -> Schema:
        """A time series for each type of channel, such as ``eeg`` and ``eog``; task ``event``."""
        task = Task("class", self._classes(read_manifest(root)))
        groups = ("subject", "session", "run", "trial")
        return Schema(self._layout(root).modalities, tasks={TASK: task}, groups=groups)

    def locate(self, cache: Path) -> Path:
        """The folder of the export, which MOABB's data are written to on first use."""
        from mmbench_datasets.moabb_bridge.export import export_once

        if self.settings is None:
            raise SpecError("names no dataset of MOABB", where=self.name, remedy="write moabb[name=BNCI2014_001]")
        return export_once(self.settings, self.subjects, cache)

    def name_of(self, root: Path) -> str:
        """MOABB's name of the dataset."""
        return read_manifest(root).name

    def card_of(self, root: Path) -> Card:
        """The dataset's own card, from MOABB's metadata; that of a simulation for MOABB's simulated datasets."""
        manifest = read_manifest(root)
        n_people = len(manifest.subjects)
        size = "1 person" if n_people == 1 else f"{n_people} people"
        card = replace(manifest.about.card(self.card, manifest.simulated), size=size)
        settings = manifest.settings
        if settings["fmin"] is None and settings["fmax"] is None:
            return card
        band = f"{_limit(settings['fmin'])} to {_limit(settings['fmax'])} Hz"
        note = f"the EEG was filtered ({band}) forward and backward over whole runs, before trials were cut"
        return replace(card, notes=(*card.notes, note))

    def check(self, root: Path) -> list[Problem]:
        """A folder that is no export or has other options, and files that are missing, damaged or without trials."""
        from mmbench_datasets.moabb_bridge.files import read_headers

        if not root.is_dir():
            return [Problem(str(root), "no such folder", self.card.request)]
        try:
            manifest = read_manifest(root)
            self._check_settings(root, manifest)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        self._classes(manifest)
        subjects = self._subjects(root, manifest)
        if not subjects:
            return [Problem(str(root), "holds no subject", "leave --data out to export it")]
        problems = []
        for subject in subjects:
            try:
                path = subject_file(root, subject)
                headers = read_headers(path)
                if not sum(header.n_trials for header in headers):
                    problems.append(_without_trials(path, headers))
            except DataError as error:
                problems.append(Problem(str(error.where), error.message, error.remedy))
        return problems or self._check_layout(root)

    def units(self, root: Path) -> list[str]:
        """``s1``, ``s2``, ... with as many digits as the largest number of a subject has."""
        manifest = read_manifest(root)
        return [_unit(manifest, subject) for subject in self._subjects(root, manifest)]

    def sources(self, root: Path, unit: str) -> list[Path]:
        """The description of the export and the file of the subject."""
        return [root / MANIFEST, subject_file(root, int(unit[1:]))]

    def counts(self, root: Path) -> Mapping[str, int]:
        """People, sessions, runs, trials and trials of each class."""
        manifest = read_manifest(root)
        files = [runs for _, runs in self._headers(root)]
        headers = [header for runs in files for header in runs]
        of_class = Counter[str]()
        for header in headers:
            of_class.update(header.counts)
        classes = self._classes(manifest)
        return {
            "people": len(files),
            "sessions": sum(len({header.session for header in runs}) for runs in files),
            "runs": len(headers),
            "trials": sum(of_class[name] for name in classes),
            **{name: of_class[name] for name in classes},
        }

    def assumptions(self, root: Path) -> Sequence[str]:
        """Which seconds a trial is, that the channels have MOABB's types, and which subjects were not exported."""
        manifest = read_manifest(root)
        start, stop = manifest.interval
        tmin, tmax = manifest.settings["tmin"], manifest.settings["tmax"]
        stop = stop if tmax is None else start + tmax
        lines = [
            f"MOABB {manifest.moabb}: trials are the seconds {start + tmin:g} to {stop:g} after an event; types of "
            "channels are as MOABB says"
        ]
        layout = self._layout(root)
        for kind, number in layout.n_runs_without.items():
            if number:
                lines.append(f"{kind}: {number} run{'s have' if number > 1 else ' has'} no channel of the type")
        exported = find_exported(root, manifest)
        if self.subjects is None and len(exported) < len(manifest.subjects):
            missing = ", ".join(str(subject) for subject in manifest.subjects if subject not in exported)
            lines.append(
                f"{len(exported)} of the {len(manifest.subjects)} subjects of {manifest.name}; not exported: {missing}"
            )
        return lines

    def left_out(self, root: Path) -> Mapping[str, str]:
        """Subjects, classes and channels that are not used, and events without a trial."""
        manifest = read_manifest(root)
        used = set(self._subjects(root, manifest))
        left = {
            subject_file(root, each).name: "not one of subjects="
            for each in find_exported(root, manifest)
            if each not in used
        }
        classes = self._classes(manifest)
        left |= {f"event {name}": "not one of events=" for name in manifest.classes if name not in classes}
        layout = self._layout(root)
        for kind, names in layout.unshared.items():
            left[f"{kind}: {', '.join(names)}"] = "not in all runs"
        if self.exclude:
            left[f"channels {', '.join(self.exclude)}"] = "named by exclude="
        dropped = _count_dropped(header for _, runs in self._headers(root) for header in runs)
        return left | {_count_events(number): why for why, number in dropped.items()}

    def read(self, root: Path, unit: str) -> Iterator[Sample]:
        """The trials of a subject by session, run and time, with ids like ``s1/0train/0/t003``."""
        from mmbench_datasets.moabb_bridge.reading import read_trials

        manifest = read_manifest(root)
        path = subject_file(root, int(unit[1:]))
        yield from read_trials(path, unit, manifest.classes, self._classes(manifest), self._layout(root), TASK)

    def _subjects(self, root: Path, manifest: Manifest) -> list[int]:
        """The subjects asked for, by default those that were exported."""
        return find_exported(root, manifest) if self.subjects is None else list(self.subjects)

    def _headers(self, root: Path) -> "list[tuple[Path, Sequence[RunHeader]]]":
        from mmbench_datasets.moabb_bridge.files import read_headers

        paths = [subject_file(root, subject) for subject in self._subjects(root, read_manifest(root))]
        return [(path, read_headers(path)) for path in paths]

    def _layout(self, root: Path) -> "Layout":
        from mmbench_datasets.moabb_bridge.layout import find_layout

        return find_layout(self._headers(root), self.exclude)

    def _check_layout(self, root: Path) -> list[Problem]:
        try:
            self._layout(root)
        except DataError as error:
            return [Problem(str(error.where), error.message, error.remedy)]
        return []

    def _check_settings(self, root: Path, manifest: Manifest) -> None:
        """DataError for a folder that was exported with other settings than this dataset's."""
        if self.settings is None:
            return
        wanted = self.settings.plain()
        if manifest.settings.get("name") != wanted["name"]:
            message = f"is an export of {manifest.name}, not of {self.settings.name}"
            raise DataError(
                message, where=root, remedy="give the folder of its export with --data, or leave --data out"
            )
        for key, value in wanted.items():
            if manifest.settings.get(key) != value:
                message = f"was exported with {key}={manifest.settings.get(key)}, not {value}"
                raise DataError(message, where=root, remedy="leave --data out to export it again")

    def _classes(self, manifest: Manifest) -> tuple[str, ...]:
        """The classes in label order; SpecError for an event that the dataset does not have."""
        if self.events is None:
            return tuple(manifest.classes)
        if strange := [name for name in self.events if name not in manifest.classes]:
            message = f"{manifest.name} has no event {strange[0]!r}"
            raise SpecError(message, where="moabb[events]", remedy=f"choose from {', '.join(manifest.classes)}")
        if len(self.events) < 2:
            raise SpecError("names fewer than two events", where="moabb[events]", remedy="name two or more")
        return self.events


def _without_trials(path: Path, headers: "Sequence[RunHeader]") -> Problem:
    """That a subject has no trial, and why: no event was found, or those found were left out."""
    dropped, remedy = _count_dropped(headers), "leave the subject out with subjects="
    if not dropped:
        return Problem(str(path), "holds no trial: MOABB found none of the events", remedy)
    reasons = ", ".join(f"{_count_events(number)} left out: {why}" for why, number in dropped.items())
    return Problem(str(path), f"holds no trial, {reasons}", f"choose a shorter one with tmin and tmax, or {remedy}")


def _count_dropped(headers: "Iterable[RunHeader]") -> Mapping[str, int]:
    """Events without a trial, by reason."""
    dropped = Counter[str]()
    for header in headers:
        dropped.update(header.dropped)
    return dropped


def _count_events(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"


def _unit(manifest: Manifest, subject: int) -> str:
    return f"s{subject:0{len(str(max(manifest.subjects)))}d}"


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _limit(value: float | None) -> str:
    return "no limit" if value is None else f"{value:g}"


def _check_order(low_option: str, low: float | None, high_option: str, high: float | None) -> None:
    if low is not None and high is not None and not low < high:
        message = f"{low_option}={low:g} is not below {high_option}={high:g}"
        raise SpecError(message, where="moabb", remedy=f"give a smaller {low_option}")
