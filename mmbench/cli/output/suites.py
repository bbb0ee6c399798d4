"""Results of a suite on stdout."""

from typing import TYPE_CHECKING

from mmbench.cli.output.console import show, show_json

if TYPE_CHECKING:
    from mmbench.workflows import Suite, SuiteResult


def show_suite_description(suite: "Suite", as_json: bool) -> None:
    """Print what a suite says, or its content as JSON."""
    from mmbench.reporting import suite_description

    if as_json:
        show_json({"suite": suite.label, "title": suite.title, "digest": suite.digest, **suite.content()})
    else:
        show(suite_description(suite))


def show_suite(result: "SuiteResult", as_json: bool) -> None:
    """Print the tables of a suite, or all of its values as JSON."""
    from mmbench.reporting import suite_tables

    if as_json:
        show_json(result.to_json())
    else:
        show(suite_tables(result))
