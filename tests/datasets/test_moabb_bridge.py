import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

import mmbench
from mmbench import DataError, Sample, SpecError, Task, conformance
from mmbench_datasets.moabb_bridge import Moabb, catalogue
from mmbench_datasets.moabb_bridge.catalogue import describe, make_dataset, quiet
from mmbench_datasets.moabb_bridge.files import subject_file
from mmbench_datasets.moabb_bridge.reading import find_stretches
from mmbench_datasets.moabb_bridge.settings import ExportSettings, parse_arguments, parse_subjects
from mmbench_datasets.moabb_bridge.trials import cut_trials

needs_moabb = pytest.mark.skipif(find_spec("moabb") is None, reason="MOABB is not installed: " + catalogue.INSTALL)
SMALL = "n_subjects=3,n_sessions=2,n_runs=2,n_events=6,duration=30"
RATE = 128
TYPES = {"eog": 2, "ecg": 1, "emg": 2, "gsr": 1, "misc": 1}


@pytest.fixture
def polygraphy(monkeypatch: pytest.MonkeyPatch) -> type:
    """MOABB's FakeDataset with other types of channel, and an interval that begins 0.5 s after an event."""
    with quiet():
        import mne
        from moabb.datasets.fake import FakeDataset
        from moabb.datasets.utils import dataset_dict

    class FakePolygraphy(FakeDataset):
        def __init__(self, without: str = "", rates: Any = (), **arguments: Any) -> None:
            super().__init__(code="FakePolygraphy", **arguments)
            self.interval = [0.5, 2.5]
            self.without, self.rates, self.fails_at = without, rates, None

        def _get_single_subject_data(self, subject: int) -> Any:
            self.subject = subject
            return super()._get_single_subject_data(subject)

        def _generate_raw(self, n_events: int, duration: float) -> Any:
            self.sfreq = self.rates[self.subject - 1] if self.rates else RATE
            raw = super()._generate_raw(n_events, duration)
            types = [kind for kind, n in TYPES.items() for _ in range(n)]
            names = [kind if kind == "ecg" else f"{kind}{at}" for at, kind in enumerate(types)]
            info = mne.create_info(names, self.sfreq, types)
            noise = 1e-5 * np.random.default_rng(self.subject).normal(size=(len(names), len(raw.times)))
            raw.add_channels([mne.io.RawArray(noise, info)], force_update_info=True)
            lacking = {"eog", "emg"} if self.without == "types" else {"C3"} if self.without == "C3" else set()
            if self.subject == 2:
                raw.drop_channels(
                    [each for each in raw.ch_names if each.rstrip("0123456789") in lacking or each in lacking]
                )
            return raw

    monkeypatch.setitem(dataset_dict, "FakePolygraphy", FakePolygraphy)
    return FakePolygraphy


def build(**params: Any) -> Moabb:
    options = ",".join(part for part in (SMALL, params.pop("more", "")) if part)
    return Moabb(**{"name": "FakePolygraphy", "options": options, **params})


def read_all(dataset: Moabb, root: Path) -> list[Sample]:
    return [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]


def array(sample: Sample, modality: str) -> NDArray[np.float32]:
    return np.asarray(sample.data[modality])


def raws(cls: type, subject: int) -> Any:
    """The runs of a subject as MOABB gives them, by session and run."""
    with quiet():
        dataset = cls(n_subjects=3, n_sessions=2, n_runs=2, n_events=6, duration=30, seed=0)
        return dataset.get_data(subjects=[subject])[subject]


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_each_type_of_channel_is_a_modality(tmp_path: Path) -> None:
    dataset = build()
    assert dataset.schema().modalities == ()
    root = dataset.locate(tmp_path)
    assert dataset.check(root) == []
    schema = dataset.schema_of(root)
    shapes = {each.name: each.shape for each in schema.modalities}
    assert shapes == {"eeg": (3, 256), **{kind: (n, 256) for kind, n in TYPES.items()}}
    assert schema.modality("eeg").channels == ("C3", "Cz", "C4")
    assert {each.rate for each in schema.modalities} == {RATE}
    assert [each.name for each in schema.modalities if each.may_be_constant] == ["gsr", "misc"]
    assert schema.tasks == {"event": Task("class", ("fake1", "fake2", "fake3"))}
    assert schema.groups == ("subject", "session", "run", "trial")


