"""An iterable job that is soon over costs next to nothing: where it begins is read for many, and nothing is saved."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from teep.clock import monotonic
from teep.config import driver_for
from teep.errors import RedisUnavailable
from teep.job.iterable.checkpoints import Checkpoints
from teep.store.running import iteration
from teep.store.running.iteration import NEVER_RAN, IterationState
from teep.worker.fetch import places
from teep.worker.fetch.unit import UnitOfWork
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet
from tests.worker.walking import Walk

pytestmark = pytest.mark.usefixtures("own_registry")


class Quick:
    """A job with three items and no callbacks. `done` are its items by jid; it waits in its first one if `held`."""

    def __init__(self, **options: Any) -> None:
        quick = self
        self.done: defaultdict[str, list[int]] = defaultdict(list)
        self.is_there = self.is_held = False

        class Job(teep.IterableJob, name="Quick", **options):
            def build_enumerator(self, *, cursor: int | None) -> Iterator[tuple[int, int]]:
                return self.array_enumerator([0, 1, 2], cursor=cursor)

            def each_iteration(self, item: int) -> None:
                quick.is_there = True
                wait_until(lambda: not quick.is_held, SOON, "the test to let go")
                quick.done[str(self.jid)].append(item)

        self.job = Job


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs that save, by their number."""
    saves: list[int] = []
    save = Checkpoints.save

    async def noted(self: Checkpoints, executions: int, cursor: object, runtime: float) -> Any:
        saves.append(executions)
        return await save(self, executions, cursor, runtime)

    monkeypatch.setattr(Checkpoints, "save", noted)
    return saves


def begin(fleet: Fleet, quick: Quick, **fields: Any) -> str:
    """Have a job wait in its first item."""
    quick.is_held = True
    jid = fleet.push(quick.job, **fields)
    fleet.start()
    wait_until(lambda: quick.is_there, SOON, "the first item")
    return jid


def calls(fleet: Fleet) -> dict[str, int]:
    """Return how many commands of some kinds there were since the last call."""
    stats = fleet.server.command("INFO", "commandstats")
    fleet.server.command("CONFIG", "RESETSTAT")
    return {name: stats[f"cmdstat_{name}"]["calls"] for name in ("exists", "hmget") if f"cmdstat_{name}" in stats}


def ex(fleet: Fleet, jid: str) -> bytes | None:
    number: bytes | None = fleet.server.command("HGET", f"it-{jid}", "ex")
    return number


def test_the_places_of_many_are_read_at_once(valkey_fleet: Fleet) -> None:
    fleet, quick = valkey_fleet, Quick()
    jids = [fleet.push(quick.job) for _ in range(5)]
    ordinary = b'{"class":"Other","args":[],"jid":"5"}'
    units = [UnitOfWork("default", raw) for raw in (*fleet.queue(), ordinary)]
    driver = driver_for(fleet.config)
    calls(fleet)
    places.read(driver, units)
    assert [unit.place for unit in units] == [NEVER_RAN] * 5 + [None]
    assert calls(fleet) == {"exists": 1}
    fleet.server.command("HSET", f"it-{jids[3]}", "ex", 1, "c", "2", "rt", "1.5")
    places.read(driver, units)
    assert units[3].place == IterationState(1, 1.5, b"2", None)
    assert [unit.place for unit in units[:3]] == [NEVER_RAN] * 3
    calls(fleet)
    places.read(driver, units[:1])  # by itself it is read when it starts
    assert calls(fleet) == {}


def test_a_place_that_was_read_long_ago_is_not_known() -> None:
    unit = UnitOfWork("default", b'{"class":"Other","args":[],"jid":"5"}')
    unit.begin_at(NEVER_RAN, monotonic())
    assert unit.place == NEVER_RAN
    unit.begin_at(NEVER_RAN, monotonic() - 1.0)  # as after a SIGSTOP, when others may have come on with the job
    assert unit.place is None


def test_those_reserved_together_begin_where_they_are(fleet: Fleet, saves: list[int]) -> None:
    quick = Quick()
    jids = [fleet.push(quick.job) for _ in range(30)]
    fleet.server.command("HSET", f"it-{jids[3]}", "ex", 1, "c", "2", "rt", "1.5")
    fleet.server.command("HSET", f"it-{jids[4]}", "cancelled", 1795487452, "c", "null")
    fleet.start()
    fleet.wait_until_processed(30)
    assert [quick.done[jid] for jid in jids[:6]] == [[0, 1, 2], [0, 1, 2], [0, 1, 2], [2], [], [0, 1, 2]]
    assert saves == [2]  # the one that had begun before
    assert fleet.server.command("KEYS", "it-*") == []


def test_a_place_that_cannot_be_read_for_many_is_read_by_each(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Quick()

    async def refused(_jids: object) -> None:
        raise RedisUnavailable("as intended")

    monkeypatch.setattr(iteration, "begun", refused)
    jids = [fleet.push(quick.job) for _ in range(5)]
    fleet.server.command("HSET", f"it-{jids[3]}", "ex", 1, "c", "2", "rt", "1.5")
    fleet.start()
    fleet.wait_until_processed(5)
    assert [quick.done[jid] for jid in jids] == [[0, 1, 2], [0, 1, 2], [0, 1, 2], [2], [0, 1, 2]]


def test_a_first_run_saves_nothing_before_its_first_item(valkey_fleet: Fleet, saves: list[int]) -> None:
    fleet, quick = valkey_fleet, Quick()
    jid = begin(fleet, quick)
    assert ex(fleet, jid) is None
    quick.is_held = False
    fleet.wait_until_processed(1)
    assert saves == []


def test_one_that_may_expire_shows_that_it_has_begun(valkey_fleet: Fleet) -> None:
    fleet, quick = valkey_fleet, Quick(expires_in=3600)
    assert ex(fleet, begin(fleet, quick)) == b"1"
    quick.is_held = False
    fleet.wait_until_processed(1)


def test_a_first_run_after_a_rescue_is_told_from_one_that_was_given_up(valkey_fleet: Fleet) -> None:
    fleet, walk = valkey_fleet, Walk()
    walk.hold(0)
    jid = fleet.push(walk.job, 2, rescues=1)
    fleet.start()
    walk.wait_for(0)
    assert (ex(fleet, jid), walk.called) == (b"2", ["start"])
    walk.go()
    fleet.wait_until_processed(1)
