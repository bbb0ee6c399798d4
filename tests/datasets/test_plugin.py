from pathlib import Path

import pytest

from mmbench import Dataset
from mmbench.registry.plugins import load_registry
from mmbench_datasets.plugin import register_datasets


def test_every_dataset_is_registered_once_with_a_whole_card() -> None:
    registered: list[type[Dataset]] = []
    register_datasets(registered.append)
    names = [dataset.name for dataset in registered]
    assert {"eegmat", "mfeat"} <= set(names)
    assert len(set(names)) == len(names)
    for dataset in registered:
        card = dataset.card
        assert all((card.title, card.licence, card.url, card.citation)), dataset.name
        assert bool(card.size) == (card.access not in ("yours", "simulated")), dataset.name


@pytest.mark.parametrize("name", ["eav", "fsdd", "mm-imdb", "mmsa", "mosi", "cremad", "utd-mhad", "seed-v", "ravdess"])
def test_a_card_names_the_official_split_of_samples_that_have_one(name: str, tmp_path: Path) -> None:
    dataset = load_registry().datasets[name].component()
    dataset.simulate(tmp_path, subjects=3, **{"fsdd": {"takes": 6}, "eav": {"trials": 10}}.get(name, {}))
    first = next(iter(dataset.read(tmp_path, dataset.units(tmp_path)[0])))
    assert (first.split is not None) == bool(dataset.card.split)


def test_a_twin_has_the_split_of_its_dataset_and_no_size() -> None:
    datasets = load_registry().datasets
    twins = {name.removesuffix("-sim"): entry.component.card for name, entry in datasets.items() if "-sim" in name}
    assert "cremad" in twins
    for name, card in twins.items():
        assert (card.size, card.split) == ("", datasets[name].component.card.split)