@needs_moabb
def test_trials_are_what_the_stimulus_channel_marks(tmp_path: Path, polygraphy: type) -> None:
    dataset = build()
    samples = iter(read_all(dataset, dataset.locate(tmp_path)))
    scale = {"eeg": 1e6, "eog": 1e6, "ecg": 1e6, "emg": 1e6, "gsr": 1e6, "misc": 1}
    for subject in (1, 2, 3):
        for session, runs in raws(polygraphy, subject).items():
            for run, raw in runs.items():
                types = np.array(raw.get_channel_types())
                (stimulus,) = raw.get_data()[types == "stim"]
                for onset in np.flatnonzero(stimulus):
                    sample = next(samples)
                    start = onset + RATE // 2
                    assert sample.labels == {"event": stimulus[onset] - 1}
                    assert sample.groups["run"] == f"s{subject}/{session}/{run}"
                    assert sample.span == pytest.approx((start / RATE, start / RATE + 2))
                    for kind, factor in scale.items():
                        expected = raw.get_data()[types == kind, start : start + 2 * RATE] * factor
                        np.testing.assert_allclose(array(sample, kind)[0], expected, rtol=1e-5, atol=1e-9)
    assert next(samples, None) is None


@needs_moabb
def test_filtered_eeg_is_that_of_moabbs_paradigm(tmp_path: Path) -> None:
    dataset = Moabb(name="FakeDataset", options=SMALL, subjects="2", fmin=8, fmax=32, tmin=0.5, tmax=2)
    eeg = np.concatenate([array(each, "eeg") for each in read_all(dataset, dataset.locate(tmp_path))])
    with quiet():
        from moabb.paradigms import MotorImagery

        fake = make_dataset("FakeDataset", parse_arguments(SMALL))
        paradigm = MotorImagery(n_classes=3, events=["fake1", "fake2", "fake3"], fmin=8, fmax=32, tmin=0.5, tmax=2)
        expected, _, _ = paradigm.get_data(fake, subjects=[2])
    assert len(eeg) == len(expected) == 24
    np.testing.assert_allclose(eeg, expected[..., : eeg.shape[-1]], rtol=1e-4, atol=1e-3)
    assert expected.shape[-1] == eeg.shape[-1] + 1  # a window of MNE has both ends


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_only_the_eeg_is_filtered(tmp_path: Path) -> None:
    plain, filtered = build(subjects="1"), build(subjects="1", fmax=20)
    first, second = (read_all(each, each.locate(tmp_path))[0] for each in (plain, filtered))
    assert array(second, "eeg").std() < 0.8 * array(first, "eeg").std()
    np.testing.assert_array_equal(array(first, "emg"), array(second, "emg"))
    assert plain.card_of(plain.locate(tmp_path)).notes == ()
    (note,) = filtered.card_of(filtered.locate(tmp_path)).notes
    assert "no limit to 20 Hz" in note


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_rate_window_events_and_channels_are_chosen(tmp_path: Path) -> None:
    dataset = build(rate=64, tmin=-0.25, tmax=1, events="fake3,fake1", exclude="Cz,misc6", subjects="1-2")
    root = dataset.locate(tmp_path)
    assert dataset.check(root) == []
    schema = dataset.schema_of(root)
    assert schema.modality("eeg").channels == ("C3", "C4")
    assert schema.modality("eeg").shape == (2, 80)
    assert "misc" not in {each.name for each in schema.modalities}
    assert schema.tasks["event"].names == ("fake3", "fake1")
    samples = read_all(dataset, root)
    assert [each.labels["event"] for each in samples[:4]] == [1, 0, 1, 0]
    assert len(samples) == 2 * 4 * 4
    assert array(samples[0], "eeg").shape == (1, 2, 80)
    assert dataset.units(root) == ["s1", "s2"]
    assert dataset.counts(root) == {"people": 2, "sessions": 4, "runs": 8, "trials": 32, "fake3": 16, "fake1": 16}
    left = dataset.left_out(root)
    assert left["event fake2"] == "not one of events="
    assert "channels Cz, misc6" in left


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_overlapping_trials_are_one_group(tmp_path: Path) -> None:
    apart, dense = build(subjects="1"), Moabb(name="FakeDataset", subjects="1", options="n_events=30,duration=30")
    groups = [each.groups["trial"] for each in read_all(apart, apart.locate(tmp_path))]
    assert len(set(groups)) == len(groups) == 24
    samples = read_all(dense, dense.locate(tmp_path))
    assert {each.groups["trial"] for each in samples} == {f"s01/{s}/{r}/t000" for s in (0, 1) for r in (0, 1)}
    assert len(samples) == 4 * 30


