"""Names of protocols: those with a name of their own, and any group that a dataset declares."""

import pytest

from mmbench import ProtocolError, Schema
from mmbench.data.splits.protocols import (
    PROTOCOLS,
    default_protocol,
    find_protocol,
    is_protocol,
    parse_protocol,
    possible_protocols,
)


def declaring(*groups: str) -> Schema:
    return Schema((), {"task": ("a", "b")}, groups)


def test_a_group_with_a_protocol_of_its_own_is_that_protocol() -> None:
    people = declaring("subject", "trial", "site")
    assert find_protocol("group:subject", people, "d") is PROTOCOLS["subject"]
    assert find_protocol("group:trial", people, "d") is PROTOCOLS["pooled-trial"]
    assert find_protocol("group:trial", declaring("trial"), "d").name == "group:trial"
    assert find_protocol("group:site", people, "d").whole == "site"


def test_possible_protocols_are_those_that_the_groups_serve() -> None:
    assert possible_protocols(declaring()) == ["pooled-segment"]
    assert possible_protocols(declaring("video", "clip")) == ["pooled-segment", "group:video", "group:clip"]
    assert "session" in possible_protocols(declaring("subject", "session"))
    assert "session" not in possible_protocols(declaring("session"))


@pytest.mark.parametrize("name", ["", "group", "group:", "losso", "Group:video"])
def test_other_names_are_no_protocols(name: str) -> None:
    assert not is_protocol(name)
    with pytest.raises(ProtocolError, match="no protocol"):
        parse_protocol(name)
    with pytest.raises(ProtocolError, match="no protocol"):
        find_protocol(name, declaring("video"), "d")


@pytest.mark.parametrize("name", [*PROTOCOLS, "group:video"])
def test_a_protocol_is_parsed_to_its_name(name: str) -> None:
    assert is_protocol(name)
    assert parse_protocol(name).name == name
    assert parse_protocol(name).summary


def test_the_default_holds_out_subjects_else_the_first_other_group() -> None:
    assert default_protocol(declaring("trial", "subject")) == "subject"
    assert default_protocol(declaring("trial", "video", "clip")) == "group:video"
    assert default_protocol(declaring("trial")) == "pooled-segment"


def test_subjects_are_stricter_than_other_groups_and_those_than_trials() -> None:
    names = ["pooled-segment", "segment", "pooled-trial", "trial", "session", "group:site", "subject", "loso"]
    assert sorted(names, key=lambda name: parse_protocol(name).strictness) == names


def test_sessions_are_in_both_parts_by_design_where_trials_are_held_out() -> None:
    assert all(parse_protocol(name).spans("session") for name in ("trial", "pooled-trial", "group:trial"))
    assert not any(parse_protocol(name).spans("session") for name in ("segment", "session", "subject", "group:video"))
    assert not parse_protocol("trial").spans("trial")
