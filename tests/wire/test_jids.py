"""Jids: many at once, and what is looked for to find one."""

import pytest

from teep.wire import payload


def test_many_at_once_are_as_if_made_one_by_one() -> None:
    now, randomness = 1_800_000_000.123, bytes(range(18))
    assert payload.new_jids(now, randomness) == [
        payload.new_jid(now, randomness[start : start + 6]) for start in (0, 6, 12)
    ]
    assert payload.new_jids(now, b"") == []


@pytest.mark.parametrize(
    ("jid", "needle"),
    [
        ("019c1c38a3ff91b72265b1f5", b"b72265b1f5"),
        ("019c1c38a3ff912722650105", b"ff912722650105"),
        ("0123456789012345678901bf", b"0123456789012345678901bf"),  # too short a tail would find too much
        ("own-id", b"own-id"),
        ("ünïque", "ünïque".encode()),
        ("", b""),
    ],
)
def test_the_needle_is_a_tail_from_a_rare_digit_on(jid: str, needle: bytes) -> None:
    assert payload.jid_needle(jid) == needle