@needs_moabb
def test_events_without_a_whole_trial_are_counted() -> None:
    import mne

    raw = mne.io.RawArray(np.zeros((1, 1000)), mne.create_info(["Cz"], 100, ["eeg"]), verbose="ERROR")
    raw.set_annotations(mne.Annotations([1, 4, 5.5, 8.5], [2, 2, 1, 1], ["a", "b", "BAD_jump", "a"]))
    dataset = SimpleNamespace(interval=[0, 2], unit_factor=1e6)
    with quiet():
        trials = cut_trials(raw, dataset, ("a", "b"), ExportSettings("x", {}), "run")
    assert trials.starts.tolist() == [1]
    assert trials.labels.tolist() == [0]
    reasons = {"the interval overlaps the annotation BAD_jump": 1, "the interval reaches beyond the run": 1}
    assert trials.dropped == reasons
    with quiet():
        nothing = cut_trials(raw, dataset, ("c", "d"), ExportSettings("x", {}, tmin=0.5), "run")
    assert nothing.signals["eeg"].shape == (0, 1, 150)
    with pytest.raises(DataError, match="run: has 1 samples at 100 Hz"), quiet():
        cut_trials(raw, dataset, ("a", "b"), ExportSettings("x", {}, tmax=0.01), "run")


def test_stretches_of_intervals() -> None:
    assert find_stretches([0, 1, 2, 5, 7, 8.5], 2) == [0, 0, 0, 3, 4, 4]
    assert find_stretches([], 2) == []


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_a_subject_without_a_type_of_channel_lacks_the_modality(tmp_path: Path) -> None:
    dataset = build(more="without=types")
    root = dataset.locate(tmp_path)
    assert dataset.check(root) == []
    assert {"eog", "emg"} <= {each.name for each in dataset.schema_of(root).modalities}
    assert set(next(iter(dataset.read(root, "s2"))).data) == {"eeg", "ecg", "gsr", "misc"}
    assert set(next(iter(dataset.read(root, "s3"))).data) == {"eeg", *TYPES}
    assert "emg: 4 runs have no channel of the type" in dataset.assumptions(root)


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_channels_that_only_some_runs_have_are_left_out(tmp_path: Path) -> None:
    dataset = build(more="without=C3")
    root = dataset.locate(tmp_path)
    assert dataset.schema_of(root).modality("eeg").channels == ("Cz", "C4")
    assert dataset.left_out(root)["eeg: C3"] == "not in all runs"
    whole = build(more="without=C3", subjects="1").locate(tmp_path)
    full = next(iter(build(more="without=C3", subjects="1").read(whole, "s1")))
    np.testing.assert_array_equal(array(next(iter(dataset.read(root, "s1"))), "eeg"), array(full, "eeg")[:, 1:])


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_runs_at_different_rates_are_resampled_or_a_problem(tmp_path: Path) -> None:
    dataset = build(more="rates=[128,100,128]")
    root = dataset.locate(tmp_path)
    (problem,) = dataset.check(root)
    assert problem.path == str(subject_file(root, 2))
    assert problem.message == "run 0/0 was recorded at 100 Hz, others at 128"
    assert problem.remedy == "give rate=100, to resample all runs"
    same = build(more="rates=[128,100,128]", rate=100)
    assert same.check(same.locate(tmp_path)) == []
    with pytest.raises(DataError, match=r"subject 2, 0/0: was recorded at 100 Hz, below rate=128 — give rate=100"):
        build(more="rates=[128,100,128]", rate=128).locate(tmp_path)
    with pytest.raises(DataError, match=r"fmin and fmax must be below 64 Hz — try fmax=51"):
        build(fmax=70).locate(tmp_path)


