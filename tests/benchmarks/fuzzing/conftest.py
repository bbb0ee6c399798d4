from pathlib import Path

import pytest
from fuzzing.judging import Finding, Judge
from fuzzing.readers import READERS


class Bench:
    """Readers with their valid files, and what is wrong with how they read a content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._judge = Judge(folder)
        self._seeds: dict[str, list[bytes]] = {}

    def seeds(self, name: str) -> list[bytes]:
        if name not in self._seeds:
            (self._folder / name / READERS[name].file).parent.mkdir(parents=True)
            self._seeds[name] = READERS[name].seeds(self._folder / name)
            self.judge(name, self._seeds[name][0])  # imports what is imported late
        return self._seeds[name]

    def judge(self, name: str, content: bytes) -> Finding | None:
        path = self._folder / name / READERS[name].file
        path.write_bytes(content)
        return self._judge.judge(READERS[name].read, path, READERS[name].most)

    def read(self, name: str, content: bytes) -> object:
        path = self._folder / name / READERS[name].file
        path.write_bytes(content)
        return READERS[name].read(path)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("fuzz"))
