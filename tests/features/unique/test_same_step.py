"""A lock goes in the very step that ends its job: broken off anywhere, none is left of a job that is gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import pytest

import teep
from teep.config import driver_for
from teep.drivers import AsyncDriver, Driver
from teep.errors import RedisUnavailable
from teep.store.jobs import jobsets
from teep.store.running import inflight, outcome, owners, rescue
from teep.store.running.outcome import End, Outcome
from teep.wire import keys, payload
from teep.wire.command import Command
from tests.api.sides import Side
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

HOUR = 3600
OWNER = owners.Owner("far:7:abc", 7, "another machine", 1, ("q",))


class Crash:
    """Loses the answer of one command: it was carried out, and its caller does not know."""

    def __init__(self, commands: int) -> None:
        self._left = commands

    @property
    def happened(self) -> bool:
        return self._left < 0

    def strike(self) -> None:
        self._left -= 1
        if self.happened:
            raise RedisUnavailable("its answer is lost")


@contextmanager
def crashing(commands: int) -> Iterator[Crash]:
    """Have a plan break off after so many commands and one more, on either side."""
    crash = Crash(commands)
    execute, execute_async = Driver.execute, AsyncDriver.execute

    def answered(driver: Driver, command: Command[Any]) -> Any:
        reply = execute(driver, command)
        crash.strike()
        return reply

    async def answered_async(driver: AsyncDriver, command: Command[Any]) -> Any:
        reply = await execute_async(driver, command)
        crash.strike()
        return reply

    with patch.object(Driver, "execute", answered), patch.object(AsyncDriver, "execute", answered_async):
        yield crash


def _present(server: Server, *, with_dead: bool) -> list[str]:
    """The jids of the unique jobs that are there."""
    raws: list[bytes] = [
        raw for key in server.command("KEYS", "*queue:*") for raw in server.command("LRANGE", key, 0, -1)
    ]
    for name in ("schedule", "retry", *(["dead"] if with_dead else [])):
        raws += server.command("ZRANGE", name, 0, -1)
    items = [msgspec.json.decode(raw) for raw in raws]
    return sorted(item["jid"] for item in items if "unique_lock" in item)


def _locked(server: Server) -> list[str]:
    """The jids of the jobs that have a lock."""
    return sorted(server.command("GET", key).decode() for key in server.command("KEYS", "unique:*"))


class Verb(NamedTuple):
    """Something that ends jobs: where they lie before, and whether a dead one has its lock, as Ruby leaves it."""

    place: str
    do: Callable[[Side], Any]
    with_dead: bool = False


def _first(side: Side, place: Any) -> Any:
    return next(record for record in side.listed(place) if "unique_lock" in record.item)


def _each(side: Side, place: Any, verb: str) -> None:
    for record in side.listed(place):
        side.run(getattr(record, verb)())


def _stopped(side: Side) -> Any:
    """Send jobs on their way from a set to their queue, which a client middleware stops."""
    side.config = side.config.copy()
    side.config.client_middleware.add(lambda _item, _call_next: None)
    return side.run(side.RetrySet().retry_all())


def _trimmed(side: Side, **limits: Any) -> Any:
    side.config = side.config.copy(**limits)
    return side.run(side.DeadSet().trim())


VERBS: dict[str, Verb] = {
    "delete a queued job": Verb("queue", lambda side: side.run(_first(side, side.Queue("q")).delete())),
    "kill a queued job": Verb("queue", lambda side: side.run(_first(side, side.Queue("q")).kill())),
    "clear a queue": Verb("queue", lambda side: side.run(side.Queue("q").clear())),
    "delete_all in a queue": Verb("queue", lambda side: side.run(side.Queue("q").where(klass="Noop").delete_all())),
    "kill_all in a queue": Verb("queue", lambda side: side.run(side.Queue("q").where(klass="Noop").kill_all())),
    "delete_by_class": Verb("queue", lambda side: side.run(side.Queue("q").delete_by_class("Noop"))),
    "cancel a queued job": Verb("queue", lambda side: side.run(side.Client().cancel(_locked(side.server)[0]))),
    "cancel a scheduled job": Verb("schedule", lambda side: side.run(side.Client().cancel(_locked(side.server)[0]))),
    "cancel a failed job": Verb("retry", lambda side: side.run(side.Client().cancel(_locked(side.server)[0]))),
    "delete a scheduled job": Verb("schedule", lambda side: side.run(_first(side, side.ScheduledSet()).delete())),
    "delete each": Verb("retry", lambda side: _each(side, side.RetrySet(), "delete")),
    "kill each": Verb("retry", lambda side: _each(side, side.RetrySet(), "kill")),
    "delete_by_value": Verb(
        "schedule",
        lambda side: side.run(side.ScheduledSet().delete_by_value(_first(side, side.ScheduledSet()).value)),
    ),
    "delete_by_jid": Verb(
        "retry", lambda side: side.run(side.RetrySet().delete_by_jid(5.0, _first(side, side.RetrySet()).jid))
    ),
    "clear a set": Verb("retry", lambda side: side.run(side.RetrySet().clear())),
    "kill_all of a set": Verb("schedule", lambda side: side.run(side.ScheduledSet().kill_all())),
    "delete_all in a set": Verb("retry", lambda side: side.run(side.RetrySet().where(klass="Noop").delete_all())),
    "kill_all in a set": Verb("retry", lambda side: side.run(side.RetrySet().where(klass="Noop").kill_all())),
    "a middleware stops a retry": Verb("retry", _stopped),
    "clear the dead set": Verb("dead", lambda side: side.run(side.DeadSet().clear()), with_dead=True),
    "trim by number": Verb("dead", lambda side: _trimmed(side, dead_max_jobs=1), with_dead=True),
    "trim by age": Verb("dead", lambda side: _trimmed(side, dead_timeout=1.0), with_dead=True),
}


def _lay(side: Side, place: str) -> None:
    """Lay two unique jobs and two others where a verb finds them."""
    client = side.Client()
    for number in range(4):
        unique = {"unique_for": HOUR} if number % 2 else {}
        side.run(client.push({"class": "Noop", "args": [number], "queue": "q", **unique}))
    if place != "queue":
        for raw in side.server.command("LRANGE", "queue:q", 0, -1):
            side.server.command("ZADD", place, 5, raw)
        side.server.command("DEL", "queue:q")


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_that_breaks_off_anywhere_leaves_no_lock_of_what_is_gone(side: Side, name: str) -> None:
    place, do, with_dead = VERBS[name]
    config = side.config
    for commands in range(30):
        side.config = config
        side.server.flushall()
        _lay(side, place)
        before = _locked(side.server)
        with crashing(commands) as crash, suppress(RedisUnavailable):
            do(side)
        assert _locked(side.server) == _present(side.server, with_dead=with_dead)
        if not crash.happened:
            assert len(before) == 2
            assert len(_locked(side.server)) < 2
            return
    pytest.fail("it takes more commands than were tried")


def test_who_adds_a_payload_as_dead_ends_its_job(side: Side) -> None:
    _lay(side, "retry")
    value = _first(side, side.RetrySet()).value
    side.server.command("ZREM", "retry", value)
    with crashing(0), suppress(RedisUnavailable):
        side.run(side.DeadSet().kill(value))
    assert _locked(side.server) == _present(side.server, with_dead=False)
    assert len(side.scored("dead")) == 1


def _ends(raw: bytes) -> dict[End, Outcome]:
    return {
        "done": outcome.over("q", raw, "done"),
        "discarded": outcome.over("q", raw, "discarded"),
        "expired": outcome.over("q", raw, "expired"),
        "dead": outcome.dead("q", raw, raw, 5.0),
    }


@pytest.mark.parametrize("end", ["done", "discarded", "expired", "dead"])
def test_a_job_in_flight_that_ends_gives_it_back_with_that(side: Side, end: End) -> None:
    driver = driver_for(side.config)
    raws = _in_flight(side)
    ends = [_ends(raw)[end] for raw in raws]
    with crashing(0), suppress(RedisUnavailable):
        driver.run(inflight.settle(OWNER.identity, ends, date(2026, 11, 28)))
    assert _locked(side.server) == _present(side.server, with_dead=False) == []
    assert side.server.command("GET", "stat:processed") == b"4"


@pytest.mark.parametrize("going_on", ["retry", "behind"])
def test_a_job_that_comes_again_keeps_it(side: Side, going_on: str) -> None:
    raws = _in_flight(side)
    later = [
        outcome.behind("q", raw, raw) if going_on == "behind" else Outcome("q", raw, keys.retry(), 5.0, raw)
        for raw in raws
    ]
    driver_for(side.config).run(inflight.settle(OWNER.identity, later, date(2026, 11, 28)))
    assert _locked(side.server) == _present(side.server, with_dead=False)
    assert len(_locked(side.server)) == 2


def test_a_rescue_that_breaks_off_leaves_no_lock_of_a_job_that_died(side: Side) -> None:
    driver = driver_for(side.config)
    for commands in range(30):
        side.server.flushall()
        _in_flight(side)
        driver.run(owners.register(OWNER))
        with crashing(commands) as crash, suppress(RedisUnavailable):
            driver.run(rescue.rescue(OWNER, lambda _: True, _poison, lambda _: None, date(2026, 11, 28)))
        assert _locked(side.server) == _present(side.server, with_dead=False)
        if not crash.happened:
            assert _locked(side.server) == []
            return
    pytest.fail("it takes more commands than were tried")


def _in_flight(side: Side) -> list[bytes]:
    """Have four jobs in flight, two of them unique; returns their bytes."""
    _lay(side, "queue")
    raws: list[bytes] = side.server.command("LRANGE", "queue:q", 0, -1)
    side.server.command("RENAME", "queue:q", keys.inflight("q", OWNER.identity))
    return raws


def _poison(_queue: str, raw: bytes, _started: object) -> Outcome:
    return outcome.dead("q", raw, payload.serialise(payload.parse(raw) | {"error_class": "Poison"}), 5.0)


def test_a_large_queue_is_cleared_slice_by_slice(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.store.jobs.dropping.SLICE", 3)
    for _ in range(3):
        _lay(side, "queue")  # the locks of those that are alike are those of the first
    side.server.command("LPUSH", "queue:q", *(b'{"class":"Noop","args":[%d]}' % number for number in range(8)))
    assert side.run(side.Queue("q").clear()) is True
    assert _locked(side.server) == []
    assert side.server.command("EXISTS", "queue:q", "queues") == 0


def test_a_set_is_cleared_slice_by_slice_and_tells_how_many(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.store.jobs.dropping.SLICE", 3)
    _lay(side, "retry")
    side.add("retry", {float(number): {"class": "Noop", "args": [number]} for number in range(1, 9)})
    assert side.run(side.RetrySet().clear()) == 12
    assert _locked(side.server) == []


def test_many_dead_jobs_are_trimmed_at_once(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teep.store.jobs.dropping.SLICE", 3)
    side.add("dead", {float(number): {"class": "Noop", "args": [number]} for number in range(1, 20)})
    driver_for(side.config).run(jobsets.trim_dead(12.0, jobsets.DeadLimits(max_jobs=5, timeout=4.0)))
    assert sorted(side.scored("dead").values()) == [16.0, 17.0, 18.0, 19.0]


def test_a_lock_that_redis_does_not_let_go_is_told_and_the_job_is_gone(side: Side) -> None:
    _lay(side, "retry")
    (lock, *_) = side.server.command("KEYS", "unique:*")
    side.server.command("DEL", lock)
    side.server.command("HSET", lock, "another", "program's")
    with pytest.raises(teep.errors.RedisCommandError, match=r"GET unique:.*WRONGTYPE.*removed all the same"):
        side.run(side.RetrySet().clear())
    assert side.run(side.RetrySet().clear()) == 2
    assert side.scored("retry") == {}
