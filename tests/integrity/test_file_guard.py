"""The file guard reports files that components read and no cache key holds."""

from pathlib import Path
from typing import Any

import pytest

import mmbench
from mmbench.storage.progress import SilentReporter, use_reporter

TOY = str(Path(__file__).parents[1] / "plugins" / "toy_plugin.py")
PLUGIN = """
import os
from pathlib import Path
from torch import nn, zeros
from mmbench import Fusion, hookimpl

class Reader(Fusion):
    name = "reader"

    def __init__(self, inputs, n_outputs, *, table: str = ""):
        super().__init__(inputs, n_outputs)
        self.bias = nn.Parameter(zeros(n_outputs))
        self.table = table

    def forward(self, tokens):
        for path in filter(None, (self.table, os.environ.get("TABLE"))):
            Path(path).read_text()
        Path(__file__).with_name("own.txt").read_text()
        return self.bias.expand(len(tokens["facts"].x), -1)

@hookimpl
def register_fusions(register):
    register(Reader)
"""


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.mark.parametrize("how", ["environment", "parameter", "none"])
def test_a_file_that_no_key_holds_is_reported(
    how: str, toy_people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("reader.py", PLUGIN), ("own.txt", "1"), ("table.txt", "1")):
        (tmp_path / name).write_text(text)
    table = tmp_path / "table.txt"
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # what lies in the folder of temporary files is nobody's
    monkeypatch.setenv("TABLE", str(table) if how == "environment" else "")
    method = f"reader[table={table}]" if how == "parameter" else "reader"
    options: dict[str, Any] = {"data": toy_people, "cache": tmp_path / "cache", "out": tmp_path / "runs", "jobs": 1}
    options |= {"folds": 2, "plugins": (TOY, str(tmp_path / "reader.py")), "training": {"epochs": 1}, "diagnose": "no"}
    listener = Listener()
    with use_reporter(listener):
        mmbench.run(method, "toy", encoders={"facts": "raw"}, modalities=["facts"], **options)
    messages = [message for message in listener.messages if " reads " in message]
    assert len(messages) == (how == "environment")
    assert all(f"fusion reader (plugin {tmp_path}/reader.py) reads {table}" in message for message in messages)
