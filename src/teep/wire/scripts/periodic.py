"""The scripts that change the entries of periodic jobs. Their ticks are steps: see `lua/lib/periodic.lua`."""

from typing import Literal

from teep.wire import keys
from teep.wire.command import Command
from teep.wire.scripts.script import ScriptCall, load


def put(name: str, before: bytes, after: bytes, counts_from: str) -> Command[bool]:
    """Write an entry if it is still `before` (b"": there is none); ticks up to `counts_from` ("": any) are over."""
    return ScriptCall(
        load("periodic/put"),
        (keys.periodic(), keys.periodic_last(), keys.periodic_version()),
        (name, before, after, counts_from),
        read=bool,
        idempotent=False,
    )


def remove(name: str) -> Command[bool]:
    """Remove an entry, with its last tick, its pause and its runs; False if there is none."""
    touched = (
        keys.periodic(), keys.periodic_last(), keys.periodic_paused(), keys.periodic_seen(), keys.periodic_version(),
        keys.periodic_runs(name),
    )  # fmt: skip
    return ScriptCall(load("periodic/remove"), touched, (name,), read=bool)


def pause(name: str, now: str, *, goes_on: bool) -> Command[Literal[-1, 0, 1]]:
    """Pause an entry, or let it go on with the ticks after `now`; -1 if there is none, 0 if it was so already."""
    return ScriptCall(
        load("periodic/pause"),
        (keys.periodic(), keys.periodic_last(), keys.periodic_paused(), keys.periodic_version()),
        (name, now, int(goes_on)),
        read=lambda reply: reply,
    )
