"""The code of a component is its files and those they import from the same distribution."""

from pathlib import Path

import pytest

from mmbench.sources import find_sources


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {
        "kit/__init__.py": "",
        "kit/edf.py": "from kit import deep\n",
        "kit/deep/__init__.py": "import numpy\n",
        "kit/other.py": "",
        "kit/eye/__init__.py": "from kit.eye.reader import Eye\n",
        "kit/eye/reader.py": "import kit.edf\nfrom mmbench import Dataset\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_package_is_its_folder_and_what_it_imports(package: Path) -> None:
    found = find_sources(package / "kit/eye/reader.py", "kit.eye.reader", True)
    assert set(found) == {
        "kit/eye/reader.py",
        "kit/eye/__init__.py",
        "kit/edf.py",
        "kit/deep/__init__.py",
        "kit/__init__.py",
    }


def test_a_file_is_itself_and_the_files_beside_it_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("import helper\nimport os\nfrom mmbench import Fusion\n")
    (tmp_path / "helper.py").write_text("def late():\n    import later\n")
    (tmp_path / "later.py").write_text("")
    (tmp_path / "unrelated.py").write_text("")
    assert set(find_sources(tmp_path / "plugin.py", "plugin", False)) == {"plugin.py", "helper.py", "later.py"}


def test_the_host_is_not_followed() -> None:
    import mmbench.builtin.prior as prior

    found = find_sources(Path(prior.__file__), prior.__name__, True)
    assert {Path(name).parent.as_posix() for name in found} == {"mmbench/builtin"}


def test_datasets_share_a_reader() -> None:
    from mmbench_datasets.eegmat import dataset

    assert "mmbench_datasets/edf.py" in find_sources(Path(dataset.__file__), dataset.__name__, True)
