"""Descriptions of runs."""

from pathlib import Path

from mmbench.execution.planning import named_files


def test_a_model_in_a_folder_is_digested_with_all_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_text("old")
    before = named_files({"model": str(tmp_path), "pool": "mean"})
    assert list(before["files"]) == ["model"]
    (tmp_path / "model.safetensors").write_text("new")
    assert named_files({"model": str(tmp_path), "pool": "mean"}) != before
    assert named_files({"model": "owner/name"}) == {}
