import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

from mmbench import DataError, Sample, SpecError
from mmbench_datasets.mm_imdb import MmImdb, MmImdbSim
from mmbench_datasets.mm_imdb.films import GENRES


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty films."""
    folder = tmp_path_factory.mktemp("simulated") / "mm-imdb"
    MmImdb().simulate(folder, subjects=1)
    return folder


@pytest.fixture
def root(tmp_path: Path, simulated: Path) -> Path:
    """The same files, to be damaged."""
    return Path(shutil.copytree(simulated, tmp_path / "mm-imdb"))


def read(root: Path, dataset: MmImdb | None = None) -> list[Sample]:
    dataset = dataset or MmImdb()
    found = [sample for unit in dataset.units(root) for sample in dataset.read(root, unit)]
    return [sample for sample in found if isinstance(sample, Sample)]


def change(path: Path, edit: Callable[[Any], object]) -> None:
    """Edit a JSON file in place."""
    tree = json.loads(path.read_text())
    edit(tree)
    path.write_text(json.dumps(tree))


def test_a_sample_is_a_film_with_its_genres_in_its_part(root: Path) -> None:
    assert MmImdb().check(root) == []
    samples = read(root)
    assert [sample.split for sample in samples] == ["train"] * 30 + ["validation"] * 5 + ["test"] * 15
    for sample in samples:
        film = json.loads((root / "dataset" / f"{sample.id}.json").read_text())
        labels: Any = sample.labels["genre"]
        assert [genre for genre, label in zip(GENRES, labels, strict=True) if label] == film["genres"]
        assert sample.data["plot"] == [film["plot"][1]]
        assert sample.data["poster"] == [(root / "dataset" / f"{sample.id}.jpeg").read_bytes()]


@pytest.mark.parametrize(
    ("plot", "text"), [("longest", "the longest of all"), ("first", "a short one"), ("outline", "in between")]
)
def test_one_of_the_plots_is_read(root: Path, plot, text: str) -> None:
    plots = {"plot": [" ", "a short one", "the longest of all"], "plot outline": "in between"}
    change(root / "dataset" / "00000001.json", lambda film: film.update(plots))
    assert read(root, MmImdb(plot=plot))[0].data["plot"] == [text]


@pytest.mark.parametrize("edit", [lambda film: film.pop("plot"), lambda film: film.update(plot=["", " "])])
def test_a_film_without_a_plot_lacks_this_modality(root: Path, edit) -> None:
    change(root / "dataset" / "00000001.json", edit)
    assert list(read(root)[0].data) == ["poster"]
    assert len(read(root)) == 50


def test_other_genres_are_not_predicted(root: Path) -> None:
    change(root / "dataset" / "00000001.json", lambda film: film.update(genres=["News", "Sport"]))
    labels: Any = read(root)[0].labels["genre"]
    assert [genre for genre, label in zip(GENRES, labels, strict=True) if label] == ["Sport"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda film: film.pop("genres"), "has no list of 'genres'"),
        (lambda film: film.update(genres="Drama"), "has no list of 'genres'"),
        (lambda film: film.update(genres=[]), "has none of the 23 genres, an empty list"),
        (lambda film: film.update(genres=["News", "Adult"]), "has none of the 23 genres, only News, Adult"),
        (lambda film: film.update(plot="one text"), "has a plot that is not a list of texts"),
        (lambda film: film.update(plot=[1, 2]), "has a plot that is not a list of texts"),
    ],
)
def test_a_damaged_description_costs_one_film(root: Path, edit, message: str) -> None:
    path = root / "dataset" / "00000003.json"
    change(path, edit)
    (error,) = (outcome for outcome in MmImdb().read(root, "train") if isinstance(outcome, DataError))
    assert (error.where, error.message) == (str(path), message)
    assert len(read(root)) == 49
    (problem,) = MmImdb().check(root)
    assert (problem.path, problem.message, problem.concerns) == (str(path), message, "sample")


@pytest.mark.parametrize("content", [b'{"genres": ["Drama"', b"\xff\xfe", b"[" * 100_000, b"[1]"])
def test_a_description_of_something_else_is_named(root: Path, content: bytes) -> None:
    path = root / "dataset" / "00000003.json"
    path.write_bytes(content)
    (error,) = (outcome for outcome in MmImdb().read(root, "train") if isinstance(outcome, DataError))
    assert error.where == str(path)


@pytest.mark.parametrize("suffix", ["json", "jpeg"])
@pytest.mark.parametrize(
    ("damage", "message"), [(os.unlink, "is missing"), (lambda path: path.write_bytes(b""), "is empty")]
)
def test_a_file_that_is_missing_is_named(root: Path, suffix: str, damage, message: str) -> None:
    path = root / "dataset" / f"00000003.{suffix}"
    damage(path)
    (problem,) = MmImdb().check(root)
    assert (problem.path, problem.message, problem.concerns) == (str(path), message, "sample")
    assert len(read(root)) == 49


@pytest.mark.parametrize("n_bytes", [300, -100])
def test_a_truncated_poster_is_named_and_costs_its_film(root: Path, n_bytes: int) -> None:
    film = read(root)[0].id
    path = root / "dataset" / f"{film}.jpeg"
    path.write_bytes(path.read_bytes()[:n_bytes])
    (problem,) = MmImdb().check(root)
    assert (problem.path, problem.message, problem.concerns) == (str(path), "is truncated or damaged", "sample")
    assert problem.remedy == "get this file again, or leave it out: mmbench run ... --bad drop"
    (error,) = (each for each in MmImdb().read(root, "train") if isinstance(each, DataError))
    assert error.where == str(path)


def test_a_poster_with_more_behind_its_end_is_read(root: Path) -> None:
    path = root / "dataset" / f"{read(root)[0].id}.jpeg"
    path.write_bytes(path.read_bytes() + b"more" * 30)
    assert MmImdb().check(root) == []
    assert len(read(root)) == 50


def test_descriptions_and_posters_may_lie_apart(root: Path) -> None:
    before = [(sample.id, sample.labels) for sample in read(root)]
    for suffix, folder in (("json", "labels"), ("jpeg", "images")):
        (root / folder).mkdir()
        for path in (root / "dataset").glob(f"*.{suffix}"):
            path.rename(root / folder / path.name)
    assert MmImdb().check(root) == []
    assert [(sample.id, sample.labels) for sample in read(root)] == before


def test_the_folder_of_the_archive_is_found(root: Path, tmp_path: Path) -> None:
    shutil.move(root, tmp_path / "all" / "mm-imdb-1.0")
    assert MmImdb().check(tmp_path / "all") == []
    assert len(read(tmp_path / "all")) == 50


def test_films_that_are_not_in_the_split_are_counted(root: Path) -> None:
    assert not any("25,959" in line for line in MmImdb().assumptions(root)), "a simulation may have any size"
    (root / "SIMULATED.json").unlink()
    assert MmImdb().assumptions(root)[-1] == "50 of the 25,959 films"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda split: split.pop("dev"), "has no list of films as 'dev'"),
        (lambda split: split.update(test="00000001"), "has no list of films as 'test'"),
        (lambda split: split.update(test=[1, 2]), "has no list of films as 'test'"),
        *(
            (
                lambda split, odd=odd: split["dev"].append(odd),
                f"names a film {odd!r} in 'dev', which is no id of letters and digits",
            )
            for odd in ("0\0", "\ud805", "../0000001", "/etc/passwd", "1" * 300)
        ),
        (lambda split: split["test"].append("00000001"), "names 1 film several times, such as 00000001"),
    ],
)
def test_a_damaged_split_is_named(root: Path, edit, message: str) -> None:
    change(root / "split.json", edit)
    (problem,) = MmImdb().check(root)
    assert (problem.path, problem.message) == (str(root / "split.json"), message)


def test_a_split_without_any_film_files_is_one_problem(root: Path) -> None:
    shutil.rmtree(root / "dataset")
    (problem,) = MmImdb().check(root)
    assert problem.message == "is missing, as are the files of all other films"


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        (problem,) = MmImdb().check(folder)
        assert problem.path == str(folder)
        assert "github.com" in problem.remedy


def test_a_film_that_the_split_does_not_name_is_not_read(root: Path) -> None:
    change(root / "split.json", lambda split: split["train"].remove("00000003"))
    assert MmImdb().check(root) == []
    assert len(read(root)) == 49


def test_a_height_that_makes_no_sense() -> None:
    with pytest.raises(SpecError, match="height is 5"):
        MmImdb(height=5)


def score(samples: list[Sample], *names: str) -> float:
    """Balanced accuracy of a logistic regression, mean over the genres, on the test part."""
    words = [f"{genre.lower().replace('-', '')}like" for genre in GENRES]
    x = np.stack([np.concatenate([features(sample, words)[name] for name in names]) for sample in samples])
    y = np.array([sample.labels["genre"] for sample in samples])
    is_train = np.array([sample.split != "test" for sample in samples])
    right = []
    for genre in range(len(GENRES)):
        model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000).fit(x[is_train], y[is_train, genre])
        predicted = model.predict(x[~is_train])
        truth = y[~is_train, genre]
        right.append(np.mean([(predicted[truth == label] == label).mean() for label in (0, 1)]))
    return float(np.mean(right))


def features(sample: Sample, words: list[str]) -> dict[str, NDArray[np.floating]]:
    """The brightness of the fields of a poster, and which words a plot has."""
    grey = np.asarray(Image.open(io.BytesIO(sample.data["poster"][0])).convert("L"), float)
    fields = grey.reshape(6, 16, 4, 15).mean(axis=(1, 3)).ravel()
    plot = sample.data["plot"][0].split()
    return {
        "poster": (fields - fields.mean()) / fields.std(),
        "plot": np.array([word in plot for word in words], float),
    }


def test_the_simulated_modalities_add_up(tmp_path: Path) -> None:
    MmImdb().simulate(tmp_path / "with", subjects=20)
    MmImdb().simulate(tmp_path / "without", subjects=10, strength=0)
    samples = read(tmp_path / "with")
    alone = [score(samples, name) for name in ("poster", "plot")]
    assert min(alone) > 0.65
    assert score(samples, "poster", "plot") > max(alone) + 0.02
    assert 0.4 < score(read(tmp_path / "without"), "poster", "plot") < 0.6


def test_the_twin_is_made_once_and_called_simulated(tmp_path: Path) -> None:
    twin = MmImdbSim(subjects=1)
    home = twin.locate(tmp_path)
    assert twin.locate(tmp_path) == home
    assert twin.card_of(home).access == "simulated"
    assert len(read(home, twin)) == 50
