"""What a process that was given up says later changes nothing, is logged, and is counted."""

import signal

import pytest

import teep
from teep.runtime.component import Component
from teep.worker.services.rescuer import Rescuer
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


def _fail_test(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


@pytest.mark.slow("a process is stopped until another one has taken its jobs")
def test_a_late_acknowledgement_retry_and_death_change_nothing(fleet: Fleet) -> None:
    sleeper = fleet.spawn("-c", "3")
    succeeds = fleet.push("hold")
    for retry in (5, 0):
        fleet.push("hold", True, retry=retry)
    fleet.wait_for_notes(3, "begun")
    sleeper.signal(signal.SIGSTOP)
    name = fleet.identity(sleeper)
    fleet.server.command("DEL", name)  # as if sixty seconds had passed
    Rescuer(Component.alone(fleet.config, _fail_test, "me:1:0")).run_once()
    fleet.server.command("SET", "go", 1)
    other = fleet.spawn("-c", "3")
    fleet.wait_until_processed(3)
    assert other.stop() == 0
    before = _trace(fleet)
    assert (fleet.noted(), fleet.counters()) == ([succeeds], (3, 2))
    assert [len(set_) for set_ in before[:2]] == [1, 1]

    sleeper.signal(signal.SIGCONT)
    wait_until(lambda: sleeper.log.count("given to others") == 3, SOON, lambda: sleeper.log)
    # The three ended here, too, and left no trace but this count.
    wait_until(lambda: _late(fleet, name) == 3, SOON, "its heartbeat to tell of them")
    assert _trace(fleet) == before
    assert sleeper.stop() == 0
    assert _trace(fleet) == before


def _late(fleet: Fleet, name: str) -> int:
    process = teep.ProcessSet(config=fleet.config).get(name)
    return 0 if process is None else process.late


def _trace(fleet: Fleet) -> tuple[list[bytes], list[bytes], list[bytes], tuple[int, int]]:
    return fleet.members("retry"), fleet.members("dead"), fleet.queue(), fleet.counters()
