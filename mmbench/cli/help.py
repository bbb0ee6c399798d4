"""Help of the commands: options in panels, an example under each command, as wide as the terminal."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

DATA, METHODS, TRAINING, TUNING = "Data", "Methods", "Training", "Tuning"
EXECUTION, OUTPUT = "Execution", "Output"
_PANELS = ("Arguments", DATA, METHODS, TRAINING, TUNING, EXECUTION, OUTPUT, "Options")
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 140}
"""Context settings of the program, which its commands inherit."""


def _write_panels(command: Any, context: Any, formatter: Any) -> None:
    """A section per panel; options without one come last."""
    panels: dict[str, list[tuple[str, str]]] = {name: [] for name in _PANELS}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            default = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels[getattr(parameter, "rich_help_panel", None) or default].append(record)
    for name, records in panels.items():
        if records:
            with formatter.section(name):
                formatter.write_dl(records)


def _write_example(command: Any, formatter: Any) -> None:
    """The epilog as an example, unwrapped, so that it can be copied."""
    if command.epilog:
        with formatter.section("Example"):
            for line in command.epilog.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Command(TyperCommand):
    """A command whose epilog is an example; options are shown by their ``rich_help_panel``, without importing rich."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_panels(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the example."""
        _write_example(self, formatter)


class Group(TyperGroup):
    """A group of commands with help in the same style."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands."""
        _write_panels(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the example."""
        _write_example(self, formatter)
