"""The leader samples, and nobody else; what a sample holds, and who hears of it."""

import signal
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest

import teep
from teep.errors import ConfigurationError
from teep.features.history import recorder
from teep.runtime.component import Component
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server

QUICK: dict[str, Any] = {"history": True, "heartbeat_interval": 0.1}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample comes every fifth of a second."""
    monkeypatch.setattr(recorder, "INTERVAL", 0.2)


def _timeline(fleet: Fleet) -> teep.Timeline:
    return teep.Timeline(600, config=fleet.config)


def _samples(fleet: Fleet) -> int:
    """How many samples there are."""
    return sum(record.samples for record in _timeline(fleet)._records.values())


def _wait_for_samples(fleet: Fleet, more: int = 2) -> None:
    wanted = _samples(fleet) + more
    wait_until(lambda: _samples(fleet) >= wanted, SOON, "samples")


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_without_the_option_there_is_no_thread_and_no_key(fleet: Fleet) -> None:
    config = fleet.configure(heartbeat_interval=0.1)
    heard = threading.Event()
    config.on("leader", heard.set)
    config.gauge("unread", lambda: pytest.fail("it is not read"))
    fleet.start(config)
    assert heard.wait(SOON)
    assert "teep-history" not in _threads()
    assert fleet.server.command("KEYS", "teep:history:*") == []


def test_the_leader_samples_what_is_there(fleet: Fleet) -> None:
    config = fleet.configure(**QUICK, queues=["served"])
    config.gauge("carts", lambda: 17)
    for queue in ("waiting", "waiting", "low"):
        fleet.push("app.unknown", queue=queue)
    fleet.start(config)
    _wait_for_samples(fleet)
    timeline = _timeline(fleet)
    sampled = {n for n, point in enumerate(timeline.enqueued) if point.value is not None}
    assert {timeline.enqueued[n].peak for n in sampled} == {3}
    assert {timeline.queues["waiting"].size[n].peak for n in sampled} == {2}
    assert {point.value for point in timeline.gauges["carts"]} == {None, 17}


def test_runs_are_counted_in_their_minute(fleet: Fleet, own_registry: None) -> None:
    job = teep.job(name="quick")(lambda: None)
    fleet.start(fleet.configure(**QUICK))
    _wait_for_samples(fleet)
    for _ in range(5):
        fleet.push(job)
    wait_until(
        lambda: sum(point.value or 0 for point in _timeline(fleet).processed) == 5, SOON, "five runs to be counted"
    )


def test_who_does_not_lead_asks_redis_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    component = Component.alone(fleet.configure(**QUICK), lambda error, _: pytest.fail(str(error)))
    monkeypatch.setattr(component.driver, "execute", lambda command: pytest.fail(str(command)))
    recorder.Recorder(component).turn()


def test_who_only_believes_that_it_leads_writes_nothing_and_tells_nobody(fleet: Fleet) -> None:
    config = fleet.configure(**QUICK)
    heard: list[Any] = []
    config.on("sample", heard.append)
    component = Component.alone(config, lambda error, _: pytest.fail(str(error)), "me")
    component.leadership.renew(1, time.monotonic() + 60)
    service = recorder.Recorder(component)
    fleet.server.command("SET", "teep:leader", "another")
    service.run_once()
    assert (heard, fleet.server.command("KEYS", "teep:history:*")) == ([], [])
    fleet.server.command("SET", "teep:leader", "me")
    service.run_once()
    assert len(heard) == 1
    assert _samples(fleet) == 1


def test_a_leader_that_stops_is_followed_by_another_which_goes_on_counting(fleet: Fleet) -> None:
    program = ("tests.features.history.worker",)
    first = fleet.spawn(program=program)
    _wait_for_samples(fleet)
    second = fleet.spawn(program=program)
    processes = teep.ProcessSet(config=fleet.config)
    assert processes.leader() == fleet.identity(first)
    fleet.server.command("INCRBY", "stat:processed", 7)
    first.signal(signal.SIGTERM)
    first.wait(SOON)
    wait_until(lambda: processes.leader() == fleet.identity(second), SOON, "a new leader")
    _wait_for_samples(fleet)
    assert sum(point.value or 0 for point in _timeline(fleet).processed) == 7


def test_a_gauge_that_fails_is_reported_and_left_out(fleet: Fleet) -> None:
    config = fleet.configure(**QUICK)
    errors: list[tuple[str, str]] = []
    config.error_handlers[:] = [lambda error, context: errors.append((str(error), context["context"]))]

    def broken() -> float:
        raise SystemExit("no luck")

    bad: dict[str, Callable[[], Any]] = {
        "broken": broken, "text": lambda: "17", "nan": lambda: float("nan"), "huge": lambda: 1e300
    }  # fmt: skip
    for name, read in bad.items():
        config.gauge(name, read)
    config.gauge("fine", lambda: 1)
    fleet.start(config)
    _wait_for_samples(fleet)
    assert list(_timeline(fleet).gauges) == ["fine"]
    assert set(errors) == {
        ("no luck", "gauge broken"),
        ("the gauge 'text' must return a finite number, not '17'", "gauge text"),
        ("the gauge 'nan' must return a finite number, not nan", "gauge nan"),
        ("the gauge 'huge' must return a finite number, not 1e+300", "gauge huge"),
    }


class Level(IntEnum):
    """Numbers of a kind of their own."""

    HIGH = 3


@pytest.mark.parametrize(
    ("value", "kept"), [(True, "1"), (Level.HIGH, "3"), (Decimal("2.5"), "2.5"), (2**80, f"{2.0**80}"), (-1, "-1")]
)
def test_a_gauge_may_be_any_kind_of_number(value: Any, kept: str) -> None:
    assert repr(recorder._plain("any", value)) == kept


def test_a_gauge_that_hangs_does_not_keep_the_worker_from_stopping(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder.Recorder, "patience", 0.1)
    config, asked, go_on = fleet.configure(**QUICK), threading.Event(), threading.Event()

    def hanging() -> float:
        asked.set()
        go_on.wait()
        return 1

    config.gauge("hanging", hanging)
    worker = fleet.start(config)
    assert asked.wait(SOON)
    stopping = threading.Thread(target=worker.stop, args=(0,))
    stopping.start()
    stopping.join(SOON)
    stopped = not stopping.is_alive()
    go_on.set()
    stopping.join()
    assert stopped
    assert "history is left behind: its turn has not ended within 0.1 s" in caplog.messages
    wait_until(lambda: "teep-history" not in _threads(), SOON, "its thread to end")


def test_listeners_hear_of_each_sample(fleet: Fleet) -> None:
    config = fleet.configure(**QUICK, queues=["served"])
    heard: list[dict[str, Any]] = []
    config.on("sample", heard.append)
    config.gauge("carts", lambda: 3)
    fleet.push("app.unknown", queue="waiting")
    fleet.start(config)
    wait_until(lambda: len(heard) >= 2, SOON, "two samples")
    sample = heard[0]
    assert sample["at"] == pytest.approx(time.time(), abs=60)
    assert (sample["enqueued"], sample["gauges"]) == (1, {"carts": 3})
    assert sample["queues"]["waiting"]["size"] == 1
    assert set(sample) == {
        "at", "processed", "failed", "enqueued", "scheduled", "retries", "dead", "busy", "queues", "gauges"
    }  # fmt: skip


def test_samples_come_at_multiples_of_the_interval(monkeypatch: pytest.MonkeyPatch, fleet: Fleet) -> None:
    monkeypatch.setattr(recorder, "INTERVAL", 10.0)
    service = recorder.Recorder(Component.alone(fleet.config, lambda *_: None))
    monkeypatch.setattr(time, "time", lambda: 1_000_003.5)
    assert service.pause() == 6.5


def test_gauges_are_plain_functions_with_names_of_their_own() -> None:
    config = teep.Config()
    config.gauge("a", _one)
    config.gauge("a", _one)
    with pytest.raises(ConfigurationError, match="there is a gauge 'a' already"):
        config.gauge("a", lambda: 2)
    with pytest.raises(ConfigurationError, match="must be a plain function without arguments, not 3"):
        config.gauge("b", 3)  # type: ignore[arg-type]

    async def later() -> float:
        return 1

    with pytest.raises(ConfigurationError, match="must be a plain function"):
        config.gauge("b", later)  # type: ignore[arg-type]
    assert config.copy().hooks.gauges == {"a": _one}


def _one() -> float:
    return 1


def test_its_keys_expire_and_nothing_else_is_left(fleet: Fleet) -> None:
    worker = fleet.start(fleet.configure(**QUICK))
    _wait_for_samples(fleet)
    worker.stop(0)
    keys = fleet.server.command("KEYS", "teep:history:*")
    assert len(keys) >= 3
    assert all(fleet.server.command("TTL", key) > 0 for key in keys)
    assert "teep-history" not in _threads()
