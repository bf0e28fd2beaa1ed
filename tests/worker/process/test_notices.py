"""The point at which a worker tells of what happens: observers hear all of it, in order, and harm nothing."""

import threading
import time
from functools import partial
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.config import driver_for
from teep.config.hooks import Event
from teep.errors import PoisonJob
from teep.runtime.component import Component
from teep.runtime.notices import Died, Moment, Rescued, Skipped
from teep.store.feature import Barred, Unit
from teep.store.running import owners, rescue
from teep.store.running.outcome import over
from teep.store.running.owners import Owner
from teep.wire import keys
from teep.worker.run.run import Run, State
from teep.worker.services.rescuer import Rescuer
from tests.worker.fleet import SOON, Fleet


class _Ear:
    """Notes what happens to jobs, and apart from that which moments there are."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Any] = SimpleQueue()
        self.moments: list[str] = []

    def join(self, config: teep.Config) -> None:
        config.hooks.observers.append(self.hear)

    def hear(self, happening: object) -> None:
        if isinstance(happening, Moment):
            self.moments.append(happening.event)
        elif isinstance(happening, Run):
            self.jobs.put((happening.state, happening.job.jid, type(happening.error)))
        else:
            self.jobs.put(happening)


def _listening(fleet: Fleet, **options: Any) -> tuple[teep.Config, _Ear]:
    config, ear = fleet.configure(concurrency=1, **options), _Ear()
    config.use(ear)
    return config, ear


def _next(ear: _Ear) -> Any:
    return ear.jobs.get(timeout=SOON)


_NONE = type(None)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_run_is_told_of_when_it_starts_and_when_it_is_settled(fleet: Fleet, kind: str) -> None:
    config, ear = _listening(fleet)

    def define(name: str, *, raises: bool) -> Any:
        def plain() -> None:
            if raises:
                raise OSError("as intended")

        async def coroutine() -> None:
            plain()

        return teep.job(name=name)(plain if kind == "def" else coroutine)

    works, fails = define("works", raises=False), define("fails", raises=True)
    fleet.start(config)
    jid = fleet.push(works)
    assert [_next(ear), _next(ear)] == [(State.STARTED, jid, _NONE), (State.DONE, jid, _NONE)]
    jid = fleet.push(fails)
    assert [_next(ear), _next(ear)] == [(State.STARTED, jid, _NONE), (State.FAILED, jid, OSError)]
    jid = fleet.push(fails, retry=0)
    assert [_next(ear), _next(ear)] == [(State.STARTED, jid, _NONE), (State.FAILED, jid, OSError)]
    died = _next(ear)
    assert isinstance(died, Died)
    assert (died.item["jid"], type(died.reason)) == (jid, OSError)
    fleet.push_raw(b"no job")
    assert [_next(ear)[0], _next(ear)[0]] == [State.STARTED, State.MALFORMED]


def test_a_run_is_told_of_once_it_is_settled(fleet: Fleet) -> None:
    config, counted = fleet.configure(concurrency=1), SimpleQueue[int]()

    def look(happening: object) -> None:
        if isinstance(happening, Run) and happening.state is not State.STARTED:
            workers[0]._capsules[0].fetcher.settle()  # tells Redis what has been noted so far
            counted.put(fleet.counters()[0])

    @teep.job(name="job")
    def job() -> None: ...

    config.hooks.observers.append(look)
    workers = [fleet.start(config)]
    fleet.push(job)
    assert counted.get(timeout=SOON) == 1


def test_a_job_that_a_stop_puts_back_is_told_of(fleet: Fleet) -> None:
    config, ear = _listening(fleet)
    begun = threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.set()
        while True:
            time.sleep(0.001)

    worker = fleet.start(config)
    jid = fleet.push(job)
    assert begun.wait(SOON)
    worker.stop(0)
    assert _next(ear)[0] is State.STARTED
    assert _next(ear) == (State.PUT_BACK, jid, teep.errors.Shutdown)


def test_the_moments_of_a_process_are_told_after_their_listeners(fleet: Fleet) -> None:
    config, ear = _listening(fleet)
    once: tuple[Event, ...] = ("startup", "quiet", "shutdown", "exit")
    every: tuple[Event, ...] = (*once, "heartbeat", "beat")
    for event in every:
        config.on(event, partial(ear.moments.append, f"listener {event}"))
    fleet.start(config).stop()
    for event in every:
        assert ear.moments.index(f"listener {event}") < ear.moments.index(event)
    assert [moment for moment in ear.moments if moment in once] == list(once)


def test_a_job_that_is_kept_from_running_is_told_of(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    config, ear = _listening(fleet)
    caplog.set_level("INFO")

    def guard(job: Unit) -> Barred | None:
        return Barred(over(job.queue, job.raw, "discarded"), "not today") if b"barred" in job.raw else None

    @teep.job(name="job")
    def job() -> None:
        raise AssertionError("it must not run")

    config.hooks.guards.append(guard)
    barred = fleet.push(job, tags=["barred"])
    late = fleet.push(job, expires_in=0.001)
    fleet.start(config)
    found = [_next(ear) for _ in range(2)]
    assert [(type(one), one.job.jid, one.line) for one in found] == [
        (Skipped, barred, "kept from running: not today"),
        (Skipped, late, "expired"),
    ]
    fleet.wait_until_processed(2)
    assert [record.getMessage() for record in caplog.records if record.name == "teep.job"] == [
        one.line for one in found
    ]


def test_jobs_of_a_dead_process_are_told_of(fleet: Fleet) -> None:
    ear = _Ear()
    fleet.config.use(ear)
    dead = Owner("far:7:abc", 7, "another machine", 1, ("default",))
    driver_for(fleet.config).run(owners.register(dead))
    for raw in (b'{"class":"x","args":[],"jid":"a"}', b'{"class":"x","args":[],"jid":"b","rescues":2}'):
        fleet.server.command("RPUSH", keys.inflight("default", dead.identity), raw)
    driver_for(fleet.config).run(rescue.suspect_started(dead.identity, "b", []))
    Rescuer(Component.alone(fleet.config, lambda error, _: pytest.fail(repr(error)), "me:1:0")).run_once()
    died, rescued = _next(ear), _next(ear)
    assert isinstance(died, Died)
    assert (died.item["jid"], type(died.reason)) == ("b", PoisonJob)
    assert rescued == Rescued(dead.identity, "default", 1)


def test_an_observer_that_fails_keeps_no_other_from_hearing(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    config, ear = fleet.configure(concurrency=1), _Ear()

    def fails(_happening: object) -> None:
        raise SystemExit("no answer")

    config.hooks.observers.append(fails)
    config.use(ear)

    @teep.job(name="job")
    def job() -> None: ...

    worker = fleet.start(config)
    fleet.push(job)
    assert [_next(ear)[0], _next(ear)[0]] == [State.STARTED, State.DONE]
    worker.stop()
    assert "exit" in ear.moments
    assert "reporting on a job has failed (SystemExit: no answer)" in capsys.readouterr().err
