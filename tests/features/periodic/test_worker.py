"""Periodic jobs in real workers: they run, know their moment, tell how they ended, and no leader's end loses one."""

import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server

_EACH_SECOND = "* * * * * *"


def _set(fleet: Fleet) -> teep.PeriodicSet:
    return teep.PeriodicSet(config=fleet.config)


def _outcomes(fleet: Fleet, name: str) -> list[str]:
    entry = _set(fleet).get(name)
    return [] if entry is None else [run.state for run in entry.history()]


@pytest.mark.usefixtures("own_registry")
def test_a_job_runs_at_its_ticks_and_knows_them(valkey_fleet: Fleet) -> None:
    fleet, ticks = valkey_fleet, list[datetime | None]()

    @teep.periodic(_EACH_SECOND)
    @teep.job(name="tock")
    def tock() -> None:
        job = teep.current_job()
        assert job is not None
        ticks.append(job.tick)

    fleet.start(heartbeat_interval=0.1)
    wait_until(lambda: len(ticks) >= 3, SOON, "three ticks")
    first, second, third = ticks[:3]
    assert first is not None
    assert (first.tzinfo, first.microsecond) == (UTC, 0)
    assert (second, third) == (first + timedelta(seconds=1), first + timedelta(seconds=2))
    (entry,) = _set(fleet)
    assert (entry.name, entry.klass, entry.source) == ("tock", "tock", "static")
    assert entry.next_at is not None
    wait_until(lambda: _outcomes(fleet, "tock").count("done") >= 3, SOON, "their outcome")


def test_an_entry_that_is_created_while_the_leader_runs_is_fired(valkey_fleet: Fleet) -> None:
    fleet = valkey_fleet
    fleet.start(heartbeat_interval=0.1, queues=["served"])
    wait_until(lambda: teep.leader(config=fleet.config), SOON, "a leader")
    assert "teep-periodic" not in {thread.name for thread in threading.enumerate()}
    _set(fleet).create("entry", _EACH_SECOND, "SomeRubyJob")
    wait_until(lambda: len(fleet.queue()) >= 2, SOON, "its jobs")
    assert b'"class":"SomeRubyJob"' in fleet.queue()[0]


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("options", "state"),
    [({"retry": 0}, "dead"), ({"retry": False}, "discarded"), ({"retry": 0, "dead": False}, "discarded")],
)
def test_a_run_that_fails_for_good_says_so(valkey_fleet: Fleet, options: dict[str, Any], state: str) -> None:
    fleet = valkey_fleet

    @teep.job(name="fails", **options)
    def fails() -> None:
        raise ValueError("as intended")

    fleet.start(heartbeat_interval=0.1)
    _set(fleet).create("entry", "@yearly", fails)
    assert _set(fleet).enqueue_now("entry")
    wait_until(lambda: _outcomes(fleet, "entry") == [state], SOON, lambda: f"{_outcomes(fleet, 'entry')}")


@pytest.mark.usefixtures("own_registry")
def test_a_dead_run_that_is_retried_by_hand_and_succeeds_is_done(valkey_fleet: Fleet) -> None:
    fleet, fail = valkey_fleet, True

    @teep.job(name="fails", retry=0)
    def fails() -> None:
        if fail:
            raise ValueError("as intended")

    fleet.start(heartbeat_interval=0.1)
    _set(fleet).create("entry", "@yearly", fails)
    _set(fleet).enqueue_now("entry")
    wait_until(lambda: _outcomes(fleet, "entry") == ["dead"], SOON, "it to die")
    fail = False
    teep.DeadSet(config=fleet.config).retry_all()
    wait_until(lambda: _outcomes(fleet, "entry") == ["done"], SOON, "it to be done")


@pytest.mark.usefixtures("own_registry")
def test_a_run_that_is_cancelled_has_not_succeeded(valkey_fleet: Fleet) -> None:
    fleet, began = valkey_fleet, threading.Event()

    @teep.job(name="waits")
    def waits() -> None:
        began.set()
        wait_until(lambda: False, SOON, "to be cancelled")

    fleet.start(heartbeat_interval=0.1)
    _set(fleet).create("entry", "@yearly", waits)
    jid = _set(fleet).enqueue_now("entry")
    assert began.wait(SOON)
    assert fleet.client.cancel(jid) == "working"
    wait_until(lambda: _outcomes(fleet, "entry") == ["cancelled"], SOON, "it to end")


_JOBS = """
import teep
from teep.worker.services import leader

leader._LEASE = 1.0  # 15 seconds in life

@teep.periodic("* * * * * *", catch_up="all")
@teep.job(name="tock")
def tock() -> None:
    with open({notes!r}, "a") as file:
        file.write(f"{{int(teep.current_job().tick.timestamp())}}\\n")
"""


@pytest.mark.slow("two processes start, one is killed, and its lease runs out")
def test_two_workers_and_a_leader_that_is_killed_miss_no_tick(valkey_fleet: Fleet, tmp_path: Any) -> None:
    fleet, notes = valkey_fleet, tmp_path / "notes"
    (tmp_path / "clock_jobs.py").write_text(_JOBS.format(notes=str(notes)))
    (tmp_path / "teep.toml").write_text("heartbeat_interval = 0.2\n")
    program, flags = ("teep", "worker", "clock_jobs"), ("-C", str(tmp_path / "teep.toml"))
    workers = [
        fleet.spawn(*flags, "--leader", leader, program=program, path=tmp_path, await_up=False)
        for leader in ("auto", "prefer")
    ]
    for worker in workers:
        worker.wait_until_ready(SOON)

    def ticks() -> list[int]:
        return [int(line) for line in notes.read_text().split()] if notes.exists() else []

    wait_until(lambda: len(ticks()) >= 2, SOON, "the first ticks")
    preferred = workers[1]
    wait_until(lambda: teep.leader(config=fleet.config) == fleet.identity(preferred), SOON, "it to lead")
    preferred.signal(signal.SIGKILL)  # it gives nothing up
    last = max(ticks())
    wait_until(lambda: max(ticks()) > last + 1, SOON, "the other to lead, and to catch up")
    found = sorted(set(ticks()))
    assert found == list(range(found[0], found[-1] + 1))
    pushed = fleet.server.command("HGET", "teep:periodic:last", "tock")
    assert float(pushed) >= found[-1]
