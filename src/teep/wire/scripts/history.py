"""The script that writes the history."""

from typing import NamedTuple

from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts.script import ScriptCall, load


class Change(NamedTuple):
    """A field of a hash, as it was read (b"": it was not there) and as it is to be.

    The hash is kept for so many `seconds`.
    """

    key: Key
    field: str
    before: bytes
    after: bytes
    seconds: int


def record(
    leader: tuple[Key, str], last: tuple[Key, int], counts: tuple[int, int], minute: Change, hour: Change
) -> Command[bool]:
    """Write the records of a minute and its hour; False if `leader` (key, identity) does not lead, or they changed.

    `last` is the key that keeps the counts for the next sample, and for how many seconds.
    """
    changes = (minute, hour)
    return ScriptCall(
        load("history/record"),
        (leader[0], last[0], *(change.key for change in changes)),
        (leader[1], last[1], *counts, *(word for change in changes for word in change[1:])),
        read=bool,
    )
