"""``mmbench ablate``: one run per value of a method's options, each compared with the default."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

from mmbench.errors import SpecError
from mmbench.registry import join_list, split_list
from mmbench.storage import digest, quote_word, write_text
from mmbench.workflows.ablation_results import AblationResult, load_ablation
from mmbench.workflows.ablation_rows import AblationVariant, choose_tables, make_default, recipe_digest
from mmbench.workflows.arguments.options import make_spec
from mmbench.workflows.arguments.signatures import RunOptions, with_run_options
from mmbench.workflows.claims.commands import portable_command
from mmbench.workflows.experiment import run_request
from mmbench.workflows.request import RunSpec
from mmbench.workflows.resolve import check_request, resolve_request


@with_run_options
def ablate(method: Any, dataset: Any, only: str | Sequence[str] = (), **options: Unpack[RunOptions]) -> AblationResult:
    """Run ``method`` with each value of its declared ablations and each subset of modalities; ``only``: some tables.

    Arguments and options are those of `run`; with ``tune`` every row has the same budget, and parameters of the tables
    are not tuned. Results of earlier runs are reused. Raises UserError for invalid input.
    """
    return ablate_spec(make_spec(method, dataset, (), options), split_list(only) if isinstance(only, str) else only)


def ablate_spec(spec: RunSpec, only: Sequence[str] = ()) -> AblationResult:
    """Run an ablation from its spec."""
    if spec.against:
        raise SpecError("an ablation has no baselines", where="against", remedy="compare with baselines by mmbench run")
    request = resolve_request(spec)
    default = make_default(request)
    makers = choose_tables(request, default, only)
    request = check_request(replace(request, recipes=(default,)))
    findings = {**request.findings}
    tables = [make() for make in makers]
    # Recipes that compute the same are run once, under the first name.
    recipes = {recipe_digest(request, default): default}
    for table in tables:
        for row in table.rows:
            if row.recipe:
                recipes.setdefault(recipe_digest(request, row.recipe), row.recipe)
                findings.setdefault(row.recipe.label, row.findings)
    plans = run_request(replace(request, recipes=tuple(recipes.values()), findings=findings))
    folders = {key: plan.folder.name for key, plan in zip(recipes, plans, strict=True)}

    def describe_row(row: AblationVariant) -> dict[str, Any]:
        folder = folders[recipe_digest(request, row.recipe)] if row.recipe else None
        return {"value": row.value, "run": folder, "reason": row.reason}

    listed = {
        "default": plans[0].folder.name,
        "seeds": request.settings.seeds,
        "tables": [
            {"name": table.name, "parameter": table.parameter, "rows": [describe_row(row) for row in table.rows]}
            for table in tables
        ],
    }
    path = plans[0].folder.parent / f"ablation-{digest(listed)[:10]}.json"
    command = portable_command(spec, "ablate") + (f" --only {quote_word(join_list(only))}" if only else "")
    write_text(path, json.dumps({**listed, "command": command}))
    return load_ablation(path)