@needs_moabb
def test_an_interrupted_export_resumes(tmp_path: Path, polygraphy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exported: list[int] = []
    original = polygraphy._get_single_subject_data

    def fail_once(self: Any, subject: int) -> Any:
        exported.append(subject)
        if exported == [1, 2]:
            raise KeyboardInterrupt
        return original(self, subject)

    monkeypatch.setattr(polygraphy, "_get_single_subject_data", fail_once)
    dataset = build()
    with pytest.raises(KeyboardInterrupt):
        dataset.locate(tmp_path)
    root = dataset.locate(tmp_path)
    assert exported == [1, 2, 2, 3]
    assert dataset.locate(tmp_path) == build(name="fake-polygraphy").locate(tmp_path) == root
    assert exported == [1, 2, 2, 3]


@needs_moabb
def test_subjects_are_added_to_an_export(tmp_path: Path) -> None:
    one, both = (Moabb(name="FakeDataset", options=SMALL, subjects=each) for each in ("2", "2-3"))
    root = one.locate(tmp_path)
    assert one.units(root) == ["s2"]
    assert both.locate(tmp_path) == root
    assert (one.units(root), both.units(root)) == (["s2"], ["s2", "s3"])
    assert one.left_out(root) == {"subject-3.h5": "not one of subjects="}


@needs_moabb
def test_exports_are_equal_and_leave_the_random_state(tmp_path: Path) -> None:
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    dataset = Moabb(name="FakeDataset", options=SMALL)
    first, second = dataset.locate(tmp_path / "a"), dataset.locate(tmp_path / "b")
    names = sorted(path.name for path in first.iterdir() if not path.name.startswith("."))
    assert names == ["dataset.json", "subject-1.h5", "subject-2.h5", "subject-3.h5"]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    other = Moabb(name="FakeDataset", options=SMALL + ",seed=1").locate(tmp_path / "a")
    assert (other / "subject-1.h5").read_bytes() != (first / "subject-1.h5").read_bytes()


def no_network() -> None:
    try:
        raise ConnectionError("no route to host")
    except ConnectionError as error:
        raise RuntimeError("could not retrieve A01.mat") from error


def no_file() -> None:
    raise KeyError("marker")


@needs_moabb
@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (
            no_network,
            r"MOABB cannot download its files \(ConnectionError: no route to host\) — check the network, or get",
        ),
        (no_file, r"MOABB cannot read its files \(KeyError: 'marker'\) — see https://doi.org/10.3389/fnins.2012.00055"),
    ],
)
def test_what_moabb_cannot_get_is_named_with_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Any, message: str
) -> None:
    with quiet():
        from moabb.datasets import BNCI2014_001
    monkeypatch.setattr(BNCI2014_001, "get_data", lambda self, subjects: failure())
    with pytest.raises(DataError, match=message) as caught:
        Moabb(name="BNCI2014-001", subjects="3").locate(tmp_path)
    assert caught.value.where == "moabb[name=BNCI2014_001], subject 3"
    assert "licence: CC-BY-ND-4.0" in caught.value.remedy


@needs_moabb
def test_the_card_is_that_of_the_dataset(tmp_path: Path) -> None:
    about = describe(make_dataset("BNCI2014_001", {}))
    assert about.title == "BNCI2014_001 of MOABB (motor imagery)"
    assert about.licence == "CC-BY-ND-4.0"
    assert about.url == "https://doi.org/10.3389/fnins.2012.00055"
    assert about.citation == "Michael Tangermann et al., 2012, doi:10.3389/fnins.2012.00055"
    assert describe(make_dataset("BrainInvaders2012", {})).title == "BI2012 of MOABB (P300)"
    fake = Moabb(name="FakeDataset", options=SMALL)
    root = fake.locate(tmp_path)
    assert fake.card_of(root).access == "simulated"
    assert fake.name_of(root) == "FakeDataset"


