"""The atomic step: what its guards, effects, counters and parts that go along do, alone and among others."""

from typing import Any

import pytest

from teep.drivers import Driver
from teep.errors import RedisError
from teep.wire import keys
from teep.wire.keys import Key
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Place, Step, Told
from tests.support.servers import Server

LIST, OTHER, SET = Key("{queue:q}:inflight:me"), Key("{queue:p}:inflight:me"), keys.retry()
LOCK = Key("unique:a")
PROCESSED, TODAY = (keys.processed(), 0), (Key("stat:today"), 60)


def _done(raw: bytes, place: Key = LIST, **parts: Any) -> Step:
    return Step(Parts(**parts), Place("list", place), raw, (PROCESSED, TODAY))


def test_steps_of_all_kinds_in_one_call_keep_their_order(driver: Driver, server: Server) -> None:
    server.command("RPUSH", LIST, "1", "2", "3")
    server.command("RPUSH", OTHER, "4")
    server.command("ZADD", SET, 7, "5")
    told = driver.execute(
        step.carry_out(
            [
                _done(b"1"),
                _done(b"gone"),
                _done(b"2", effects=step.scored(SET, "5.0", b"two")),
                Step(Parts(effects=step.queued(keys.queues(), "q", keys.queue("q"), b"new"))),
                _done(b"4", OTHER),
                Step(Parts(effects=step.scored(keys.dead(), "9.0", b"5")), Place("zset", SET), b"5"),
                _done(b"3"),
            ]
        )
    )
    assert [each.done for each in told] == [True, False, True, True, True, True, True]
    assert server.command("EXISTS", LIST, OTHER) == 0
    assert server.command("ZRANGE", SET, 0, -1) == [b"two"]
    assert server.command("ZRANGE", keys.dead(), 0, -1) == [b"5"]
    assert server.command("LRANGE", "queue:q", 0, -1) == [b"new"]
    assert set(server.command("SMEMBERS", "queues")) == {b"q"}
    assert server.command("GET", keys.processed()) == server.command("GET", "stat:today") == b"4"
    assert server.command("TTL", keys.processed()) == -1
    assert 0 < server.command("TTL", "stat:today") <= 60


def test_a_guard_keeps_all_of_a_step_from_happening_and_says_what_stands_in_the_way(
    driver: Driver, server: Server
) -> None:
    server.command("SET", LOCK, "holder")
    server.command("RPUSH", LIST, "1")
    guard = Part("unique.free_or_mine", LOCK, ("mine",))
    along = (Part("UNLINK", Key("it-1")),)
    server.command("HSET", "it-1", "ex", 1)
    (told,) = driver.execute(
        step.carry_out([_done(b"1", guards=(guard,), effects=step.scored(SET, "5.0", b"1"), along=along)])
    )
    assert told == Told(done=False, guard="unique.free_or_mine", word="holder")
    assert server.command("LLEN", LIST) == server.command("EXISTS", "it-1") == 1
    assert server.command("EXISTS", SET, keys.processed()) == 0
    server.command("SET", LOCK, "mine")
    assert driver.execute(step.carry_out([_done(b"1", guards=(guard,), along=along)])) == [Told(done=True)]


def test_what_goes_along_stays_where_the_job_is_gone(driver: Driver, server: Server) -> None:
    server.command("SET", LOCK, "a")
    along = (Part("unique.unlock", LOCK, ("a",)),)
    for effects in ((), step.scored(SET, "5.0", b"1")):
        (told,) = driver.execute(step.carry_out([_done(b"1", effects=effects, along=along)]))
        assert told == Told(done=False)
    assert server.command("KEYS", "*") == [LOCK.encode()]


def test_of_equal_jobs_as_many_go_as_there_are_steps(driver: Driver, server: Server) -> None:
    server.command("RPUSH", LIST, "1", "1", "1")
    told = driver.execute(step.carry_out([_done(b"1"), _done(b"1")]))
    assert [each.done for each in told] == [True, True]
    assert server.command("LLEN", LIST) == 1


def test_what_goes_along_and_a_counter_are_refused_without_harm_and_each_is_told(
    driver: Driver, server: Server
) -> None:
    server.command("HSET", LOCK, "another", "program's")
    server.command("RPUSH", LIST, "1", "2")
    along = (Part("unique.unlock", LOCK, ("a",)),)
    first, second = driver.execute(step.carry_out([_done(b"1", along=along), _done(b"2")]))
    assert first.done
    assert "WRONGTYPE" in first.beside
    assert second == Told(done=True)
    server.command("SET", keys.processed(), "no number")
    server.command("RPUSH", LIST, "3")
    (third,) = driver.execute(step.carry_out([_done(b"3")]))
    assert third.done
    assert "INCRBY stat:processed" in third.beside


def test_a_replica_does_nothing_and_says_so(driver: Driver, server: Server) -> None:
    server.command("RPUSH", LIST, "1")
    server.command("REPLICAOF", "127.0.0.1", "1")
    try:
        for steps in ([_done(b"1")], [Step(Parts(effects=step.scored(SET, "5.0", b"1")))]):
            with pytest.raises(RedisError, match="read only replica"):
                driver.execute(step.carry_out(steps))
    finally:
        server.command("REPLICAOF", "NO", "ONE")
    assert server.command("LLEN", LIST) == 1


@pytest.mark.parametrize("count", [1, 1_000])
def test_any_number_of_steps_with_parts_of_their_own(driver: Driver, server: Server, count: int) -> None:
    raws = [b"%d" % number for number in range(count)]
    locks = [Key(f"unique:{number}") for number in range(count)]
    server.command("RPUSH", LIST, *raws)
    server.command("MSET", *(part for lock in locks for part in (lock, "a")))
    steps = [_done(raw, along=(Part("unique.unlock", lock, ("a",)),)) for raw, lock in zip(raws, locks, strict=True)]
    assert all(told.done for told in driver.execute(step.carry_out(steps)))
    assert sorted(server.command("KEYS", "*")) == [b"stat:processed", b"stat:today"]
    assert server.command("GET", "stat:today") == b"%d" % count


def test_what_is_alike_is_written_once(driver: Driver) -> None:
    """The costs of a call follow from how many words it has."""
    call = step.carry_out(
        [_done(b"%d" % number, along=(Part("UNLINK", Key(f"it-{number}")),)) for number in range(100)]
    )
    keys_given = int(call.args[2])
    assert keys_given == 100 + 3
    assert len(call.args) - 3 - keys_given == 1 + 1 + 4 + 5 + 1 + 100 * 2
