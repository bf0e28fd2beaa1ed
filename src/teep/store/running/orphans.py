"""Orphans: jobs in flight at a process that the registry does not know, so that no rescue would look at them.

A process registers before its first reservation and again at each beat. A failover may lose the registration. If the
process then reserves on the new primary and dies before its next beat, only the name of a list shows that it was
there. So a walk looks for such names among all keys, a step at a time, round and round.
"""

from collections.abc import Iterable

from teep.store import processes
from teep.store.running import owners
from teep.store.running.owners import Owner
from teep.wire import commands, keys

# Keys that a step looks at: 0.1 ms of Valkey 8's time, 0.5 ms of Redis 7's.
STEP = 1_000


async def walk() -> list[Owner]:
    """Take one step through the keyspace and register the owners of orphans; returns them.

    From then on the ordinary rescue decides about them. The walk's place is kept in Redis, so the processes share one
    walk, which outlives each of them. A step that breaks off is repeated.

    Costs three round trips, one more if the step met jobs in flight, and one for each owner registered. It walks
    the server it talks to, as SCAN does: in a Redis Cluster each primary would need a walk of its own.
    """
    place = await commands.get_int(keys.inflight_walk())
    place, met = await commands.scan_lists(place, keys.inflight("*", "*"), STEP)
    found = [owner for owner in await _unregistered(met) if await _register(owner)]
    # The key is removed after a whole walk, so a small Redis never shows it.
    await (commands.set_int(keys.inflight_walk(), place) if place else commands.unlink(keys.inflight_walk()))
    return found


async def _unregistered(lists: Iterable[bytes]) -> list[Owner]:
    """Return the owners of in-flight lists that the registry does not know, as far as the lists' names tell."""
    queues: dict[str, list[str]] = {}
    for queue, identity in filter(None, map(keys.inflight_parts, lists)):
        queues.setdefault(identity, []).append(queue)
    if not queues:
        return []
    # Read after the lists: a process that registered before it reserved is there.
    entries = await commands.hmget(keys.inflight_owners(), *queues)
    return [
        Owner(identity, pid=0, machine="", started=0, queues=tuple(names))
        for (identity, names), entry in zip(queues.items(), entries, strict=True)
        if entry is None
    ]


async def _register(owner: Owner) -> bool:
    """Register a process on its behalf; False if it has registered itself meanwhile.

    The failover that lost its registration may have lost its heartbeat, too. So it is given one: if it lives, it has
    until that expires to send its own.
    """
    *_, entered = await commands.transaction(
        commands.hset_if_absent(keys.process(owner.identity), "beat", "0"),
        commands.expire(keys.process(owner.identity), processes.HEARTBEAT_EXPIRY),
        commands.hset_if_absent(keys.inflight_owners(), owner.identity, owners.entry(owner)),
    )
    return bool(entered)
