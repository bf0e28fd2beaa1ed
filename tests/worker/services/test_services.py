"""Every service starts, stops, and stops in the middle of a turn, alike."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from teep.config.address import Address
from teep.errors import RedisUnavailable
from teep.runtime.component import Component
from teep.runtime.leadership import LeaderService
from teep.runtime.service import OnError, Service
from teep.worker import Worker
from teep.worker.fetch.tallies import Tallies
from teep.worker.fetch.unit import UnitOfWork
from teep.worker.health.endpoint import Endpoint
from teep.worker.health.health import STARTING
from teep.worker.health.systemd import Notifier, SignsOfLife
from teep.worker.health.watchdog import Reactions, Watchdog
from teep.worker.lifeline import Lifeline
from teep.worker.run.capsule import Capsule
from teep.worker.run.halting.interrupts import Interrupts
from teep.worker.run.halting.timeouts import Timeouts
from teep.worker.run.poison import PoisonGuard
from teep.worker.run.processor import Shared
from teep.worker.run.work_set import LocalWorkSet
from teep.worker.services.heartbeat import Heartbeat
from teep.worker.services.leader import Candidate
from teep.worker.services.messages import MessageListener
from teep.worker.services.metrics import MetricsWriter
from teep.worker.services.poller import Poller
from teep.worker.services.progress import ProgressWriter
from teep.worker.services.rescuer import Rescuer
from teep.worker.supervisor.reload.code import CodeFolders
from teep.worker.supervisor.supervised import Channel, Reporter, ResourceLimits
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


def _fail(error: BaseException, name: str) -> None:
    raise AssertionError(name) from error


class _Steady(Service):
    """Turns as often as it may, and says when."""

    def __init__(self, turn: Callable[[], None], on_error: OnError = _fail, pause: float = 0.0) -> None:
        super().__init__("steady", on_error)
        self.turns = 0
        self._turn_of = turn
        self._seconds = pause

    def run_once(self) -> None:
        self.turns += 1
        self._turn_of()

    def pause(self) -> float:
        return self._seconds


def _capsule(component: Component) -> Capsule:
    own = component.config.all_capsules["default"]
    return Capsule(
        component,
        "default",
        own,
        Shared(PoisonGuard(component.driver, component.identity), Tallies(), threading.Event()),
    )


def _heartbeat(component: Component) -> Heartbeat:
    candidate = Candidate(component, lambda service: service.start(), str)
    info = {"identity": component.identity}
    return Heartbeat(component, [_capsule(component)], Lifeline(component.config), info, candidate)


class _Leading(LeaderService):
    """Does nothing, as often as it leads."""

    def __init__(self, component: Component) -> None:
        super().__init__("leading", component.on_error, component.leadership)
        component.leadership.renew(1, time.monotonic() + SOON)

    def run_once(self) -> None:
        pass

    def pause(self) -> float:
        return 0.01


def _watchdog(component: Component) -> Watchdog:
    reactions = Reactions(lambda: None, lambda _why: None)
    return Watchdog(component, [_capsule(component).fetcher], _heartbeat(component), 0.0, reactions)


def _channel() -> Channel:
    end, other = socket.socketpair()
    other.close()
    return Channel(end)


_MAKERS: dict[type[Service], Callable[[Component], Service]] = {
    Heartbeat: _heartbeat,
    MetricsWriter: lambda component: MetricsWriter(component, Tallies()),
    ProgressWriter: lambda component: ProgressWriter(component, [_capsule(component)], threading.Event()),
    Poller: Poller,
    Rescuer: Rescuer,
    MessageListener: lambda component: MessageListener(component, lambda _name: None, lambda _jid: None),
    Timeouts: lambda _component: Timeouts(LocalWorkSet(), lambda _job: Interrupts(), _fail),
    Endpoint: lambda _component: Endpoint(Address("127.0.0.1", 0), lambda: STARTING, _fail),
    Watchdog: _watchdog,
    ResourceLimits: lambda component: ResourceLimits(component.config, Worker(component.config), _channel(), _fail),
    Reporter: lambda component: Reporter(Worker(component.config), _channel()),
    CodeFolders: lambda _component: CodeFolders(_channel(), _fail),
    SignsOfLife: lambda _component: SignsOfLife(Notifier(), lambda: True, _fail),
    _Leading: _Leading,
    _Steady: lambda _component: _Steady(lambda: None),
}


@pytest.fixture(params=_MAKERS, ids=[kind.__name__ for kind in _MAKERS])
def service(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[Service]:
    component = Component.alone(fleet.configure(heartbeat_interval=0.1), _fail, "me:1:0")
    service = _MAKERS[request.param](component)
    yield service
    service.stop()
    if isinstance(service, Endpoint):
        service.close()
    if isinstance(service, ResourceLimits | Reporter | CodeFolders):
        service._channel.disown()


def test_every_service_of_teep_is_among_them() -> None:
    kinds = {kind for kind in Service.__subclasses__() if kind.__module__.startswith("teep.")}
    assert kinds - {LeaderService} <= _MAKERS.keys()
    assert any(issubclass(kind, LeaderService) for kind in _MAKERS)


def _threads(service: Service) -> int:
    return sum(thread.name == f"teep-{service.name}" for thread in threading.enumerate())


def test_it_starts_once_and_stops_at_once_and_starts_again(service: Service) -> None:
    for _ in range(3):
        service.start()
        service.start()
        assert _threads(service) == 1
        started = time.monotonic()
        service.stop()
        service.stop()
        assert time.monotonic() - started < SOON
        assert _threads(service) == 0


def test_it_may_be_stopped_before_it_starts(service: Service) -> None:
    service.stop()
    service.start()
    assert _threads(service) == 1


def test_it_may_be_started_and_stopped_by_many_at_once(service: Service) -> None:
    def flip() -> None:
        for _ in range(20):
            service.start()
            service.stop()

    threads = [threading.Thread(target=flip) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()
    service.stop()
    assert _threads(service) == 0


def test_a_stop_in_the_middle_of_a_turn_waits_for_its_end() -> None:
    inside, go, ended = threading.Event(), threading.Event(), threading.Event()

    def turn() -> None:
        inside.set()
        go.wait(SOON)
        ended.set()

    service = _Steady(turn)
    service.start()
    assert inside.wait(SOON)
    stopper = threading.Thread(target=service.stop)
    stopper.start()
    assert stopper.is_alive()
    go.set()
    stopper.join(SOON)
    assert ended.is_set()
    assert service.turns == 1


def test_a_stop_ends_the_pause_between_turns() -> None:
    service = _Steady(lambda: None, pause=3600.0)
    service.start()
    wait_until(lambda: service.turns == 1, SOON, "the first turn")
    started = time.monotonic()
    service.stop()
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize("error", [RedisUnavailable("away"), ValueError("a bug")])
def test_a_turn_that_fails_is_reported_and_the_next_one_comes(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.runtime.service._OUTAGE_PAUSE", 0.01)
    reports: list[tuple[BaseException, str]] = []

    def turn() -> None:
        raise error

    service = _Steady(turn, lambda error, name: reports.append((error, name)))
    service.start()
    wait_until(lambda: service.turns >= 3, SOON, "three turns")
    service.stop()
    assert reports[0] == (error, "steady")
    assert len(reports) == service.turns


@pytest.mark.parametrize("error", [OSError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_a_service_goes_on_whatever_a_turn_and_its_report_raise(
    error: type[BaseException], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teep.runtime.service._OUTAGE_PAUSE", 0.0)

    def fail(*_: object) -> None:
        raise error("as intended")

    steady = _Steady(fail, fail)
    steady.start()
    wait_until(lambda: steady.turns > 2, SOON, "more turns")
    steady.stop()
    assert "as intended" in capsys.readouterr().err


def test_a_deadline_that_cannot_be_enforced_holds_up_no_other() -> None:
    told: list[str] = []
    reported: list[str] = []

    class Runner:
        grace = 0.0

        def interrupt(self, thread_id: str, _job: UnitOfWork, _kind: type[BaseException]) -> None:
            told.append(thread_id)
            if thread_id == "broken":
                raise SystemExit("as intended")

        def stack(self, _thread_id: str) -> str:
            raise SystemExit("no stack")

    running = LocalWorkSet()
    deadlines = Timeouts(running, lambda _job: Runner(), lambda error, _name: reported.append(str(error)))
    for thread_id in ("broken", "fine"):
        job = UnitOfWork("default", b'{"class":"x","args":[]}')
        running[thread_id] = (job, time.time())
        deadlines.watch(thread_id, job, 0.001)
    deadlines.start()
    wait_until(lambda: reported.count("no stack") == 2, SOON, lambda: f"both to be reported: {reported}")
    deadlines.stop()
    assert told == ["broken", "fine"]
    assert reported[0] == "as intended"
