"""The script that writes the history."""

from typing import NamedTuple

from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts.fence import Fence
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
    fence: Fence, last: tuple[Key, int], counts: tuple[int, int], minute: Change, hour: Change
) -> Command[bool]:
    """Write the records of a minute and its hour; False if the fence is closed, or they changed.

    `last` is the key that keeps the counts for the next sample, and for how many seconds.
    """
    changes = (minute, hour)
    return ScriptCall(
        load("history/record"),
        (fence.lease, last[0], *(change.key for change in changes)),
        (fence.identity, last[1], *counts, *(word for change in changes for word in change[1:])),
        read=bool,
    )
