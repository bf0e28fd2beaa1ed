"""Orphans: the walk finds the lists of processes that are not registered, wherever they lie, and no others."""

import datetime as dt
from typing import TypeVar

import pytest

from teep.drivers import Driver
from teep.drivers.plans import run_plan
from teep.store import processes
from teep.store.running import orphans, owners, rescue
from teep.store.running.owners import Owner
from teep.wire import keys
from teep.wire.command import Command
from tests.store.conftest import Run
from tests.support.servers import Server

T = TypeVar("T")

ME, DAY = "host:1:0123456789ab", dt.date(2026, 11, 24)
# Glob characters, braces, separators, the very words of the key, and no ASCII.
ODD = ["*", "a[b]?c", "back\\slash", "a:b", "{a}", "}", "a}:inflight:b", "{queue:a}:inflight:x", "schlüssel 鍵", ""]


def _orphan(*queues: str, identity: str = ME) -> Owner:
    return Owner(identity, 0, "", 0, queues)


def _leave(server: Server, queue: str, identity: str = ME) -> None:
    server.command("RPUSH", keys.inflight(queue, identity), b"{}")


def _walk_whole(run: Run, server: Server) -> tuple[list[Owner], int]:
    """Take steps until the walk is through; returns which owners it registered, and in how many steps."""
    found = run(orphans.walk())
    steps = 1
    while server.command("EXISTS", keys.inflight_walk()):
        found += run(orphans.walk())
        steps += 1
    return found, steps


def test_an_owner_that_is_not_registered_is_entered_once_and_has_a_heartbeats_time(run: Run, server: Server) -> None:
    _leave(server, "q")
    assert run(orphans.walk()) == [_orphan("q")]
    assert run(owners.registered()) == [_orphan("q")]
    assert 0 < server.command("TTL", ME) <= processes.HEARTBEAT_EXPIRY
    assert run(orphans.walk()) == []
    # It is no process for those who list them.
    assert run(processes.listing()) == []


@pytest.mark.parametrize("queue", ODD)
def test_queues_of_any_name_are_found(run: Run, server: Server, queue: str) -> None:
    _leave(server, queue)
    assert run(orphans.walk()) == [_orphan(queue)]
    server.command("DEL", ME)
    (owner,) = run(owners.registered())
    assert run(rescue.rescue(owner, lambda _: False, lambda _queue, raw, _: raw, lambda _: None, DAY)) == {queue: 1}
    assert server.command("LRANGE", keys.queue(queue), 0, -1) == [b"{}"]
    assert run(orphans.walk()) == run(owners.registered()) == []


def test_several_lists_of_one_process_are_one_entry(run: Run, server: Server) -> None:
    for queue in ODD:
        _leave(server, queue)
    _leave(server, "q", "other:1:abc")
    found = {owner.identity: sorted(owner.queues) for owner in run(orphans.walk())}
    assert found == {ME: sorted(ODD), "other:1:abc": ["q"]}


def test_a_registered_owner_is_left_as_it_is(run: Run, server: Server) -> None:
    owner = Owner(ME, 1, "machine", 77, ("q", "low"))
    run(owners.register(owner))
    server.command("HSET", keys.inflight_owners(), "damaged", b"no json")
    _leave(server, "q")
    _leave(server, "q", "damaged")
    assert run(orphans.walk()) == []
    assert run(owners.registered()) == [owner]
    assert server.command("EXISTS", ME, "damaged") == 0


class _Meanwhile:
    """Executes commands, and has a process register itself as soon as it was looked up."""

    def __init__(self, driver: Driver, owner: Owner) -> None:
        self._driver = driver
        self._owner = owner

    def execute(self, command: Command[T]) -> T:
        result = self._driver.execute(command)
        if command.args[:1] == ("HMGET",):
            self._driver.run(owners.register(self._owner))
        return result


def test_an_owner_that_registers_itself_meanwhile_is_left_as_it_is(driver: Driver, server: Server) -> None:
    owner = Owner(ME, 1, "machine", 77, ("q", "low"))
    _leave(server, "q")
    assert run_plan(orphans.walk(), _Meanwhile(driver, owner)) == []
    assert driver.run(owners.registered()) == [owner]


def test_a_heartbeat_that_is_there_is_left_as_it_is(run: Run, server: Server) -> None:
    run(processes.beat(ME, {"info": b"{}", "beat": "12.5"}, {}))
    _leave(server, "q")
    assert run(orphans.walk()) == [_orphan("q")]
    (process,) = run(processes.listing())
    assert process.beat == 12.5


def test_what_only_looks_like_such_a_list_is_passed_over(run: Run, server: Server) -> None:
    server.command("SET", keys.inflight("q", ME), b"no list")
    server.command("RPUSH", b"{queue:\xff}:inflight:" + ME.encode(), b"{}")
    server.command("RPUSH", "queue:{queue:a}:inflight:b", b"{}")
    server.command("RPUSH", "{queue:a}:inflight", b"{}")
    assert run(orphans.walk()) == []
    assert run(owners.registered()) == []


def test_a_large_keyspace_is_walked_in_small_steps_by_all_together(run: Run, server: Server) -> None:
    server.client.mset({f"h|Job-{number}": b"" for number in range(10 * orphans.STEP)})
    identities = [f"host:{number}:abc" for number in range(20)]
    for identity in identities:
        _leave(server, "q", identity)
    server.command("CONFIG", "RESETSTAT")
    found, steps = _walk_whole(run, server)
    assert sorted(owner.identity for owner in found) == sorted(identities)
    # Each step continues where the last one ended, whichever process took it: nothing but Redis knows the place.
    assert steps == pytest.approx(10, abs=3)
    assert server.client.info("commandstats")["cmdstat_scan"]["calls"] == steps
    _leave(server, "q", "late:1:abc")
    assert [owner.identity for owner in _walk_whole(run, server)[0]] == ["late:1:abc"]
