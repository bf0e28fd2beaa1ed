"""Every order in which two workers and a user who deletes can take their steps, for small batches.

A step is one command or script, as Redis carries it out. Each of the three has its own steps in order; all ways to
put them together are played, and after each step the batch is what the rules say.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, combinations_with_replacement

import pytest

from tests.features.batch.world import World
from tests.support.servers import Server

pytestmark = [pytest.mark.one_server, pytest.mark.slow("each order of the steps of three is a run of its own")]

Steps = Sequence[Callable[[World], object]]


class Worker:
    """A process that takes a job and ends it in some way, if it got one."""

    def __init__(self, name: str, how: str) -> None:
        self.name, self.how = name, how
        self.raw: bytes | None = None

    def take(self, world: World) -> None:
        self.raw = world.take(self.name)

    def end(self, world: World) -> None:
        if self.raw is None:
            return
        if self.how == "done":
            world.succeed(self.name, self.raw)
        else:
            world.settle(self.name, self.raw, self.how)

    def give_up(self, world: World) -> None:
        """Rescue it while it runs: it ends its job all the same."""
        world.give_up(self.name)

    @property
    def steps(self) -> Steps:
        return [self.take, self.end]

    @property
    def steps_with_rescue(self) -> Steps:
        return [self.take, self.give_up, self.end]


def _delete(world: World) -> None:
    for place in ("queue", "retry", "dead"):
        for raw in world.entries(place)[:1]:
            if b'"member"' in raw:
                world.delete(place, raw)
                return


def _send_back(world: World) -> None:
    for place in ("retry", "dead"):
        for raw in world.entries(place):
            world.enqueue(place, raw)


def _add(world: World) -> None:
    world.add(next(iter(world.model.batches)))


def _open_child(world: World) -> None:
    bid = next(iter(world.model.batches))
    if "finish" not in world.model.batches[bid].fired:
        world.open(bid, jobs=1)


DELETER: Steps = [_delete, _send_back]
ADDER: Steps = [_add, _delete]
PARENT: Steps = [_open_child, _delete]


def orders(*actors: Steps) -> Iterator[Steps]:
    """Yield all ways to put the steps of several together, those of each in order."""
    if len(actors) == 1:
        yield actors[0]
        return
    first, *others = actors
    for rest in orders(*others):
        length = len(first) + len(rest)
        for places in combinations(range(length), len(first)):
            own, theirs = iter(first), iter(rest)
            yield [next(own) if at in places else next(theirs) for at in range(length)]


def test_all_orders_are_there() -> None:
    assert len(list(orders([print], [print], [print]))) == 6
    assert len(list(orders([print] * 3, [print] * 2, [print] * 2))) == 210


WAYS = ("done", "failed", "dead", "discarded")
ENDS = list(combinations_with_replacement(WAYS, 2))
SOME = [("done", "done"), ("done", "dead"), ("failed", "dead"), ("dead", "discarded")]
PLAYED = [
    *(pytest.param(*ends, DELETER, id=f"{'-'.join(ends)}-deleter") for ends in ENDS),
    *(pytest.param(*ends, ADDER, id=f"{'-'.join(ends)}-adder") for ends in SOME[:3]),
    *(pytest.param(*ends, PARENT, id=f"{'-'.join(ends)}-parent") for ends in SOME[1:3]),
]


KNOWN = pytest.mark.parametrize("in_steps", [False, True], ids=["by jid", "by index"])


@KNOWN
@pytest.mark.parametrize(("first", "second", "third"), PLAYED)
def test_two_workers_and_another(server: Server, first: str, second: str, third: Steps, in_steps: bool) -> None:
    play(server, lambda: (Worker("one", first).steps, Worker("two", second).steps, third), in_steps=in_steps)


@KNOWN
def test_a_worker_that_is_given_up_and_goes_on_and_another(server: Server, in_steps: bool) -> None:
    def actors() -> tuple[Steps, ...]:
        return Worker("one", "done").steps_with_rescue, Worker("two", "dead").steps, DELETER[:1]

    play(server, actors, in_steps=in_steps)


def play(server: Server, make: Callable[[], tuple[Steps, ...]], *, in_steps: bool) -> None:
    """Play every order of the steps of some actors, each with two jobs of a batch, in a world of its own."""
    for number in range(len(list(orders(*make())))):
        server.flushall()
        world = World(server)
        world.open(jobs=2, in_steps=in_steps)
        for step in list(orders(*make()))[number]:
            step(world)
            world.check()
        while (raw := world.take("last")) is not None:
            world.succeed("last", raw)
            world.check()
        for worker in list(world.running):
            assert not world._in_flight(worker)
        for batch in world.model.batches.values():
            assert all(state != "new" for state in batch.jobs.values())
            assert "finish" in batch.fired or "failed" in batch.jobs.values() or batch.children
