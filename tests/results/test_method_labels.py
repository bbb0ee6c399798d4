"""Methods of one name get distinct labels, which say what differs."""

from pathlib import Path

from mmbench.results.method_labels import NamedRun, make_distinct_names


def named(folder="runs/concat-0a", name="concat", n_seeds=3, **about):
    run = {
        "modalities": ["eeg", "ecg"],
        "encoders": {"eeg": encoder("de", bands="five"), "ecg": encoder("spectrum")},
        "training": {"lr": 0.001, "augment": False},
        "fusion": {"name": "concat", "params": {"dim": 64}},
        "standardize": "train",
        "tuning": None,
        "preset": None,
    }
    return NamedRun(name, Path(folder), {**run, **about}, n_seeds)


def encoder(name, **params):
    return {"name": name, "params": params}


def names(*runs):
    found = make_distinct_names(runs)
    assert len({*found}) == len(runs)
    return found


def test_a_name_that_occurs_once_is_left_as_it_is():
    assert names(named(), named(name="late")) == ["concat", "late"]


def test_settings_that_differ_follow_the_name():
    assert names(named(), named(training={"lr": 0.01, "augment": True})) == [
        "concat (lr=0.001, augment=false)",
        "concat (lr=0.01, augment=true)",
    ]
    assert names(named(), named(standardize="subject"))[1] == "concat (standardize=subject)"
    assert names(named(), named(n_seeds=1)) == ["concat (seeds=3)", "concat (seeds=1)"]
    assert names(named(), named(tuning={"trials": 20})) == ["concat (tuning=none)", "concat (tuning=20 trials)"]
    assert names(named(), named(fusion={"params": {"dim": 32}})) == ["concat (dim=64)", "concat (dim=32)"]


def test_encoders_are_named_by_modality_with_the_parameters_that_differ():
    raw = {"eeg": encoder("raw"), "ecg": encoder("spectrum")}
    seven = {"eeg": encoder("de", bands="seven"), "ecg": encoder("spectrum")}
    assert names(named(), named(encoders=raw)) == ["concat (eeg=de)", "concat (eeg=raw)"]
    assert names(named(), named(encoders=seven)) == ["concat (eeg=de[bands=five])", "concat (eeg=de[bands=seven])"]
    both = {"eeg": encoder("raw"), "ecg": encoder("raw")}
    assert names(named(), named(encoders=both)) == ["concat (eeg=de, ecg=spectrum)", "concat (encoder=raw)"]


def test_modalities_that_differ_are_listed():
    one = named(modalities=["eeg"], encoders={"eeg": encoder("de", bands="five")})
    assert names(named(), one)[1] == "concat (modalities=eeg)"


def test_presets_are_named_where_nothing_else_differs():
    assert names(named(preset={"name": "paper"}), named(preset={"name": "mine"})) == [
        "concat (preset=paper)",
        "concat (preset=mine)",
    ]


def test_runs_of_equal_settings_have_the_end_of_their_folder():
    assert names(named(), named("runs/concat-2c")) == ["concat (0a)", "concat (2c)"]
    copies = [named(f"{place}/concat-0a") for place in ("one", "two", "three")]
    assert names(*copies) == ["concat (0a)", "concat (0a) (2)", "concat (0a) (3)"]


def test_a_run_without_record_has_the_end_of_its_folder():
    lost = NamedRun("concat", Path("runs/concat-9f"), {}, 0)
    again = NamedRun("concat", Path("runs/concat-8e"), {}, 0)
    assert names(named(), lost, again)[1:] == ["concat (9f)", "concat (8e)"]
