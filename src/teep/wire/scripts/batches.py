"""The script that reserves indices of a batch. All else of batches are parts of steps: see `lua/lib/batch.lua`."""

from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts.script import ScriptCall, load


def reserve(batch: Key, count: int) -> Command[int | None]:
    """Return the first of `count` indices that nobody else gets, or None if there is no such batch.

    A repeat after a lost answer leaves a gap, which harms nothing.
    """
    return ScriptCall(load("batches/reserve"), (batch,), (count,), read=lambda reply: reply)
