"""The leader of the fleet: the process that does what only one should do, such as firing periodic jobs.

1. It has a lease, which each of its heartbeats renews. A process that dies, hangs or is cut off loses it by itself.
2. The lease says which process should act. What must happen once is fenced: its script compares the lease with the
   identity of the process that acts (`lua/lib/leading.lua`), or is of a kind that a repeat does not harm.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from teep.wire import commands, keys, scripts
from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts import Elected


class Candidacy(NamedTuple):
    """How a process stands: for which lease, for how many seconds, and whether it is to lead before others."""

    identity: str
    lease: Key
    seconds: float
    is_preferred: bool


async def stand(candidacy: Candidacy, beside: Command[Any], asked: Sequence[Key] = ()) -> tuple[Elected, list[bool]]:
    """Stand for the leader. One round trip, which `beside` shares; it also tells which of the `asked` keys exist."""
    identity, lease, seconds, is_preferred = candidacy
    lead = scripts.lead(
        lease, keys.leader_term(), keys.leader_preferred(), identity, int(seconds * 1000), is_preferred=is_preferred
    )
    standing: list[Command[Any]] = [beside, lead, *map(commands.exists, asked)]
    _, elected, *there = await commands.pipeline_of(standing)
    return elected, there


async def resign(candidacy: Candidacy) -> bool:
    """Give the lease up, so that the next heartbeat of any process takes it; False if it was another's."""
    return await scripts.resign(candidacy.lease, keys.leader_preferred(), candidacy.identity)


async def leaders() -> tuple[str, ...]:
    """Return the identities of teep's leader and of Sidekiq Enterprise's, as far as there are any."""
    return leading(await commands.pipeline_of(reads()))


async def leader() -> str:
    """Return the identity of the leader, teep's before Sidekiq Enterprise's, or "" if there is none."""
    return next(iter(await leaders()), "")


def reads() -> list[Command[str]]:
    """Return the commands that read who leads."""
    return [commands.get_text(keys.leader(lease)) for lease in keys.LEASES]


def leading(read: Sequence[str]) -> tuple[str, ...]:
    """Return the identities among the results of `reads`."""
    return tuple(filter(None, read))
