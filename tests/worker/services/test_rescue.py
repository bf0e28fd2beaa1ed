"""Jobs of dead processes come back: at once where the pid is seen to be gone, else when the heartbeat expires."""

import os
import signal
import subprocess
import sys

import pytest

import teep
from teep.config import driver_for
from teep.runtime import identity
from teep.runtime.component import Component
from teep.store.running import owners
from teep.store.running.owners import Owner
from teep.wire import keys
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_QUEUES = ("default", "low")


def _fail_test(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


def _rescuer(fleet: Fleet) -> Rescuer:
    return Rescuer(Component.alone(fleet.config, _fail_test, "me:1:0"))


def _leave_in_flight(fleet: Fleet, owner: Owner, jobs: int = 3, queue: str = "default") -> list[bytes]:
    """Register a process and put jobs in flight for it, oldest at the head; returns them, the oldest first."""
    driver_for(fleet.config).run(owners.register(owner))
    raws = [b'{"class":"x","args":[%d],"jid":"%s"}' % (number, queue.encode()) for number in range(jobs)]
    fleet.server.command("RPUSH", keys.inflight(queue, owner.identity), *raws)
    return raws


def marked(raws: list[bytes]) -> list[bytes]:
    """Return payloads as their first rescue leaves them."""
    return [raw[:-1] + b',"rescues":1}' for raw in raws]


def _owners(fleet: Fleet) -> list[str]:
    return [owner.identity for owner in driver_for(fleet.config).run(owners.registered())]


_ELSEWHERE = Owner("far:7:abc", 7, "another machine", 1, _QUEUES)


def test_a_killed_process_loses_nothing_and_its_jobs_run_first_and_in_order(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "3")
    for _ in range(3):
        fleet.push("tell_of_stop")
    fleet.wait_for_notes(3, "begun")
    held = fleet.in_flight()
    assert len(held) == 3
    process.kill()
    fleet.push("note")
    waiting = fleet.queue()
    assert fleet.identity(process) != ""
    _rescuer(fleet).run_once()
    assert fleet.identity(process) == ""
    assert fleet.queue() == [*marked(held), *waiting]
    assert fleet.in_flight() == []
    assert _owners(fleet) == []


def test_rescued_jobs_run_before_anything_that_waits(fleet: Fleet) -> None:
    started: list[int] = []

    @teep.job(name="say_start")
    def say_start(number: int) -> None:
        started.append(number)

    for number in range(100):
        fleet.push(say_start, number)
    driver_for(fleet.config).run(owners.register(_ELSEWHERE))
    # The first two were reserved by a process that died since.
    for _ in range(2):
        fleet.server.command("LMOVE", "queue:default", keys.inflight("default", "far:7:abc"), "RIGHT", "RIGHT")
    fleet.start(concurrency=1)
    fleet.wait_until_processed(100)
    assert started == list(range(100))


def test_a_worker_rescues_at_its_start(fleet: Fleet) -> None:
    first = fleet.spawn()
    jids = [fleet.push("note_later_async", 0.2)]
    fleet.wait_for_notes(1, "begun")
    first.kill()
    second = fleet.spawn()
    # Sooner than the next look, which comes after two and a half seconds at the earliest.
    assert fleet.wait_for_notes(1, seconds=2.0) == jids
    assert "rescued 1 jobs of" in second.log
    fleet.wait_until_processed(1)
    assert fleet.counters() == (1, 0)


def test_a_process_of_another_machine_is_left_alone_while_its_heart_beats(fleet: Fleet) -> None:
    raws = _leave_in_flight(fleet, _ELSEWHERE)
    lows = _leave_in_flight(fleet, _ELSEWHERE, queue="low")
    fleet.server.command("HSET", _ELSEWHERE.identity, "info", "{}")
    _rescuer(fleet).run_once()
    assert fleet.queue() == []
    assert _owners(fleet) == [_ELSEWHERE.identity]
    fleet.server.command("DEL", _ELSEWHERE.identity)
    _rescuer(fleet).run_once()
    assert (fleet.queue(), fleet.queue("low")) == (marked(raws), marked(lows))
    assert fleet.server.command("SMEMBERS", "queues") == {b"default", b"low"}
    assert fleet.in_flight() == []


def test_a_living_process_of_this_machine_is_left_alone(fleet: Fleet) -> None:
    owner = identity.owner(f"here:{os.getpid()}:abc", _QUEUES)
    _leave_in_flight(fleet, owner)
    fleet.server.command("HSET", owner.identity, "info", "{}")
    _rescuer(fleet).run_once()
    assert fleet.queue() == []


def test_a_pid_that_is_another_process_now_is_seen_to_be_gone(fleet: Fleet) -> None:
    owner = identity.owner(f"here:{os.getpid()}:abc", _QUEUES)._replace(started=1)
    raws = _leave_in_flight(fleet, owner)
    fleet.server.command("HSET", owner.identity, "info", "{}")
    _rescuer(fleet).run_once()
    assert fleet.queue() == marked(raws)


def test_a_process_that_nobody_has_reaped_is_gone(fleet: Fleet) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(f"here:{child.pid}:abc", child.pid, identity.machine(), identity.started(child.pid), _QUEUES)
    assert not identity.is_gone(owner)
    child.kill()  # and not waited for
    wait_until(lambda: identity.is_gone(owner), SOON, "the zombie to be seen")
    child.communicate()
    assert identity.is_gone(owner)


def test_the_rescuer_never_takes_from_its_own_process(fleet: Fleet) -> None:
    _leave_in_flight(fleet, Owner("me:1:0", 1, "another machine", 1, _QUEUES))
    _rescuer(fleet).run_once()
    assert fleet.queue() == []


@pytest.mark.slow("two processes start, and one is stopped until the other has rescued its jobs")
def test_a_process_that_slept_too_long_changes_nothing_when_it_wakes(fleet: Fleet) -> None:
    sleeper = fleet.spawn("-c", "1")
    jids = [fleet.push("note_later", 0.5)]
    fleet.wait_for_notes(1, "begun")
    sleeper.signal(signal.SIGSTOP)
    name = fleet.identity(sleeper)
    # As if sixty seconds had passed.
    fleet.server.command("DEL", name)
    fleet.push("note")
    other = fleet.spawn("-c", "1")
    wait_until(lambda: fleet.counters() == (2, 0), SOON, "the other process to run both")
    assert jids[0] in fleet.noted()
    other.stop()
    sleeper.signal(signal.SIGCONT)
    sleeper.wait_for_log("given to others")
    assert fleet.counters() == (2, 0)
    wait_until(lambda: name in _owners(fleet), SOON, "the process to register anew")
    # It works on as any other.
    fleet.push("note", "afterwards")
    fleet.wait_for_notes(1, "afterwards")
    fleet.wait_until_processed(3)
    assert fleet.counters() == (3, 0)
    assert sleeper.stop() == 0
    assert fleet.in_flight() == []
