"""A fleet in miniature: two processes whose every step is one command, and a model of what batches must be then.

The model knows the rules and nothing of Redis: each job that is not over is new, failed or dead. After each action
the test compares the two.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import teep
from teep.client import Client
from teep.client.batches import Batch
from teep.config import Config, driver_for
from teep.store import features
from teep.store.batches import EVENTS, Event
from teep.store.jobs import jobsets, queues
from teep.store.jobs.jobsets import Enqueued
from teep.store.running import inflight, outcome
from teep.store.running.outcome import End, Outcome
from teep.wire import keys, payload
from teep.wire.scripts.step import Part
from tests.support.servers import Server

DAY = dt.date(2026, 11, 29)
WORKERS = ("one", "two", "last")
SETS = ("pending", "failed", "dead", "children", "fallen")


@dataclass
class Expected:
    """A batch as it must be."""

    parent: str | None = None
    jobs: dict[str, str] = field(default_factory=dict)  # jid -> "new" | "failed" | "dead"
    total: int = 0
    discarded: int = 0
    children: set[str] = field(default_factory=set)
    fallen: set[str] = field(default_factory=set)
    fired: list[Event] = field(default_factory=list)
    callbacks: dict[Event, str] = field(default_factory=dict)


class Model:
    """The rules."""

    def __init__(self) -> None:
        self.batches: dict[str, Expected] = {}

    def of_job(self, jid: str) -> tuple[str, Expected] | None:
        return next(((bid, each) for bid, each in self.batches.items() if jid in each.jobs), None)

    def end(self, jid: str, how: str) -> None:
        """Note that a job has "failed", or how it has ended; a job of no batch, or one that is over, is nothing."""
        if (found := self.of_job(jid)) is None:
            return
        bid, batch = found
        if how == "failed":
            if batch.jobs[jid] == "new":
                batch.jobs[jid] = "failed"
        elif how == "dead":
            batch.jobs[jid] = "dead"
            self._fire(batch, "death")
        else:
            del batch.jobs[jid]
            batch.discarded += how != "done"
        self.decide(bid)

    def decide(self, bid: str) -> None:
        batch = self.batches[bid]
        if "new" in batch.jobs.values() or batch.children:
            return
        before = set(batch.fired)
        self._fire(batch, "complete")
        if not batch.jobs and not batch.discarded and not batch.fallen and self.may_succeed(bid):
            self._fire(batch, "success")
        if all(state == "dead" for state in batch.jobs.values()):
            self._fire(batch, "finish")
        new = set(batch.fired) - before
        if batch.parent is None or not new & {"success", "finish"}:
            return
        parent = self.batches[batch.parent]
        if "finish" in new:
            parent.children.discard(bid)
            if "success" not in batch.fired:
                parent.fallen.add(bid)
        else:
            parent.fallen.discard(bid)
        self.child_over(bid, has_succeeded="success" in batch.fired)
        self.decide(batch.parent)

    def is_closed(self, bid: str) -> bool:
        """Tell whether a batch takes no more jobs."""
        return "finish" in self.batches[bid].fired

    def may_succeed(self, _bid: str) -> bool:
        """Tell whether nothing but jobs and children keeps a batch from success."""
        return True

    def child_over(self, bid: str, *, has_succeeded: bool) -> None:
        """Note that a child has finished, or has succeeded after that."""

    def _fire(self, batch: Expected, event: Event) -> None:
        if event in batch.fired:
            return
        batch.fired.append(event)
        if batch.parent is not None:
            parent = self.batches[batch.parent]
            parent.jobs[batch.callbacks[event]] = "new"
            parent.total += 1


class World:
    """Redis, two processes that take jobs from the queue "q", and the model."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.config = Config(redis_url=server.url)
        self.client = Client(self.config)
        self.driver = driver_for(self.config)
        self.model = Model()
        self.running: dict[str, list[bytes]] = {worker: [] for worker in WORKERS}
        self.given_up: list[tuple[str, bytes]] = []  # what a process takes for its own though others have it by now

    def run(self, plan: Any) -> Any:
        return self.driver.run(plan)

    def open(self, parent: str | None = None, jobs: int = 1, **options: Any) -> str:
        """Make a batch with all four callbacks."""
        batch = Batch(parent=parent, config=self.config, **options)
        for event in EVENTS:
            batch.on(event, "callback", event, batch.bid)
            batch._callbacks[-1][1]["queue"] = "q"
        with batch.jobs():
            jids = [self.push() for _ in range(jobs)]
        expected = Expected(parent, dict.fromkeys(jids, "new"), jobs)
        expected.callbacks = {event: item["jid"] for event, item in batch._callbacks}
        self.model.batches[batch.bid] = expected
        if parent is not None:
            self.model.batches[parent].children.add(batch.bid)
        self.model.decide(batch.bid)
        return batch.bid

    def push(self) -> str:
        jid = self.client.push({"class": "member", "args": [], "queue": "q"})
        assert jid is not None
        return jid

    def add(self, bid: str) -> str | None:
        """Add a job from wherever; None where the batch has finished."""
        expected = self.model.batches[bid]
        try:
            with Batch(bid, config=self.config).jobs():
                jid = self.push()
        except teep.BatchClosed:
            assert self.model.is_closed(bid)
            return None
        assert not self.model.is_closed(bid)
        expected.jobs[jid] = "new"
        expected.total += 1
        return jid

    # What a process does.
    def take(self, worker: str) -> bytes | None:
        told = self.driver.execute(inflight.exchange(worker, {}, ["q"], 1, DAY))
        for _, raw in told.reserved:
            self.running[worker].append(raw)
            return bytes(raw)
        return None

    def succeed(self, worker: str, raw: bytes) -> None:
        """Acknowledge a job, as its process does whether or not it is still in flight there."""
        is_there = raw in self._in_flight(worker)
        self._end_run(worker, raw)
        along = features.along_of(payload.parse(raw), "done")
        done = {} if along else {"q": [raw]}
        self.driver.execute(inflight.exchange(worker, done, [], 0, DAY, [_Success(raw, along)] if along else []))
        if is_there:
            self.model.end(_jid(raw), "done")

    def settle(self, worker: str, raw: bytes, how: str) -> None:
        """Settle a job: it has "failed" and comes again, goes on later ("behind"), or ends."""
        is_there = raw in self._in_flight(worker)
        self._end_run(worker, raw)
        (told,) = self.run(inflight.settle(worker, [_outcome(raw, how)], DAY))
        assert told.done is is_there
        assert not told.beside
        if is_there and how != "behind":
            self.model.end(_jid(raw), how)

    def give_up(self, worker: str) -> None:
        """Rescue a process that goes on all the same: its jobs are back in the queue, and it does not know."""
        self.given_up += ((worker, raw) for raw in self.running[worker])
        self.running[worker].clear()
        self.run(inflight.requeue_all(worker, ["q"]))

    def _end_run(self, worker: str, raw: bytes) -> None:
        if raw in self.running[worker]:
            self.running[worker].remove(raw)

    def _in_flight(self, worker: str) -> list[bytes]:
        found: list[bytes] = self.server.command("LRANGE", f"{{queue:q}}:inflight:{worker}", 0, -1)
        return found

    # What a user does.
    def entries(self, place: str) -> list[bytes]:
        read = ("LRANGE", "queue:q", 0, -1) if place == "queue" else ("ZRANGE", place, 0, -1)
        found: list[bytes] = self.server.command(*read)
        return found

    def delete(self, place: str, raw: bytes) -> None:
        gone = self.run(queues.delete("q", raw) if place == "queue" else jobsets.delete(keys.Key(place), raw))
        if gone:
            self.model.end(_jid(raw), "deleted")

    def clear(self, place: str) -> None:
        there = self.entries(place)
        self.run(queues.clear("q") if place == "queue" else jobsets.clear(keys.Key(place)))
        # The oldest job of a queue, and the lowest of a set, goes first; and a queue may get callbacks meanwhile.
        for raw in reversed(there) if place == "queue" else there:
            self.model.end(_jid(raw), "deleted")
        left = {_jid(raw) for raw in self.entries("queue")}
        while place == "queue" and (jid := self._unpushed(left)) is not None:
            self.model.end(jid, "deleted")

    def _unpushed(self, left: set[str]) -> str | None:
        """Return the jid of a new job that is neither among those left in the queue nor anywhere else."""
        elsewhere = {_jid(raw) for place in ("retry", "dead") for raw in self.entries(place)}
        elsewhere |= {_jid(raw) for worker in WORKERS for raw in self._in_flight(worker)}
        jobs = [jid for batch in self.model.batches.values() for jid, state in batch.jobs.items() if state == "new"]
        return next((jid for jid in jobs if jid not in left | elsewhere), None)

    def kill(self, place: str, raw: bytes) -> None:
        self.run(jobsets.kill(keys.Key(place), [raw], 5.0)).checked()
        self.model.end(_jid(raw), "dead")

    def enqueue(self, place: str, raw: bytes) -> None:
        self.run(jobsets.enqueue(keys.Key(place), [(raw, Enqueued("q", raw))])).checked()

    # What is compared.
    def check(self) -> None:
        pipeline = self.server.client.pipeline(transaction=False)
        for bid in self.model.batches:
            pipeline.hgetall(keys.batch(bid))
            for name in SETS:
                pipeline.smembers(f"{keys.batch(bid)}:{name}")
        replies = iter(pipeline.execute())
        found = {bid: _found(next(replies), {name: next(replies) for name in SETS}) for bid in self.model.batches}
        assert found == {bid: _expected(each) for bid, each in self.model.batches.items()}


