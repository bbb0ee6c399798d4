"""Reference pages generated from the code: the public names, the commands and the datasets."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dataset_table

import mmbench
from mmbench.storage.files import write_text

# The sections of the page on Python; every name of ``mmbench.__all__`` is in one.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Commands": (
        "run",
        "load_comparison",
        "tune",
        "ablate",
        "audit",
        "audit_split",
        "claim",
        "diagnose",
        "folds",
        "score",
        "suite",
        "load_suite_result",
        "plot",
    ),
    "Data in memory": ("from_arrays", "from_frame", "DataFolder"),
    "Components": (
        "Component",
        "Dataset",
        "Encoder",
        "Fusion",
        "Estimator",
        "EstimatorContext",
        "SklearnEstimator",
        "Trainer",
        "TrainerContext",
        "TrainingStep",
        "Network",
        "Batches",
        "Method",
        "Metric",
        "Ablation",
        "hookimpl",
        "make_encoder",
    ),
    "Values": (
        "Modality",
        "Column",
        "Clip",
        "Schema",
        "Task",
        "Sample",
        "Tokens",
        "TokenSpec",
        "Card",
        "Description",
        "Problem",
    ),
    "Training and search": ("Training", "Criterion", "Float", "Int", "Choice"),
    "Files, weights, processes": (
        "written_whole",
        "locked",
        "fetch_model",
        "fetch_pretrained",
        "load_state_dict",
        "choose_prefix",
        "check_content",
        "read_csv",
        "CsvRows",
        "list_folder",
        "FolderListing",
        "iter_video_frames",
        "sample_video_frames",
        "is_video_truncated",
        "in_processes",
        "track",
    ),
    "Published files": ("Download", "Pin", "load_pins"),
    "Errors": (
        "MmbenchError",
        "UserError",
        "SpecError",
        "DataError",
        "ProtocolError",
        "PluginError",
        "WeightsError",
        "TrainingError",
        "WorkerError",
        "JobError",
        "RecordError",
        "StorageError",
    ),
}


def write_pages(folder: Path) -> None:
    """Write every page whose text has changed: Sphinx rebuilds a page when its file is newer."""
    for name, text in (("api", "\n".join(_api()) + "\n"), ("cli", _cli()), ("datasets", dataset_table.make_page())):
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def _api() -> Iterator[str]:
    left = set(mmbench.__all__) - {"__version__"} - {name for names in GROUPS.values() for name in names}
    if left:
        raise ValueError(f"docs/reference_pages.py: GROUPS lacks {', '.join(sorted(left))}")
    yield from ("# Python", "", "Every name here is imported as `from mmbench import ...`.", "")
    for heading, names in GROUPS.items():
        yield from (f"## {heading}", "", "```{eval-rst}")
        for name in names:
            yield from _directive(name)
        yield from ("```", "")


def _directive(name: str) -> Iterator[str]:
    if isinstance(getattr(mmbench, name), type):
        yield from (f".. autoclass:: mmbench.{name}", "   :members:", "   :show-inheritance:", "")
    elif callable(getattr(mmbench, name)) and hasattr(getattr(mmbench, name), "__code__"):
        yield from (f".. autofunction:: mmbench.{name}", "")
    else:
        yield from (f".. autodata:: mmbench.{name}", "   :no-value:", "")


def _cli() -> str:
    """The commands as Markdown, from typer's documentation utility."""
    command = (sys.executable, "-m", "typer", "mmbench.cli.app", "utils", "docs", "--name", "mmbench")
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return text.replace("# `mmbench`", "# Shell", 1)
