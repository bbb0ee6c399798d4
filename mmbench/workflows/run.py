"""``mmbench run``: a comparison, found if it is finished, else run by ``experiment``."""

from collections.abc import Sequence
from typing import Any, Unpack

from mmbench.registry import AUTO
from mmbench.results import Comparison
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.arguments.signatures import RunOptions, with_run_options
from mmbench.workflows.finished_runs import find_finished_run, start_run
from mmbench.workflows.request import RunSpec


@with_run_options
def run(method: Any, dataset: Any, against: str | Sequence[Any] = AUTO, **options: Unpack[RunOptions]) -> Comparison:
    """Run ``method`` and the baselines ``against`` on ``dataset``, and compare them; ``print`` shows the table.

    ``method`` is a name such as ``late`` or ``milmer[k=5]``, or a class that a plugin registers. ``dataset`` is a name,
    the path of a folder or table of your own (a `Path`, or a text with a separator), or data in memory (`from_arrays`,
    `from_frame`). ``against`` is a list, or names separated by commas; ``auto`` stands for concat, late, each single
    modality and prior, ``none`` for no baselines. Results of earlier runs are reused. Raises UserError for what the
    user can fix. None stands for the preset's value, else the default. The options:

    - data: ``protocol`` (``subject``, ``loso``, ``official``, ``group:NAME`` ...), ``folds`` (default 5), ``stratify``
      (classes balanced over parts), ``task``, ``metric``, ``standardize`` (``train``, ``subject``), ``units`` and
      ``modalities`` (those to use), ``data`` (folder of the dataset), ``bad`` (``error``, ``drop`` unusable samples);
    - methods: ``encoders`` (name by modality or kind), ``training`` (such as ``{"epochs": 5}``), ``trainer``
      (a name, or a class of a plugin), ``preset``, ``plugins`` (plugin files), ``seeds`` (their number, default 3);
    - tuning: ``tune`` (tuning trials per method and fold), ``tune_seconds`` (no new trial after this time),
      ``tune_scope`` (``fold``, ``once``: in the first fold), ``tune_storage`` (URL of a database);
    - execution: ``device`` (``auto``, ``cpu``, ``cuda``), ``jobs`` (processes; default: one per core), ``threads``
      (per process; results depend on it), ``cluster`` (address of a Dask scheduler), ``cache`` (folder of prepared
      data);
    - output: ``out`` (folder of records), ``weights`` (``auto``, ``keep``, ``drop``), ``save_encoders`` (file by
      modality), ``diagnose`` (``auto``, ``full``, ``no``).
    """
    return run_spec(make_spec(method, dataset, against, options))


def run_spec(spec: RunSpec) -> Comparison:
    """The comparison of a spec: that of a finished run, else run now."""
    started = start_run(spec)
    if (finished := find_finished_run(spec, started)) is not None:
        return finished
    from mmbench.workflows.experiment import run_unfinished  # imports torch

    return run_unfinished(spec, started)
