"""What the data API's random tests expect: a few lists and sets of jids."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

import teep

QUEUES = ("default", "low")
SETS: dict[str, type[teep.JobSet]] = {"schedule": teep.ScheduledSet, "retry": teep.RetrySet, "dead": teep.DeadSet}


@dataclass
class Model:
    """Where each job is: queues by the order in which they run, sets without order; and what each job says."""

    klass: dict[str, str] = field(default_factory=dict)
    queue: dict[str, str] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in QUEUES})
    sets: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in SETS})
    working: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    processed: int = 0
    failed: int = 0

    def chosen(self, jids: Iterable[str], klass: str | None) -> list[str]:
        return [jid for jid in jids if klass is None or self.klass[jid] == klass]

    def enqueue(self, source: str, jids: Iterable[str]) -> None:
        for jid in jids:
            self.sets[source].remove(jid)
            self.queues[self.queue[jid]].append(jid)


def jid_of(raw: bytes) -> str:
    return str(msgspec.json.decode(raw)["jid"])


def arguments_of(verb: str, to: str) -> list[Any]:
    """What a verb of a selection takes."""
    return [to] if verb == "move_to" else [2_000_000_002] if verb == "reschedule_all" else []


def pick(items: Iterable[Any], number: int) -> Any:
    listed = list(items)
    return listed[number % len(listed)]
