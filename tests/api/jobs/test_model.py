"""Random sequences of pushes, work, failures, verbs and selections against a model of a few lines.

After each step every job is in exactly one place, in the order that it should have there, and all counts agree.
"""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import teep
from teep.config import driver_for
from teep.store.running import inflight, owners
from teep.store.running.outcome import Outcome
from teep.store.running.owners import Owner
from teep.wire.keys import Key
from tests.api.model import QUEUES, SETS, Model, arguments_of, jid_of, pick
from tests.support import examples
from tests.support.plans import exchange
from tests.support.servers import Server

CALLED = {"schedule": "scheduled", "retry": "retrying", "dead": "dead"}
ME = Owner("host:1:abc", 1, "machine", 0, QUEUES)

queue_names = st.sampled_from(QUEUES)
set_names = st.sampled_from(list(SETS))
klasses = st.sampled_from(["A", "B"])
chosen_klasses = st.sampled_from(["A", "B", None])  # None chooses every job
numbers = st.integers(0, 1_000)


class Machine(RuleBasedStateMachine):
    """The API, a client and a worker's store calls, on one server."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.server.flushall()
        self.config = teep.Config(redis_url=self.server.url)
        self.client = teep.Client(self.config)
        self.driver = driver_for(self.config)
        self.driver.run(owners.register(ME))
        self.model = Model()
        self.raws: dict[str, bytes] = {}  # in flight, as the worker holds them
        self.today = datetime.now(UTC).date()

    def set(self, name: str) -> teep.JobSet:
        return SETS[name](config=self.config)

    def lying(self, name: str) -> list[str]:
        """The jids of a set, lowest score first: the model has no times."""
        return [jid_of(raw) for raw in self.server.command("ZRANGE", name, 0, -1)]

    # Clients and workers

    @rule(queue=queue_names, klass=klasses, count=st.integers(1, 6))
    def push(self, queue: str, klass: str, count: int) -> None:
        jids = self.client.push_bulk({"class": klass, "queue": queue, "args": [[n] for n in range(count)]})
        for jid in jids:
            assert jid is not None
            self._born(jid, klass, queue)
            self.model.queues[queue].append(jid)

    @rule(queue=queue_names, klass=klasses, at=st.integers(2_000_000_000, 2_000_000_003))
    def schedule(self, queue: str, klass: str, at: int) -> None:
        jid = self.client.push({"class": klass, "queue": queue, "args": [], "at": at})
        assert jid is not None
        self._born(jid, klass, queue)
        self.model.sets["schedule"].add(jid)

    @rule(limit=st.integers(1, 4))
    def reserve(self, limit: int) -> None:
        taken, _ = self.driver.run(exchange(ME.identity, {}, QUEUES, limit, self.today))
        expected = [
            (name, jid) for name in QUEUES if name not in self.model.paused for jid in self.model.queues[name]
        ]
        assert [(queue, jid_of(raw)) for queue, raw in taken] == expected[:limit]
        for queue, raw in taken:
            self.model.queues[queue].remove(jid_of(raw))
            self.model.working[jid_of(raw)] = queue
            self.raws[jid_of(raw)] = raw

    @precondition(lambda self: self.model.working)
    @rule(number=numbers)
    def acknowledge(self, number: int) -> None:
        jid = pick(self.model.working, number)
        queue = self.model.working.pop(jid)
        done = {queue: [self.raws[jid]]}
        for late in (0, 1):  # the second time it is not in flight any more, and counts nowhere
            _, gone = self.driver.run(exchange(ME.identity, done, [], 0, self.today))
            assert len(gone) == late
        self.model.processed += 1

    @precondition(lambda self: self.model.working)
    @rule(number=numbers, end=st.sampled_from(["retry", "dead", None]))
    def fail(self, number: int, end: str | None) -> None:
        jid = pick(self.model.working, number)
        queue, raw = self.model.working.pop(jid), self.raws[jid]
        after = msgspec.json.encode(msgspec.json.decode(raw) | {"error_class": "E", "retry_count": 0})
        outcome = Outcome(queue, raw, Key(end) if end else None, datetime.now(UTC).timestamp(), after)
        assert [
            told.done for told in self.driver.run(inflight.settle(ME.identity, [outcome, outcome], self.today))
        ] == [True, False]
        self.model.processed += 1
        self.model.failed += 1
        if end is not None:
            self.model.sets[end].add(jid)

    @precondition(lambda self: self.model.working)
    @rule()
    def stop_worker(self) -> None:
        order = {queue: [jid for jid, of in self.model.working.items() if of == queue] for queue in QUEUES}
        self.driver.run(inflight.requeue_all(ME.identity, QUEUES))
        for queue, jids in order.items():
            self.model.queues[queue][:0] = jids
        self.model.working.clear()

    # One job

    @precondition(lambda self: any(self.model.sets.values()))
    @rule(number=numbers, verb=st.sampled_from(["delete", "reschedule", "add_to_queue", "retry", "kill", "update"]))
    def change_entry(self, number: int, verb: str) -> None:
        name, jid = pick([(name, jid) for name in SETS for jid in sorted(self.model.sets[name])], number)
        entry = self.set(name).find_job(jid)
        assert entry is not None
        if verb == "update":
            assert entry.update(**{"class": "B"})
            self.model.klass[jid] = "B"
        elif verb == "reschedule":
            assert entry.reschedule(2_000_000_001)
        else:
            assert getattr(entry, verb)() is True
            if verb in ("add_to_queue", "retry"):
                self.model.enqueue(name, [jid])
            else:
                self.model.sets[name].remove(jid)
            if verb == "kill":
                self.model.sets["dead"].add(jid)

    @precondition(lambda self: any(self.model.queues.values()))
    @rule(number=numbers, verb=st.sampled_from(["delete", "delete_job", "update"]))
    def change_queued(self, number: int, verb: str) -> None:
        name, jid = pick([(name, jid) for name in QUEUES for jid in self.model.queues[name]], number)
        queue = teep.Queue(name, config=self.config)
        record = queue.find_job(jid)
        assert record is not None
        if verb == "update":
            assert record.update(**{"class": "A"})
            self.model.klass[jid] = "A"
            return
        assert (queue.delete_job(jid) if verb == "delete_job" else record.delete()) is True
        assert record.delete() is False
        self.model.queues[name].remove(jid)

    # Whole sets and queues, and selections

    @rule(name=set_names, verb=st.sampled_from(["retry_all", "add_all_to_queue", "kill_all", "clear"]))
    def change_set(self, name: str, verb: str) -> None:
        jids = self.lying(name)
        assert getattr(self.set(name), verb)() == len(jids)
        if verb in ("retry_all", "add_all_to_queue"):
            self.model.enqueue(name, jids)
        else:
            self.model.sets[name].clear()
            if verb == "kill_all":
                self.model.sets["dead"].update(jids)

    @rule(
        name=set_names,
        klass=chosen_klasses,
        verb=st.sampled_from(["retry_all", "kill_all", "delete_all", "reschedule_all", "move_to"]),
        to=queue_names,
    )
    def change_selected(self, name: str, klass: str | None, verb: str, to: str) -> None:
        chosen = self.set(name).where(klass=klass)
        jids = self.model.chosen(reversed(self.lying(name)), klass)
        assert [entry.jid for entry in chosen] == jids
        arguments = arguments_of(verb, to)
        assert getattr(chosen, verb)(*arguments, dry_run=True) == len(jids)
        count = getattr(chosen, verb)(*arguments)
        if verb == "reschedule_all":
            assert count <= len(jids)
            return
        assert count == len(jids)
        if verb == "move_to":
            self.model.queue.update(dict.fromkeys(jids, to))
        if verb in ("retry_all", "move_to"):
            self.model.enqueue(name, jids)
        else:
            self.model.sets[name].difference_update(jids)
            if verb == "kill_all":
                self.model.sets["dead"].update(jids)

    @rule(
        name=queue_names,
        klass=chosen_klasses,
        verb=st.sampled_from(["kill_all", "delete_all", "reschedule_all", "move_to"]),
        to=queue_names,
    )
    def change_queue(self, name: str, klass: str | None, verb: str, to: str) -> None:
        chosen = teep.Queue(name, config=self.config).where(klass=klass)
        jids = self.model.chosen(self.model.queues[name], klass)
        assert [record.jid for record in chosen] == jids[::-1]
        arguments = arguments_of(verb, to)
        assert getattr(chosen, verb)(*arguments, dry_run=True) == len(jids)
        assert getattr(chosen, verb)(*arguments) == len(jids)
        self.model.queues[name] = [jid for jid in self.model.queues[name] if jid not in jids]
        if verb == "move_to":
            self.model.queue.update(dict.fromkeys(jids, to))
            self.model.queues[to] += jids
        elif verb != "delete_all":
            self.model.sets["dead" if verb == "kill_all" else "schedule"].update(jids)

    @rule(name=set_names, count=st.integers(1, 3))
    def pop(self, name: str, count: int) -> None:
        expected = self.lying(name)[:count]
        assert [entry.jid for entry in islice(self.set(name).pop_each(), count)] == expected
        self.model.sets[name].difference_update(expected)

    @rule(name=queue_names)
    def pause_or_unpause(self, name: str) -> None:
        queue = teep.Queue(name, config=self.config)
        if name in self.model.paused:
            queue.unpause()
        else:
            queue.pause()
        self.model.paused ^= {name}

    @rule(name=queue_names)
    def clear_queue(self, name: str) -> None:
        teep.Queue(name, config=self.config).clear()
        self.model.queues[name].clear()

    # What always holds

    @invariant()
    def each_job_is_in_its_one_place(self) -> None:
        model = self.model
        for name in QUEUES:
            assert self._read(f"queue:{name}")[::-1] == model.queues[name]
        for name in SETS:
            assert sorted(self._read(name)) == sorted(model.sets[name])
        held = self.driver.run(inflight.payloads(ME.identity, QUEUES))
        assert {jid_of(raw): queue for queue, raws in held.items() for raw in raws} == model.working
        everywhere = [
            *model.working,
            *(jid for jids in (*model.queues.values(), *model.sets.values()) for jid in jids),
        ]
        assert len(everywhere) == len(set(everywhere))

    @invariant()
    def the_counts_agree(self) -> None:
        model = self.model
        stats = teep.Stats(config=self.config)
        assert (stats.processed, stats.failed) == (model.processed, model.failed)
        assert (stats.scheduled_size, stats.retry_size, stats.dead_size) == tuple(
            len(model.sets[name]) for name in SETS
        )
        assert stats.enqueued == sum(map(len, model.queues.values()))
        assert {row.name for row in stats.queue_summaries() if row.paused} <= model.paused
        groups = {name: self.set(name).groups() for name in SETS}
        for name, found in groups.items():
            counted: Counter[str] = Counter()
            for group in found:
                counted[group.klass] += group.count
            assert counted == Counter(model.klass[jid] for jid in model.sets[name])

    @invariant()
    def a_job_is_found_where_it_is(self) -> None:
        places = dict.fromkeys(self.model.working, "working")
        places |= {jid: "queued" for jids in self.model.queues.values() for jid in jids}
        places |= {jid: CALLED[name] for name, jids in self.model.sets.items() for jid in jids}
        for jid in [*list(places)[:1], *list(places)[-1:], *list(self.model.klass)[:1]]:
            found = teep.find_job(jid, config=self.config)
            assert (found and found.where) == places.get(jid)

    def _born(self, jid: str, klass: str, queue: str) -> None:
        self.model.klass[jid], self.model.queue[jid] = klass, queue

    def _read(self, key: str) -> list[str]:
        if key in SETS:
            return self.lying(key)
        raws = self.server.command("LRANGE", key, 0, -1)
        return [jid_of(raw) for raw in raws]


@pytest.mark.slow("fifteen sequences of forty steps, each checked against all of Redis")
def test_random_sequences_keep_to_the_model(server: Server) -> None:
    machine = type("Machine", (Machine,), {"server": server})
    run_state_machine_as_test(
        machine,
        settings=settings(
            examples.times(0.15),
            stateful_step_count=40,
            # Shrinking would take longer than a test may; add Phase.shrink by hand for a shorter story.
            phases=[Phase.generate],
        ),
    )
