"""Moments of a worker's life, in their order, and that no listener keeps another from hearing of them."""

import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

import pytest

import teep
from teep.config.hooks import BackgroundService, Event
from teep.errors import ConfigurationError
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_ONCE: tuple[Event, ...] = ("startup", "quiet", "shutdown", "exit")


def test_the_events_come_once_each_and_in_order_the_way_out_reversed(fleet: Fleet) -> None:
    config = fleet.configure()
    heard: list[str] = []
    for event in _ONCE:
        for number in (1, 2):
            config.on(event, partial(heard.append, f"{event} {number}"))
    worker = fleet.start(config)
    worker.start()
    worker.quiet()
    worker.quiet()
    worker.stop()
    worker.stop()
    assert heard == [
        *("startup 1", "startup 2"),
        *("quiet 2", "quiet 1"),
        *("shutdown 2", "shutdown 1"),
        *("exit 2", "exit 1"),
    ]


def test_shutdown_comes_after_the_jobs_and_exit_after_the_process_has_left(fleet: Fleet) -> None:
    config = fleet.configure()
    heard: SimpleQueue[str] = SimpleQueue()
    begun, go = threading.Event(), threading.Event()

    @teep.job(name="job")
    def job() -> None:
        begun.set()
        go.wait(SOON)
        heard.put("job done")

    config.on("quiet", go.set)
    config.on("shutdown", lambda: heard.put(f"shutdown, {len(_processes(fleet))} in the set"))
    config.on("exit", lambda: heard.put(f"exit, {len(_processes(fleet))} in the set"))
    worker = fleet.start(config)
    wait_until(lambda: _processes(fleet), SOON, "the first beat")
    fleet.push(job)
    assert begun.wait(SOON)
    worker.stop()
    assert [heard.get(timeout=SOON) for _ in range(3)] == [
        "job done",
        "shutdown, 1 in the set",
        "exit, 0 in the set",
    ]


def test_heartbeat_comes_at_the_first_beat_and_after_an_expiry_and_beat_each_time(fleet: Fleet) -> None:
    config = fleet.configure(heartbeat_interval=0.1)
    heard: list[str] = []
    config.on("heartbeat", lambda: heard.append("heartbeat"))
    config.on("beat", lambda: heard.append("beat"))
    worker = fleet.start(config)
    wait_until(lambda: heard.count("beat") >= 3, SOON, "three beats")
    assert heard[:3] == ["heartbeat", "beat", "beat"]
    fleet.server.command("DEL", worker.identity)
    wait_until(lambda: heard.count("heartbeat") == 2, SOON, "the heartbeat after the expiry")
    beats = heard.count("beat")
    wait_until(lambda: heard.count("beat") >= beats + 3, SOON, "more beats")
    assert heard.count("heartbeat") == 2


@pytest.mark.parametrize("event", ["quiet", "shutdown", "exit", "heartbeat", "beat"])
@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
def test_a_listener_that_fails_is_reported_and_the_others_hear_it(
    fleet: Fleet, event: Event, kind: type[BaseException]
) -> None:
    config = fleet.configure()
    reports: SimpleQueue[str] = SimpleQueue()
    heard = threading.Event()

    def broken() -> None:
        raise kind("a listener is broken")

    config.error_handlers.append(lambda error, context: reports.put(f"{context['context']}: {error}"))
    config.on(event, broken)
    config.on(event, heard.set)
    config.on(event, broken)
    worker = fleet.start(config)
    wait_until(lambda: _processes(fleet), SOON, "the first beat")
    worker.stop()
    assert heard.wait(SOON)
    assert {reports.get(timeout=SOON) for _ in range(2)} == {f"{event} listener: a listener is broken"}
    assert _processes(fleet) == set()


def test_a_startup_listener_that_fails_keeps_the_worker_from_starting(fleet: Fleet) -> None:
    config = fleet.configure()
    ran = threading.Event()

    def broken() -> None:
        raise RuntimeError("not ready")

    @teep.job(name="job")
    def job() -> None:
        ran.set()

    fleet.push(job)
    config.on("startup", broken)
    with pytest.raises(RuntimeError, match="not ready"):
        fleet.start(config)
    assert len(fleet.queue()) == 1
    assert _processes(fleet) == set()
    assert not ran.is_set()


def test_nothing_is_added_while_a_worker_runs_but_before_and_in_a_startup_listener(fleet: Fleet) -> None:
    config = fleet.configure()
    heard: list[str] = []
    config.on("startup", lambda: config.on("quiet", lambda: heard.append("quiet")))
    worker = fleet.start(config)
    changes: tuple[Callable[[], object], ...] = (lambda: config.on("exit", heard.clear), config.error_handlers.clear)
    for change in changes:
        with pytest.raises(ConfigurationError, match="a worker runs with this configuration"):
            change()
    worker.stop()
    assert heard == ["quiet"]
    config.on("startup", lambda: heard.append("again"))
    worker.start()
    worker.stop()
    assert heard == ["quiet", "again", "quiet", "quiet"]


def test_a_start_that_fails_leaves_the_hooks_open(fleet: Fleet) -> None:
    def broken(_component: object) -> BackgroundService:
        raise RuntimeError("not ready")

    config = fleet.configure()
    config.hooks.services.append(broken)
    with pytest.raises(RuntimeError, match="not ready"):
        fleet.start(config)
    config.hooks.services.clear()
    fleet.start(config)


def _processes(fleet: Fleet) -> set[bytes]:
    found: set[bytes] = fleet.server.command("SMEMBERS", "processes")
    return found
