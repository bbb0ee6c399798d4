from mmbench import Dataset
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