@needs_moabb
def test_every_dataset_of_moabb_has_a_card() -> None:
    for name in catalogue._all_classes():
        about = describe(make_dataset(name, {}))
        assert all((about.title, about.licence, about.url, about.citation)), name
        assert about.url.startswith("http"), name


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


def empty_of_trials(path: Path) -> None:
    with h5py.File(path, "a") as file:
        runs = json.loads(file.attrs["runs"])
        file.attrs["runs"] = json.dumps([{**each, "counts": {}} for each in runs])


@needs_moabb
@pytest.mark.parametrize(
    ("damage", "message"),
    [(remove, "was not exported"), (truncate, "is truncated or damaged"), (empty_of_trials, "holds no trial")],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, damage: Any, message: str) -> None:
    dataset = Moabb(name="FakeDataset", options=SMALL, subjects="1-3")
    root = dataset.locate(tmp_path)
    damage(subject_file(root, 2))
    (problem,) = dataset.check(root)
    assert problem.path == str(subject_file(root, 2))
    assert problem.message.startswith(message)
    assert problem.remedy


@needs_moabb
def test_an_interval_that_leaves_no_trial_is_named(tmp_path: Path) -> None:
    dataset = Moabb(name="FakeDataset", options=SMALL, subjects="1", tmax=50)
    (problem,) = dataset.check(dataset.locate(tmp_path))
    assert re.fullmatch(r"holds no trial, \d+ events left out: the interval reaches beyond the run", problem.message)
    assert problem.remedy.startswith("choose a shorter one with tmin and tmax")


@needs_moabb
def test_subjects_that_are_not_in_the_folder_are_named(tmp_path: Path) -> None:
    dataset = Moabb(name="FakeDataset", options=SMALL)
    root = dataset.locate(tmp_path)
    assert len(dataset.assumptions(root)) == 1
    remove(subject_file(root, 2))
    assert dataset.assumptions(root)[-1] == "2 of the 3 subjects of FakeDataset; not exported: 2"
    assert len(Moabb(name="FakeDataset", options=SMALL, subjects="1,3").assumptions(root)) == 1


@needs_moabb
def test_a_folder_of_another_export(tmp_path: Path) -> None:
    root = Moabb(name="FakeDataset", options=SMALL).locate(tmp_path)
    assert Moabb().check(root) == []
    (problem,) = Moabb(name="FakeDataset", options=SMALL, rate=64).check(root)
    assert problem.message == "was exported with rate=None, not 64"
    (problem,) = Moabb(name="BNCI2014_001").check(root)
    assert problem.message == "is an export of FakeDataset, not of BNCI2014_001"
    (root / "dataset.json").write_text("{")
    (problem,) = Moabb().check(root)
    assert (problem.path, problem.message) == (str(root / "dataset.json"), "is damaged")
    (problem,) = Moabb().check(tmp_path)
    assert "leave --data out" in problem.remedy


