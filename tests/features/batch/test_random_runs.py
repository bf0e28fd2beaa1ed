"""Random runs of everything that happens to jobs: whatever comes, a batch is what the rules say after each step."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from teep.wire import payload
from tests.features.batch.world import WORKERS, World
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

ENDS = ("failed", "failed", "dead", "discarded", "expired", "cancelled", "deleted", "behind")


class Run:
    """One random run. Its actions are chosen by a seed; those that have nothing to act on do nothing."""

    def __init__(self, world: World, seed: int, in_steps: float) -> None:
        self.world = world
        self.choose = random.Random(seed)
        self.part_in_steps = in_steps
        self.events: dict[str, tuple[str, str]] = {}  # of callbacks that were taken, by their jids
        self.actions: list[tuple[Callable[[], object], float]] = [
            (self.take, 8),
            (self.succeed, 6),
            (self.settle, 4),
            (self.late, 2),
            (self.give_up, 1),
            (self.again, 3),
            (self.delete, 1),
            (self.kill, 1),
            (self.clear, 1),
            (self.add, 2),
            (self.child, 1),
        ]

    def play(self, steps: int) -> None:
        for _ in range(self.choose.randint(1, 2)):
            self.world.open(jobs=self.choose.randint(0, 3), in_steps=self.in_steps())
        doings, weights = zip(*self.actions, strict=True)
        for _ in range(steps):
            (act,) = self.choose.choices(doings, weights)
            act()
            self.world.check()
        self.finish()

    def in_steps(self) -> bool:
        """Whether a block is sent in several steps, so that its jobs have indices."""
        return self.choose.random() < self.part_in_steps

    def finish(self) -> None:
        """Run what is left until nothing is."""
        for worker in WORKERS:
            self.world.give_up(worker)
        for worker, raw in self.world.given_up:
            self.world.succeed(worker, raw)
        for _ in range(1_000):
            for place in ("retry", "schedule"):
                for raw in self.world.entries(place):
                    self.world.enqueue(place, raw)
            if (taken := self.take_one("one")) is None:
                return
            self.world.succeed("one", taken)
            self.world.check()
        pytest.fail("there is no end of jobs")

    def take_one(self, worker: str) -> bytes | None:
        raw = self.world.take(worker)
        if raw is not None and b'"class":"callback"' in raw:
            item = payload.parse(raw)
            self.events[item["jid"]] = (item["callback_of"], item["args"][0])
        return raw

    def take(self) -> None:
        self.take_one(self.choose.choice(WORKERS[:2]))

    def _running(self) -> tuple[str, bytes] | None:
        found = [(worker, raw) for worker in WORKERS[:2] for raw in self.world.running[worker]]
        return self.choose.choice(found) if found else None

    def succeed(self) -> None:
        if (one := self._running()) is not None:
            self.world.succeed(*one)

    def settle(self) -> None:
        if (one := self._running()) is not None:
            self.world.settle(*one, self.choose.choice(ENDS))

    def late(self) -> None:
        if self.world.given_up:
            worker, raw = self.choose.choice(self.world.given_up)
            if self.choose.random() < 0.5:
                self.world.succeed(worker, raw)
            else:
                self.world.settle(worker, raw, self.choose.choice(ENDS))

    def give_up(self) -> None:
        self.world.give_up(self.choose.choice(WORKERS[:2]))

    def _one_of(self, *places: str) -> tuple[str, bytes] | None:
        found = [(place, raw) for place in places for raw in self.world.entries(place)]
        return self.choose.choice(found) if found else None

    def again(self) -> None:
        if (one := self._one_of("retry", "retry", "dead")) is not None:
            self.world.enqueue(*one)

    def delete(self) -> None:
        if (one := self._one_of("queue", "retry", "dead")) is not None:
            self.world.delete(*one)

    def kill(self) -> None:
        if (one := self._one_of("retry")) is not None:
            self.world.kill(*one)

    def clear(self) -> None:
        if self.choose.random() < 0.3:
            self.world.clear(self.choose.choice(("queue", "retry", "dead")))

    def add(self) -> None:
        self.world.add(self.choose.choice(list(self.world.model.batches)), in_steps=self.in_steps())

    def child(self) -> None:
        parents = [bid for bid, each in self.world.model.batches.items() if "finish" not in each.fired]
        if parents and len(self.world.model.batches) < 6:
            parent = self.choose.choice(parents)
            self.world.open(parent, jobs=self.choose.randint(0, 2), in_steps=self.in_steps())


# A seed, and how many of the blocks are sent in several steps.
RUNS = [
    *((seed, 0.0) for seed in range(16)),
    *((seed, 1.0) for seed in range(16, 32)),
    *((seed, 0.5) for seed in range(32, 44)),
]


@pytest.mark.parametrize(("seed", "in_steps"), RUNS)
def test_whatever_happens_to_jobs_each_event_comes_once_and_in_order(
    server: Server, seed: int, in_steps: float
) -> None:
    world = World(server)
    run = Run(world, seed, in_steps)
    run.play(120)
    for bid, batch in world.model.batches.items():
        dead = [jid for jid, state in batch.jobs.items() if state == "dead"]
        assert set(batch.jobs) == set(dead), "all that is left of a batch is dead"
        assert "finish" in batch.fired
        assert ("success" in batch.fired) == (not batch.jobs and not batch.discarded and not batch.fallen)
        fired = [event for event in batch.fired if event != "death"]
        assert fired == [event for event in ("complete", "success", "finish") if event in fired] or (
            fired == ["complete", "finish", "success"]  # a dead job has succeeded after all
        )
        for key in server.command("KEYS", f"{{teep:batch:{bid}}}*"):
            assert server.command("PTTL", key) > 0, key


@pytest.mark.parametrize(
    ("seed", "in_steps"), [(100, 0.0), (101, 0.0), (102, 0.0), (103, 1.0), (104, 1.0), (105, 0.5)]
)
def test_without_deletions_each_callback_is_run_exactly_once(server: Server, seed: int, in_steps: float) -> None:
    world = World(server)
    run = Run(world, seed, in_steps)
    run.actions = [(run.take, 8), (run.succeed, 6), (run.add, 2), (run.child, 2)]
    run.play(60)
    pushed = Counter((bid, event) for bid, batch in world.model.batches.items() for event in batch.fired)
    assert Counter(run.events.values()) == pushed
    assert set(pushed.values()) == {1}
