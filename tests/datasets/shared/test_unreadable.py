from mmbench import DataError
from mmbench_datasets.shared.unreadable import describe_unreadable


def test_errors_are_counted_and_the_first_is_named() -> None:
    errors = [DataError(f"is bad {number}", where="file") for number in range(2)]
    assert describe_unreadable([object()]) == []
    assert describe_unreadable([object(), errors[0]]) == ["1 trial cannot be read, such as: file: is bad 0"]
    assert describe_unreadable(errors) == ["2 trials cannot be read, such as: file: is bad 0"]
