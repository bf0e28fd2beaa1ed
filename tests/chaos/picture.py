"""All of a server's jobs at one instant: where each lies, and what the counters say."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from teep.wire import keys
from tests.chaos.kinds import QUEUES, number_of
from tests.support.servers import Server

_SETS = (keys.retry(), keys.schedule(), keys.dead())
# What is in flight, in the same moment in which it is looked for: such a list is there only as long as it has jobs.
_IN_FLIGHT = """
local found = {}
for i, name in ipairs(redis.call('KEYS', '{queue:*}:inflight:*')) do
  found[i] = { name, redis.call('LRANGE', name, 0, -1) }
end
return found
"""
_COUNTERS = ("processed", "failed", "expired")


@dataclass(frozen=True)
class Picture:
    """The payloads by place (a Redis key), the processes that may hold jobs, and the counters."""

    places: dict[str, list[dict[str, Any]]]
    owners: list[str]
    counted: dict[str, int]
    """What the counters say: "processed", "failed", "expired"."""
    locks: dict[str, str] = field(default_factory=dict)
    """The locks of unique jobs, each with the jid of the job that has it."""
    iterations: list[str] = field(default_factory=list)
    """The jids of which a place is kept."""

    @classmethod
    def take(cls, server: Server) -> "Picture":
        """Read everything in one transaction, so that no job moves meanwhile."""
        queues = [keys.queue(name) for name in QUEUES]
        with server.client.pipeline(transaction=True) as pipe:
            pipe.eval(_IN_FLIGHT, 0)
            for name in queues:
                pipe.lrange(name, 0, -1)
            for name in _SETS:
                pipe.zrange(name, 0, -1)
            pipe.hkeys(keys.inflight_owners())
            pipe.mget(*(f"stat:{name}" for name in _COUNTERS))
            inflight, *lists, owners, counters = pipe.execute()
        raws = {str(name, "utf-8"): jobs for name, jobs in inflight} | dict(
            zip((*queues, *_SETS), lists, strict=True)
        )
        places = {
            name: [msgspec.json.decode(raw, type=dict[str, Any]) for raw in jobs] for name, jobs in raws.items()
        }
        counted = {name: int(count or 0) for name, count in zip(_COUNTERS, counters, strict=True)}
        return cls(places, [str(owner, "utf-8") for owner in owners], counted)

    @classmethod
    def last(cls, server: Server) -> "Picture":
        """Read everything at the end, when nothing moves any more, with what jobs have left behind."""
        locks = {
            str(key, "utf-8"): str(server.command("GET", key), "utf-8") for key in server.command("KEYS", "unique:*")
        }
        iterations = [str(key, "utf-8").removeprefix("it-") for key in server.command("KEYS", "it-*")]
        return replace(cls.take(server), locks=locks, iterations=iterations)

    @property
    def dead(self) -> dict[int, str]:
        """The dead jobs by number, with the class of the error that they died of."""
        return {number_of(job): job["error_class"] for job in self.places[keys.dead()]}

    @property
    def dead_jids(self) -> set[str]:
        """The jids of the dead jobs."""
        return {job["jid"] for job in self.places[keys.dead()]}

    def left(self) -> dict[str, int]:
        """Return how many jobs there are still to do, by place."""
        return {name: len(jobs) for name, jobs in self.places.items() if jobs and name != keys.dead()}

    def doubles(self) -> dict[int, list[str]]:
        """Return the jobs that lie in two places, or twice in one."""
        numbered = [(number_of(job), name) for name, jobs in self.places.items() for job in jobs]
        counted = Counter(number for number, _ in numbered)
        return {
            number: [name for other, name in numbered if other == number]
            for number, count in counted.items()
            if count > 1
        }

    def alike(self) -> list[list[int]]:
        """Return the numbers of jobs that are there side by side, though they are unique until their success."""
        together: defaultdict[str, list[int]] = defaultdict(list)
        for name, jobs in self.places.items():
            for job in jobs:
                if name != keys.dead() and job.get("unique_until") == "success":
                    together[job["unique_lock"]].append(number_of(job))
        return [numbers for numbers in together.values() if len(numbers) > 1]
