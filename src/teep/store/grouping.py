"""Grouping a set's jobs by class and error."""

from typing import NamedTuple

from teep.wire import scripts
from teep.wire.keys import Key

# Jobs a slice: reading them as JSON takes Redis a few milliseconds.
SLICE = 1_000


class Group(NamedTuple):
    """Jobs of one class and one error: how many, their lowest and highest score, and one payload."""

    klass: str
    error_class: str
    size: int
    oldest: float
    newest: float
    sample: bytes


async def groups(key: Key) -> list[Group]:
    """Return the set's groups, largest first. One round trip per 1000 jobs; only the groups cross the network."""
    found: dict[tuple[str, str], Group] = {}
    place = None
    while True:
        part = await scripts.groups(key, place, SLICE)
        if part.last is None:
            break
        place = part.last
        for row in part.rows:
            group = Group(_text(row.klass), _text(row.error_class), row.size, row.oldest, row.newest, row.sample)
            name = (group.klass, group.error_class)
            found[name] = _joined(found[name], group) if name in found else group
    return sorted(found.values(), key=lambda group: (-group.size, group.klass, group.error_class))


def _joined(one: Group, other: Group) -> Group:
    return one._replace(
        size=one.size + other.size, oldest=min(one.oldest, other.oldest), newest=max(one.newest, other.newest)
    )


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
