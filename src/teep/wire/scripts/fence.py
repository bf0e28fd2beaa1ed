"""What keeps one that leads no longer from acting; `lua/lib/leading.lua` compares it."""

from typing import NamedTuple

from teep.wire.keys import Key


class Fence(NamedTuple):
    """The lease of the leader, and the identity that must have it for a script to change anything."""

    lease: Key
    identity: str
