import pickle
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.mmsa import Mmsa, MmsaSim

Tree = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six videos of MOSI, of which three train."""
    folder = tmp_path_factory.mktemp("simulated") / "mosi"
    Mmsa().simulate(folder, subjects=6)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """The same files, to be damaged."""
    return Path(shutil.copytree(simulated, tmp_path / "mosi"))


def read(root: Path, **params: str) -> list[Sample]:
    dataset = Mmsa(**params)  # type: ignore[arg-type]
    found = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def load(root: Path, alignment: str = "unaligned") -> Tree:
    with (root / "Processed" / f"{alignment}_50.pkl").open("rb") as file:
        tree: Tree = pickle.load(file)
    return tree


def change(root: Path, edit: Callable[[Tree], object], protocol: int = 4) -> Path:
    """Edit the file of unaligned features in place."""
    tree = load(root)
    edit(tree)
    path = root / "Processed" / "unaligned_50.pkl"
    path.write_bytes(pickle.dumps(tree, protocol))
    return path


def test_samples_are_the_rows_of_the_file_in_its_parts(root: Path) -> None:
    assert Mmsa().check(root) == []
    assert Mmsa().units(root) == ["train", "validation", "test"]
    samples, tree = read(root), load(root)
    assert [sample.split for sample in samples] == ["train"] * 24 + ["validation"] * 8 + ["test"] * 16
    assert [sample.id for sample in samples[24:32]] == tree["valid"]["id"]
    for at, sample in enumerate(samples[-16:]):
        part = tree["test"]
        assert sample.data["text"] == [part["raw_text"][at]]
        for name in ("audio", "vision"):
            n_steps = part[f"{name}_lengths"][at]
            values = part[name][at, :n_steps].T.copy()
            values[np.isneginf(values)] = 0
            np.testing.assert_array_equal(sample.data[f"{name}_features"][0], values)
        assert sample.labels["sentiment"] == pytest.approx(part["regression_labels"][at])
        assert sample.labels["polarity"] == part["classification_labels"][at]
        assert sample.groups == {"video": part["id"][at].split("$_$")[0]}


def test_minus_infinity_in_audio_becomes_zero_and_is_counted(root: Path) -> None:
    change(root, lambda tree: tree["test"]["audio"].__setitem__((5, slice(2, 4), 1), -np.inf))
    sample = next(sample for sample in read(root) if sample.id == load(root)["test"]["id"][5])
    assert sample.data["audio_features"][0][1, 2:4].tolist() == [0.0, 0.0]
    (line,) = (line for line in Mmsa().assumptions(root) if line.startswith("audio"))
    assert line == "audio: 11 values of minus infinity, read as 0 as in MMSA"


@pytest.mark.parametrize(("key", "value"), [("audio", np.inf), ("audio", np.nan), ("vision", -np.inf)])
def test_other_values_that_are_not_finite_cost_one_sample(root: Path, key: str, value: float) -> None:
    path = change(root, lambda tree: tree["test"][key].__setitem__((5, 0, 0), value))
    outcomes = list(Mmsa().read(root, "test"))
    (error,) = (outcome for outcome in outcomes if isinstance(outcome, DataError))
    assert error.message == f"{key} of {load(root)['test']['id'][5]} has NaN or infinite values"
    assert error.where == str(path)
    assert len(outcomes) == 16


def test_a_sample_without_steps_lacks_the_modality(root: Path) -> None:
    change(root, lambda tree: tree["test"]["vision_lengths"].__setitem__(0, 0))
    first = next(sample for sample in read(root) if sample.split == "test")
    assert list(first.data) == ["text", "audio_features"]


def test_an_empty_transcript_is_a_missing_text_and_told(root: Path) -> None:
    change(root, put("test", "raw_text", lambda x: ["", " ", *map(str, x[2:])]))
    samples = [sample for sample in read(root) if sample.split == "test"]
    assert [list(sample.data) for sample in samples[:2]] == [["audio_features", "vision_features"]] * 2
    assert all("text" in sample.data for sample in samples[2:])
    assert "text: empty of 2 utterances, which lack it" in Mmsa().assumptions(root)
    assert not any(line.startswith("text") for line in Mmsa(text="features").assumptions(root))


def test_lengths_that_an_unaligned_file_lacks_are_told(root: Path) -> None:
    change(root, lambda tree: [part.pop("audio_lengths") for part in tree.values()])
    change(root, lambda tree: tree["test"].pop("vision_lengths"))
    assert {sample.data["audio_features"][0].shape[1] for sample in read(root)} == {40}
    lines = Mmsa().assumptions(root)
    assert "audio: no audio_lengths in train, validation, test, read with the padding of the file" in lines
    assert "vision: no vision_lengths in test, read with the padding of the file" in lines
    assert not any("lengths" in line for line in Mmsa(alignment="aligned").assumptions(root))


@pytest.mark.parametrize(
    ("text", "names"),
    [("words", ["text"]), ("features", ["text_features"]), ("both", ["text", "text_features"])],
)
def test_words_come_as_text_or_as_features(root: Path, text: str, names: list[str]) -> None:
    names = [*names, "audio_features", "vision_features"]
    assert [modality.name for modality in Mmsa(text=text).schema().modalities] == names  # type: ignore[arg-type]
    samples = read(root, text=text)
    assert {tuple(sample.data) for sample in samples} == {tuple(names)}
    if text != "words":
        part = load(root)["train"]
        for at, sample in enumerate(samples[:24]):
            n_tokens = int(part["text_bert"][at, 1].sum())
            np.testing.assert_array_equal(sample.data["text_features"][0], part["text"][at, :n_tokens].T)


def test_aligned_features_have_a_step_a_word_and_keep_their_padding(root: Path) -> None:
    part, samples = load(root, "aligned")["train"], read(root, alignment="aligned")
    assert "audio_lengths" not in part
    assert {sample.data["vision_features"][0].shape for sample in samples} == {(20, 20)}
    np.testing.assert_array_equal(samples[0].data["vision_features"][0], part["vision"][0].T)
    assert "Processed/unaligned_50.pkl" in Mmsa(alignment="aligned").left_out(root)


@pytest.mark.parametrize(("score", "polarity", "sign"), [(-1.0, 0, 0), (0.0, 1, 1), (0.2, 2, 1), (3.0, 2, 1)])
def test_a_score_of_zero_is_on_the_side_of_positive_ones_in_mosi(root: Path, score, polarity, sign) -> None:
    change(root, lambda tree: tree["test"]["regression_labels"].__setitem__(0, score))
    first = next(sample for sample in read(root) if sample.split == "test")
    assert (first.labels["polarity"], first.labels["sign"]) == (polarity, sign)


def test_sims_has_scores_of_single_modalities_and_zero_is_on_the_side_of_negative_ones(tmp_path: Path) -> None:
    sims = Mmsa(name="sims")
    sims.simulate(tmp_path, subjects=3)
    path = tmp_path / "Processed" / "unaligned_39.pkl"
    tree = pickle.loads(path.read_bytes())
    tree["test"]["regression_labels"][:2] = 0.0, -0.2
    tree["test"]["regression_labels_V"][0] = 0.6
    path.write_bytes(pickle.dumps(tree))
    assert sims.check(tmp_path) == []
    first, second = list(sims.read(tmp_path, "test"))[:2]
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert (first.labels["polarity"], first.labels["sign"], second.labels["sign"]) == (1, 0, 0)
    assert first.labels["sentiment_vision"] == pytest.approx(0.6)
    assert [first.data[f"{name}_features"][0].shape[0] for name in ("audio", "vision")] == [33, 709]
    assert sims.schema().tasks["sentiment"].shown_metrics[-1] == "sims_f1"


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_are_read(root: Path, protocol: int) -> None:
    before = [sample.labels for sample in read(root)]
    change(root, lambda tree: None, protocol)
    assert [sample.labels for sample in read(root)] == before


def test_lists_and_objects_in_place_of_arrays_are_read(root: Path) -> None:
    before = read(root)

    def edit(tree: Tree) -> None:
        for part in tree.values():
            part["id"] = np.array(part["id"], dtype=object)
            part["raw_text"] = list(map(str, part["raw_text"]))
            part["regression_labels"] = [np.float64(x) for x in part["regression_labels"]]
            part["audio_lengths"] = np.array(part["audio_lengths"])

    change(root, edit)
    assert [(sample.id, sample.labels) for sample in read(root)] == [(sample.id, sample.labels) for sample in before]


def drop(part: str, key: str) -> Callable[[Tree], object]:
    return lambda tree: tree[part].pop(key)


def put(part: str, key: str, make: Callable[[Any], Any]) -> Callable[[Tree], object]:
    return lambda tree: tree[part].__setitem__(key, make(tree[part][key]))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda tree: tree.pop("valid"), "does not hold the parts train, valid and test"),
        (drop("train", "audio"), "its part train has no 'audio'"),
        (drop("test", "regression_labels"), "its part test has no 'regression_labels'"),
        (drop("test", "id"), "its part test has no 'id'"),
        (put("valid", "raw_text", lambda x: x[:-1]), "its part valid has 7 of 'raw_text', and 8 of 'id'"),
        (put("valid", "vision", lambda x: x[:-1]), "its part valid has 7 of 'vision', and 8 of 'id'"),
        (put("valid", "vision", lambda x: x[:, 0]), "its part valid has no array of samples, time steps and features"),
        (
            put("valid", "vision", lambda x: x[:, :, :7]),
            "its part valid has 7 features of vision a time step, where mosi",
        ),
        (put("valid", "id", lambda x: ["one", *x[1:]]), "its part valid has the id 'one', not VIDEO$_$CLIP"),
        (put("valid", "id", lambda x: [*range(8)]), "its part valid has no list of texts as 'id'"),
        (put("valid", "id", lambda x: []), "its part valid has no samples"),
        (put("valid", "regression_labels", lambda x: x * 0 + 3.4), "its part valid has the score 3.4 of"),
        (put("valid", "regression_labels", lambda x: x * np.nan), "its part valid has the score nan of"),
        (
            put("valid", "regression_labels", lambda x: ["a"] * 8),
            "its part valid has other than numbers as 'regression",
        ),
        (
            put("valid", "audio_lengths", lambda x: [41, *x[1:]]),
            "its part valid has lengths of audio that are not whole",
        ),
        (
            put("valid", "audio_lengths", lambda x: [1.5, *x[1:]]),
            "its part valid has lengths of audio that are not whole",
        ),
        (put("valid", "audio_lengths", lambda x: x[1:]), "its part valid has 7 of 'lengths of audio', and 8 of 'id'"),
        (put("test", "id", lambda x: [x[1], *x[1:]]), "1 of its ids are there several times, such as video004$_$2"),
        (
            lambda tree: tree["test"].__setitem__("id", tree["train"]["id"][:16]),
            "16 of its ids are there several times",
        ),
    ],
)
def test_a_file_that_is_not_in_step_is_named(root: Path, edit, message: str) -> None:
    path = change(root, edit)
    (problem,) = Mmsa().check(root)
    assert problem.path == str(path)
    assert problem.message.startswith(message)
    assert problem.remedy


def test_text_features_without_a_mask_are_told(root: Path) -> None:
    change(root, put("test", "text_bert", lambda x: x[:, 0]))
    assert Mmsa().check(root) == []
    (problem,) = Mmsa(text="features").check(root)
    assert "no array of ids, mask and segments as 'text_bert'" in problem.message


def test_the_file_of_another_corpus_is_recognised(root: Path) -> None:
    (problem,) = Mmsa(name="sims").check(root)
    assert problem.message == "its part train has 5 features of audio a time step, where sims has 33"
    assert problem.remedy == "if it is mosi, read it with mmsa[name=mosi]"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04zip", "is a ZIP archive"),
        (b"\x80\x04not a pickle.", "cannot be read as a pickle of arrays"),
        (pickle.dumps([1, 2]), "does not hold the parts"),
        (pickle.dumps({"train": {"id": Fraction(1, 2)}}), "the pickle names fractions.Fraction"),
    ],
)
def test_a_file_of_something_else_is_named(root: Path, content: bytes, message: str) -> None:
    path = root / "Processed" / "unaligned_50.pkl"
    path.write_bytes(content)
    (problem,) = Mmsa().check(root)
    assert problem.path == str(path)
    assert problem.message.startswith(message)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.999])
def test_a_file_that_was_cut_is_named(root: Path, keep: float) -> None:
    path = root / "Processed" / "unaligned_50.pkl"
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    (problem,) = Mmsa().check(root)
    assert "it is truncated" in problem.message


def test_the_file_is_found_where_mmsa_puts_it(root: Path, tmp_path: Path) -> None:
    before = read(root)
    for folder in (root / "Processed", tmp_path / "all"):
        if not folder.exists():
            (folder / "CMU-MOSI").mkdir(parents=True)
            (root / "Processed").rename(folder / "CMU-MOSI" / "processed")
        assert Mmsa().check(folder) == []
        assert [sample.id for sample in read(folder)] == [sample.id for sample in before]


def test_two_files_of_an_alignment_are_not_chosen_from(root: Path) -> None:
    shutil.copy(root / "Processed" / "unaligned_50.pkl", root / "unaligned_50.pkl")
    (problem,) = Mmsa().check(root)
    assert problem.message.startswith("holds several files of this alignment: unaligned_50.pkl and Processed/")


@pytest.mark.parametrize(
    ("options", "corpus", "file"),
    [
        ({}, "CMU-MOSI", "unaligned_50.pkl"),
        ({"name": "mosei", "alignment": "aligned"}, "CMU-MOSEI", "aligned_50.pkl"),
        ({"name": "sims"}, "CH-SIMS", "unaligned_39.pkl"),
    ],
)
def test_the_file_of_the_options_is_named(tmp_path: Path, options: dict[str, Any], corpus: str, file: str) -> None:
    (problem,) = Mmsa(**options).check(tmp_path)
    assert f"the folder Processed of {corpus} by" in problem.remedy
    assert f"DIR/Processed/{file}," in problem.remedy
    assert problem.remedy == Mmsa(**options).access_instructions()


def test_a_missing_alignment_names_the_other(root: Path) -> None:
    (root / "Processed" / "aligned_50.pkl").unlink()
    (problem,) = Mmsa(alignment="aligned").check(root)
    assert problem.message == "holds no Processed/aligned_*.pkl"
    assert problem.remedy == "get it, or read the other with alignment=unaligned"


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = Mmsa().check(folder)
        assert problem.path == str(folder)
        assert "github.com/thuiar/MMSA" in problem.remedy


def test_another_size_than_the_published_one_is_told(root: Path) -> None:
    assert not any(line.startswith("samples") for line in Mmsa().assumptions(root)), "a simulation may have any size"
    (root / "SIMULATED.json").unlink()
    (line,) = (line for line in Mmsa().assumptions(root) if line.startswith("samples"))
    assert line == "samples: 24 + 8 + 16 in the three parts, published 1,284 + 229 + 686"


def test_counts_are_of_videos_utterances_parts_and_classes(root: Path) -> None:
    counts = Mmsa().counts(root)
    assert (counts["videos"], counts["utterances"], counts["in validation"]) == (6, 48, 8)
    assert counts["negative"] + counts["neutral"] + counts["positive"] == 48


def correlation(samples: list[Sample], *names: str) -> float:
    """Of a ridge regression of the mean features and of words, on the test part."""
    words = sorted({word for sample in samples for word in sample.data["text"][0].split()})
    x = np.array(
        [[*features(sample, names), *has_words(sample, words if "text" in names else [])] for sample in samples]
    )
    y = np.array([sample.labels["sentiment"] for sample in samples])
    is_train = np.array([sample.split != "test" for sample in samples])
    predicted = Ridge(10.0).fit(x[is_train], y[is_train]).predict(x[~is_train])
    return float(np.corrcoef(predicted, y[~is_train])[0, 1])


def features(sample: Sample, names: tuple[str, ...]) -> NDArray[np.floating]:
    means = [sample.data[name][0].mean(axis=1) for name in names if name != "text"]
    return np.concatenate([*means, np.zeros(0)])


def has_words(sample: Sample, words: list[str]) -> list[bool]:
    return [word in sample.data["text"][0].split() for word in words]


def test_the_simulated_modalities_add_up(tmp_path: Path) -> None:
    Mmsa().simulate(tmp_path / "with", subjects=60)
    Mmsa().simulate(tmp_path / "without", subjects=60, strength=0)
    assert Mmsa().card_of(tmp_path / "with").access == "simulated"
    samples, names = read(tmp_path / "with"), ("text", "audio_features", "vision_features")
    alone = [correlation(samples, name) for name in names]
    assert min(alone) > 0.4
    assert correlation(samples, *names) > max(alone) + 0.05
    assert abs(correlation(read(tmp_path / "without"), *names)) < 0.25


def test_the_twin_is_made_once_for_each_corpus(tmp_path: Path) -> None:
    homes = {MmsaSim(subjects=3, name=name).locate(tmp_path) for name in ("mosi", "sims", "mosi")}  # type: ignore[arg-type]
    assert len(homes) == 2
    assert MmsaSim.card.access == "simulated"


def test_two_videos_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="subjects is 2"):
        Mmsa().simulate(tmp_path, subjects=2)
