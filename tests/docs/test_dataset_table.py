from dataset_table import README, renew_readme

from mmbench.registry import load_registry


def test_the_table_of_the_readme_is_made_from_the_cards() -> None:
    text = README.read_text(encoding="utf-8")
    assert renew_readme(text) == text, "python docs/dataset_table.py writes it anew"
    table = text[text.index("| name |") :].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == sorted(
        name
        for name, entry in load_registry().datasets.items()
        if entry.component.__module__.startswith("mmbench_datasets.") and not name.endswith("-sim")
    )


def test_another_table_is_replaced_and_nothing_else() -> None:
    text = README.read_text(encoding="utf-8")
    before, after = text.split("| name |", 1)[0], text.partition("\n\n`mmbench data get")[2]
    assert renew_readme(f"{before}| name | mine |\n|---|---|\n| a | b |\n\n`mmbench data get{after}") == text
