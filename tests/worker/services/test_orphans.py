"""Jobs in flight at a process that a failover forgot: they come back when it is dead, and only then."""

import signal

import pytest

from teep.config import driver_for
from teep.errors import RedisCommandError
from teep.runtime import identity
from teep.runtime.component import Component
from teep.store.running import owners
from teep.store.running.owners import Owner
from teep.wire import keys
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess


def _start_a_job(fleet: Fleet) -> tuple[WorkerProcess, str, str]:
    """Let a process run a job that waits for "go", and stand still then; returns it, its identity, and the jid."""
    process = fleet.spawn(program=["tests.worker.program"])
    jid = fleet.push("hold")
    fleet.wait_for_notes(1, "begun")
    process.signal(signal.SIGSTOP)
    wait_until(
        lambda: identity.state(process.pid) is identity.ProcessState.STOPPED, SOON, "the process to stand still"
    )
    return process, fleet.identity(process), jid


def _owners(fleet: Fleet) -> list[Owner]:
    return driver_for(fleet.config).run(owners.registered())


def _look(fleet: Fleet) -> None:
    config = fleet.config
    Rescuer(Component.alone(config, lambda error, _: pytest.fail(repr(error)), "me:1:0")).run_once()


@pytest.mark.slow("three worker processes start, one after the other")
def test_jobs_of_a_dead_process_that_was_forgotten_come_back(fleet: Fleet) -> None:
    process, name, jid = _start_a_job(fleet)
    # As on a primary that has heard of the reservation alone; the process dies before its next beat.
    fleet.server.command("HDEL", keys.inflight_owners(), name)
    process.kill()
    finder = fleet.spawn("-c", "1")
    finder.wait_for_log(f"found jobs in flight of {name}, which Redis has forgotten")
    assert fleet.queue() == []
    fleet.server.command("SET", "go", 1)
    # As if sixty seconds had passed.
    fleet.server.command("DEL", name)
    rescuer = fleet.spawn("-c", "1")
    assert fleet.wait_for_notes(1) == [jid]
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 0)
    assert sum(log.count(f"rescued 1 jobs of {name}, which died") for log in (finder.log, rescuer.log)) == 1
    assert name not in [owner.identity for owner in _owners(fleet)]


@pytest.mark.slow("two worker processes start, one after the other")
def test_a_living_process_that_was_forgotten_is_registered_and_keeps_its_jobs(fleet: Fleet) -> None:
    process, name, jid = _start_a_job(fleet)
    held = fleet.in_flight()
    # Its heartbeat is forgotten, too, and it has not beaten since.
    fleet.server.command("HDEL", keys.inflight_owners(), name)
    fleet.server.command("DEL", name)
    for _ in range(3):
        _look(fleet)
    assert _owners(fleet) == [Owner(name, 0, "", 0, ("default",))]
    assert fleet.in_flight() == held
    process.signal(signal.SIGCONT)
    wait_until(lambda: _owners(fleet)[0].pid == process.pid, SOON, "the process to register itself")
    _look(fleet)
    fleet.server.command("SET", "go", 1)
    fleet.wait_until_processed(1)
    assert fleet.noted() == fleet.noted("begun") == [jid]
    assert process.stop() == 0
    assert fleet.server.command("KEYS", "teep:inflight*") == []


def test_a_walk_that_fails_stops_no_rescue(fleet: Fleet) -> None:
    dead = Owner("far:7:abc", 7, "another machine", 1, ("default",))
    driver_for(fleet.config).run(owners.register(dead))
    fleet.server.command("RPUSH", keys.inflight("default", dead.identity), b'{"class":"x","args":[],"jid":"j"}')
    fleet.server.command("RPUSH", keys.inflight_walk(), b"no string")
    with pytest.raises(RedisCommandError, match="WRONGTYPE"):
        _look(fleet)
    assert len(fleet.queue()) == 1
