"""Extensions that bring a service and a guard: `config.use` is all that they need."""

import os
import time
import warnings
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.config.hooks import BackgroundService
from teep.runtime.component import Component
from teep.runtime.service import Service
from teep.store.feature import Barred, Unit
from teep.store.running.outcome import Outcome
from teep.wire import keys
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class _Beacon(Service):
    """Says what becomes of it, and with which component."""

    def __init__(self, component: Component, told: Callable[[str], None]) -> None:
        super().__init__("beacon", component.on_error)
        self.component = component
        self._told = told
        self._turned = False

    def run_once(self) -> None:
        if not self._turned:
            self._turned = True
            self._told("turn")

    def pause(self) -> float:
        return 0.01

    def quiet(self) -> None:
        self._told("quiet")

    def stop(self) -> None:
        super().stop()
        self._told("stop")

    def leave(self) -> None:
        self._told("leave")

    def disown(self) -> None:
        super().disown()
        self._told(f"disown {os.getpid()}")


class _Extension:
    """Brings a beacon, and a guard that lets no job of one class run."""

    def __init__(self, barred: str = "") -> None:
        self.told: SimpleQueue[str] = SimpleQueue()
        self.beacons: list[_Beacon] = []
        self._barred = barred

    def join(self, config: teep.Config) -> None:
        config.hooks.services.append(self._beacon)
        if self._barred:
            config.hooks.guards.append(self._guard)

    def heard(self, count: int) -> list[str]:
        return [self.told.get(timeout=SOON) for _ in range(count)]

    def _beacon(self, component: Component) -> BackgroundService:
        self.beacons.append(_Beacon(component, self.told.put))
        return self.beacons[-1]

    def _guard(self, job: Unit) -> Barred | None:
        if job.stored()["class"] != self._barred:
            return None
        later = Outcome(job.queue, job.raw, keys.schedule(), time.time() + 3600, job.raw, counted=None)
        return Barred(later, "barred")


def test_a_service_runs_with_the_worker_and_leaves_with_it(fleet: Fleet) -> None:
    config, extension = fleet.configure(), _Extension()
    config.use(extension)
    worker = fleet.start(config)
    assert extension.heard(1) == ["turn"]
    (beacon,) = extension.beacons
    assert (beacon.component.config, beacon.component.identity) == (config, worker.identity)
    worker.quiet()
    worker.stop()
    assert extension.heard(3) == ["quiet", "stop", "leave"]
    assert not fleet.server.command("EXISTS", "processes")
    worker.start()
    assert extension.heard(1) == ["turn"], "each start has a service of its own"
    assert len(extension.beacons) == 2


def test_a_service_that_fails_keeps_the_worker_neither_from_running_nor_from_leaving(fleet: Fleet) -> None:
    class Broken:
        name = "broken"

        def __getattr__(self, name: str) -> Callable[[], None]:
            def fail() -> None:
                raise SystemExit(name)

            return fail

    def broken(_component: Component) -> Any:
        return Broken()

    config, extension = fleet.configure(), _Extension()
    reports: SimpleQueue[tuple[str, str]] = SimpleQueue()
    config.error_handlers[:] = [lambda error, context: reports.put((context["context"], str(error)))]
    config.hooks.services.append(broken)
    config.use(extension)
    worker = fleet.start(config)
    assert extension.heard(1) == ["turn"]
    worker.stop()
    assert extension.heard(3) == ["quiet", "stop", "leave"]
    assert [reports.get(timeout=SOON) for _ in range(4)] == [
        ("broken", "start"), ("broken", "quiet"), ("broken", "stop"), ("broken", "leave"),
    ]  # fmt: skip
    assert not fleet.server.command("EXISTS", "processes")


def test_a_service_is_the_parents_in_a_fork(fleet: Fleet) -> None:
    config, extension = fleet.configure(concurrency=1), _Extension()
    config.use(extension)

    @teep.job(name="forks")
    def forks() -> None:
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, from 3.12 on
            pid = os.fork()
        if not pid:
            told = [extension.told.get_nowait() for _ in range(extension.told.qsize())]
            mine = told[-1:] == [f"disown {os.getpid()}"]
            beacon = extension.beacons[0]
            os.write(writer, b"y" if mine and beacon._thread is None and beacon._stopping.is_set() else b"n")
            os._exit(0)
        os.waitpid(pid, 0)
        fleet.server.command("RPUSH", "noted", os.read(reader, 1))
        os.close(reader)
        os.close(writer)

    fleet.start(config)
    assert extension.heard(1) == ["turn"]
    fleet.push(forks)
    assert fleet.wait_for_notes(1) == ["y"]
    (beacon,) = extension.beacons
    assert beacon._thread is not None
    assert extension.told.empty(), "nothing of it in the parent"


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_guard_keeps_a_job_from_running(fleet: Fleet, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    ran: SimpleQueue[str] = SimpleQueue()

    def define(name: str) -> Any:
        def plain() -> None:
            ran.put(name)

        async def coroutine() -> None:
            ran.put(name)

        return teep.job(name=name)(plain if kind == "def" else coroutine)

    barred, free = define("barred"), define("free")
    config = fleet.configure(concurrency=1)
    config.use(_Extension("barred"))
    caplog.set_level("INFO", "teep")
    for job in (free, barred, free, barred, free):
        fleet.push(job)
    fleet.start(config)
    assert [ran.get(timeout=SOON) for _ in range(3)] == ["free"] * 3
    wait_until(lambda: len(fleet.members("schedule")) == 2, SOON, "both to wait")
    fleet.wait_until_processed(3)
    assert fleet.counters() == (3, 0)
    assert ran.empty()
    assert caplog.messages.count("kept from running: barred") == 2


def test_a_guard_that_fails_is_reported_and_its_job_waits(fleet: Fleet) -> None:
    config = fleet.configure()
    reports: SimpleQueue[str] = SimpleQueue()
    config.error_handlers[:] = [lambda error, context: reports.put(f"{context['context']}: {error}")]

    def broken(_job: Unit) -> None:
        raise SystemExit("no answer")

    @teep.job(name="job")
    def job() -> None:
        raise AssertionError("it must not run")

    config.hooks.guards.append(broken)
    fleet.push(job)
    fleet.push_raw(b"no job")
    fleet.start(config)
    assert reports.get(timeout=SOON) == "a guard failed, and its job waits: no answer"
    wait_until(lambda: fleet.members("schedule") and fleet.members("dead"), SOON, "both to have moved")
    assert fleet.members("dead") == [b"no job"]
    assert fleet.counters()[1] == 0
