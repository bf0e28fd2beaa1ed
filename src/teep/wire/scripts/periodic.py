"""The scripts that change the entries of periodic jobs. Their ticks are steps: see `lua/lib/periodic.lua`."""

from collections.abc import Iterable
from typing import Literal

from teep.wire import keys
from teep.wire.command import Command
from teep.wire.scripts.fence import Fence
from teep.wire.scripts.script import ScriptCall, load

_ANYONE = Fence(keys.leader(), "")


def put(name: str, before: bytes, after: bytes, counts_from: str, fence: Fence | None = None) -> Command[bool]:
    """Write an entry if it is still `before` (b"": there is none); ticks up to `counts_from` ("": any) are over."""
    lease, identity = fence or _ANYONE
    return ScriptCall(
        load("periodic/put"),
        (lease, keys.periodic(), keys.periodic_last(), keys.periodic_version()),
        (identity, name, before, after, counts_from),
        read=bool,
        idempotent=False,
    )


def declare(term: int, names: Iterable[str], fence: Fence) -> Command[bool]:
    """Note the term in which a leader declared entries; False if it leads no longer."""
    lease, identity = fence
    return ScriptCall(load("periodic/declare"), (lease, keys.periodic_seen()), (identity, term, *names), read=bool)


def remove(name: str, fence: Fence | None = None) -> Command[bool]:
    """Remove an entry, with its last tick, its pause and its runs; False if there is none."""
    lease, identity = fence or _ANYONE
    touched = (
        lease, keys.periodic(), keys.periodic_last(), keys.periodic_paused(), keys.periodic_seen(),
        keys.periodic_version(), keys.periodic_runs(name),
    )  # fmt: skip
    return ScriptCall(load("periodic/remove"), touched, (identity, name), read=bool)


def pause(name: str, now: str, *, goes_on: bool) -> Command[Literal[-1, 0, 1]]:
    """Pause an entry, or let it go on with the ticks after `now`; -1 if there is none, 0 if it was so already."""
    return ScriptCall(
        load("periodic/pause"),
        (keys.periodic(), keys.periodic_last(), keys.periodic_paused(), keys.periodic_version()),
        (name, now, int(goes_on)),
        read=lambda reply: reply,
    )
