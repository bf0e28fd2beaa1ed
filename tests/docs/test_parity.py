"""docs/api-parity.md is true: every name in its right column exists, on both sides of its pair."""

import re
from inspect import get_annotations
from pathlib import Path

import pytest

import teep

PAGE = Path(__file__).parents[2] / "docs" / "api-parity.md"
ROWS = re.findall(r"^\| `([^|]+)`[^|]*\| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
# Plain values that an API of either side gives.
SHARED = {"Work", "IterableState"}


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell)


@pytest.mark.parametrize(("ruby", "ours"), ROWS, ids=[row[0] for row in ROWS])
def test_both_sides_have_it(ruby: str, ours: str) -> None:
    for name in names(ours):
        noun, _, member = name.partition(".")
        kind = getattr(teep, noun)
        assert not member or knows(kind, member), f"{ruby} should be {name}"
        if not noun.startswith("Async") and noun not in SHARED:
            twin = getattr(teep, f"Async{noun}")
            asked = member.replace("__iter__", "__aiter__")
            assert not asked or knows(twin, asked), f"{ruby} should be Async{name}"


def knows(kind: type, member: str) -> bool:
    """Tell whether a class has an attribute, or declares one that its instances have."""
    return hasattr(kind, member) or any(member in get_annotations(base) for base in kind.__mro__)


def test_the_table_is_whole() -> None:
    assert len(ROWS) > 130
