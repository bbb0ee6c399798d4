"""A line about what cannot be read, for `Dataset.assumptions`: counts of samples leave it out."""

from collections.abc import Iterable

from mmbench import DataError


def describe_unreadable(outcomes: Iterable[object], what: str = "trial") -> list[str]:
    """A line with the number of errors among the outcomes of reading, and the first of them; none where there is none.

    ``what`` is that which an error is about.
    """
    errors = [outcome for outcome in outcomes if isinstance(outcome, DataError)]
    if not errors:
        return []
    number = f"1 {what}" if len(errors) == 1 else f"{len(errors):,} {what}s"
    return [f"{number} cannot be read, such as: {errors[0].where}: {errors[0].message}"]
