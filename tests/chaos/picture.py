"""All of a server's jobs at one instant: where each lies, and what the counters say."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from teep.wire import keys
from tests.chaos.kinds import QUEUES
from tests.support.servers import Server

_SETS = (keys.retry(), keys.schedule(), keys.dead())


@dataclass(frozen=True)
class Picture:
    """The payloads by place (a Redis key), the processes that may hold jobs, and the counters."""

    places: dict[str, list[dict[str, Any]]]
    owners: list[str]
    processed: int
    failed: int

    @classmethod
    def take(cls, server: Server) -> "Picture":
        """Read everything in one transaction, so that no job moves meanwhile."""
        queues = [keys.queue(name) for name in QUEUES]
        inflight = [str(key, "utf-8") for key in server.command("KEYS", "{queue:*}:inflight:*")]
        with server.client.pipeline(transaction=True) as pipe:
            for name in (*queues, *inflight):
                pipe.lrange(name, 0, -1)
            for name in _SETS:
                pipe.zrange(name, 0, -1)
            pipe.hkeys(keys.inflight_owners())
            pipe.mget(keys.processed(), keys.failed())
            *lists, owners, counters = pipe.execute()
        places = {
            name: [msgspec.json.decode(raw, type=dict[str, Any]) for raw in raws]
            for name, raws in zip((*queues, *inflight, *_SETS), lists, strict=True)
        }
        processed, failed = (int(count or 0) for count in counters)
        return cls(places, [str(owner, "utf-8") for owner in owners], processed, failed)

    @property
    def dead(self) -> dict[int, str]:
        """The dead jobs by number, with the class of the error that they died of."""
        return {job["args"][0]: job["error_class"] for job in self.places[keys.dead()]}

    def left(self) -> dict[str, int]:
        """Return how many jobs there are still to do, by place."""
        return {name: len(jobs) for name, jobs in self.places.items() if jobs and name != keys.dead()}

    def doubles(self) -> dict[int, list[str]]:
        """Return the jobs that lie in two places, or twice in one."""
        counted = Counter(job["args"][0] for jobs in self.places.values() for job in jobs)
        return {
            number: [name for name, jobs in self.places.items() for job in jobs if job["args"][0] == number]
            for number, count in counted.items()
            if count > 1
        }