@needs_moabb
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": "BCNI2014_001"}, "MOABB has no dataset 'BCNI2014_001' — did you mean 'BNCI2014_001'"),
        ({"name": "xyzzy123"}, "MOABB has no dataset 'xyzzy123' — see the"),
        ({"name": None}, "names no dataset of MOABB — write"),
        ({"subjects": "2,17"}, "FakeDataset has no subject 17 — its subjects are 1 to 3"),
        ({"options": "n_subject=3"}, "FakeDataset has no argument 'n_subject' — did you mean 'n_subjects'"),
        ({"options": "n_runs=two"}, "FakeDataset refuses its arguments: TypeError"),
        ({"options": "event_list=[a]"}, r"has one kind of event \(a\)"),
        ({"tmin": 3.0}, "tmin=3 is not before the end of the interval of FakeDataset, 3 s"),
        ({"events": "fake1,fake9"}, "FakeDataset has no event 'fake9' — choose from fake1, fake2, fake3"),
        ({"events": "fake1"}, "names fewer than two events"),
        ({"exclude": "Pz"}, "no run has a channel 'Pz' — choose from C3, C4, Cz"),
        ({"exclude": "C3,C4,Cz"}, "no channel is left"),
    ],
)
def test_what_the_dataset_does_not_have(tmp_path: Path, params: dict[str, Any], message: str) -> None:
    dataset = Moabb(**{"name": "FakeDataset", "options": SMALL, **params})
    with pytest.raises(SpecError, match=message):
        dataset.check(dataset.locate(tmp_path))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"subjects": "1;2"}, "'1;2' does not name subjects"),
        ({"subjects": "5-2"}, "'5-2' does not name subjects"),
        ({"tmin": 2.0, "tmax": 1.0}, "tmin=2 is not below tmax=1"),
        ({"fmin": 30.0, "fmax": 8.0}, "fmin=30 is not below fmax=8"),
        ({"rate": 0}, "rate=0 is no frequency"),
        ({"fmax": float("nan")}, "fmax=nan is no frequency"),
        ({"options": "3"}, "'3' has a part without NAME="),
        ({"options": "a=("}, r"'a=\(' cannot be parsed"),
        ({"options": "a=open('x')"}, r"a=open\('x'\) is neither a number"),
        ({"options": "subjects=[1]"}, "subjects is an option of its own"),
    ],
)
def test_options_that_cannot_be_understood(params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Moabb(name="FakeDataset", **params)


def test_subjects_and_arguments_are_parsed() -> None:
    assert parse_subjects("7, 1-3,2") == (1, 2, 3, 7)
    assert parse_subjects(None) is None
    parsed = parse_arguments('n=4, x=-0.5, channels=["C3", Cz], accept=true, stim=False, kind=imagery, seed=none')
    expected = {"n": 4, "x": -0.5, "channels": ["C3", "Cz"], "accept": True, "stim": False, "kind": "imagery"}
    assert parsed == {**expected, "seed": None}
    assert parse_arguments("") == {}


def test_without_moabb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(catalogue, "version", absent)
    with pytest.raises(SpecError, match="MOABB is not installed — pip install") as caught:
        Moabb(name="FakeDataset").locate(tmp_path)
    assert "mmbench-datasets[moabb]" in caught.value.remedy
    outcomes = [check.run() for check in conformance.check_dataset(Moabb, cache=tmp_path)]
    assert all(outcome.ok for outcome in outcomes)
    assert any(outcome.skipped for outcome in outcomes)


@needs_moabb
@pytest.mark.usefixtures("polygraphy")
def test_a_comparison_over_sessions(tmp_path: Path) -> None:
    more = "n_subjects=2,n_sessions=3,n_runs=1,n_events=6,duration=30"
    spec = f"moabb[name=FakePolygraphy,options='{more}',exclude=misc6]"
    settings = {"protocol": "session", "jobs": 1, "training": {"epochs": 1}, "out": tmp_path / "runs"}
    comparison = mmbench.run("concat", spec, against="none", **settings)
    shown = " ".join(str(comparison).split())
    assert "FakePolygraphy · event (3 classes) · protocol session" in shown
    assert "SIMULATED data" in shown
    assert "36 samples, 6 folds, 1 seed" in shown
    assert "encoders ecg: conv1d, eeg: conv1d, emg: conv1d, eog: conv1d, gsr: conv1d;" in shown


@needs_moabb
def test_conformance(tmp_path: Path) -> None:
    outcomes = [check.run() for check in conformance.check_dataset(Moabb, cache=tmp_path)]
    assert [outcome for outcome in outcomes if not outcome.ok or outcome.skipped] == []


def test_listing_the_dataset_imports_neither_moabb_nor_mne() -> None:
    script = (
        "import sys; from mmbench_datasets.moabb_bridge import Moabb; Moabb(name='FakeDataset').schema()\n"
        "print(sorted({'numpy', 'mne', 'moabb', 'torch', 'h5py'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