class _Success:
    def __init__(self, raw: bytes, along: tuple[Part, ...]) -> None:
        self.queue, self.raw, self.along = "q", raw, along


def _found(raw: dict[bytes, bytes], sets: dict[str, set[bytes]]) -> dict[str, Any]:
    fields = {name.decode(): value.decode() for name, value in raw.items()}
    return {
        **{name: {jid.decode() for jid in jids} for name, jids in sets.items()},
        "fired": sorted(event for event in EVENTS if f"fired:{event}" in fields),
        "total": int(fields.get("total", 0)),
        "discarded": int(fields.get("discarded", 0)),
    }


def _jid(raw: bytes) -> str:
    return str(payload.parse(raw)["jid"])


def _outcome(raw: bytes, how: str) -> Outcome:
    if how == "failed":
        return Outcome("q", raw, keys.retry(), 5.0, raw)
    if how == "behind":
        return outcome.behind("q", raw, raw)
    if how == "dead":
        return outcome.dead("q", raw, raw, 5.0)
    end: End = how  # type: ignore[assignment]
    return outcome.over("q", raw, end)


def _expected(batch: Expected) -> dict[str, Any]:
    return {
        "pending": set(batch.jobs),
        "failed": {jid for jid, state in batch.jobs.items() if state != "new"},
        "dead": {jid for jid, state in batch.jobs.items() if state == "dead"},
        "children": batch.children,
        "fallen": batch.fallen,
        "fired": sorted(batch.fired),
        "total": batch.total,
        "discarded": batch.discarded,
    }
