"""Errors are one line, cross between processes, and are the tree that their docstring draws."""

import pickle
import re

import pytest

from mmbench import errors

KINDS = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.UserError)]


@pytest.mark.parametrize("cls", KINDS)
def test_errors_survive_another_process(cls: type[errors.UserError]) -> None:
    error = cls("a\n  long story", where="file.h5", remedy="do\nthis")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert (again.message, again.where, again.remedy) == ("a long story", "file.h5", "do this")
    assert str(again) == "file.h5: a long story — do this"


def test_line_omits_unknown_values() -> None:
    assert errors.DataError("broke").line == "broke"
    assert errors.DataError("broke", where="x").line == "x: broke"
    assert errors.DataError("broke", remedy="mend it").line == "broke — mend it"


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__))
    assert drawn == {cls.__name__ for cls in KINDS}
    assert all(issubclass(cls, errors.MmbenchError) for cls in KINDS)
