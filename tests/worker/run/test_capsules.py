"""Capsules: each with its queues and its concurrency, all in one process and under one heartbeat."""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

import teep
from teep import CapsuleConfig, Config
from teep.config.capsules import parse_capsule
from teep.errors import ConfigurationError
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_SERIAL = {"single": CapsuleConfig(concurrency=1, queues=["serial"])}


class _Gauge:
    """Jobs that run at the same time, held until they may go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.now = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.wait(SOON)
        with self._lock:
            self.now -= 1


def test_a_capsule_of_one_is_a_limit_while_the_others_go_on(fleet: Fleet) -> None:
    serial, usual = _Gauge(), _Gauge()

    @teep.job(name="one_by_one", queue="serial")
    def one_by_one() -> None:
        serial()

    @teep.job(name="one_by_one_async", queue="serial")
    async def one_by_one_async() -> None:
        serial()

    @teep.job(name="many")
    def many() -> None:
        usual()

    for job in (one_by_one, one_by_one_async) * 3:
        fleet.push(job)
    for _ in range(3):
        fleet.push(many)
    fleet.start(concurrency=3, capsules=_SERIAL)
    wait_until(lambda: (serial.now, usual.now) == (1, 3), SOON, "one and three to run")
    usual.go.set()
    wait_until(lambda: fleet.counters()[0] == 3, SOON, "the usual ones to end")
    assert serial.most == 1
    serial.go.set()
    fleet.wait_until_processed(9)
    assert serial.most == 1


def test_the_process_shows_each_capsule_and_the_whole_concurrency(fleet: Fleet) -> None:
    worker = fleet.start(concurrency=2, queues=["high,2", "low,1"], capsules=_SERIAL)
    (process,) = teep.ProcessSet(config=fleet.config)
    assert process.identity == worker.identity
    assert process.concurrency == 3
    assert process.queues == ["high", "low", "serial"]
    assert process.weights == {"high": 2, "low": 1, "serial": 0}
    assert process.capsules == {
        "default": {"concurrency": 2, "mode": "weighted", "weights": {"high": 2, "low": 1}},
        "single": {"concurrency": 1, "mode": "strict", "weights": {"serial": 0}},
    }
    (owner,) = fleet.server.command("HVALS", "teep:inflight")
    assert msgspec.json.decode(owner)["queues"] == ["high", "low", "serial"]


@pytest.mark.parametrize("queue", ["default", "serial"])
def test_a_stop_and_a_quiet_reach_every_capsule(fleet: Fleet, queue: str) -> None:
    begun = threading.Semaphore(0)

    @teep.job(name="endless")
    def endless() -> None:
        begun.release()
        while True:
            threading.Event().wait(0.001)

    for name in ("default", "serial"):
        fleet.push(endless, queue=name)
    worker = fleet.start(concurrency=1, capsules=_SERIAL, heartbeat_interval=0.1)
    for _ in range(2):
        assert begun.acquire(timeout=SOON)
    wait_until(lambda: teep.WorkSet(config=fleet.config).size() == 2, SOON, "both to show as running")
    worker.quiet()
    fleet.push(endless, queue=queue)
    wait_until(lambda: _process(fleet).stopping, SOON, "it to show as quiet")
    assert worker.stop(0.1)
    assert fleet.in_flight() == []
    assert len(fleet.queue(queue)) == 2
    assert len(fleet.queue("default")) + len(fleet.queue("serial")) == 3


def test_the_command_line_gives_capsules(fleet: Fleet) -> None:
    process = fleet.spawn("-c", "2", "--capsule", "single:1:serial", "--capsule", "bulk:4:big,3:small,1")
    assert _process(fleet).capsules == {
        "default": {"concurrency": 2, "mode": "strict", "weights": {"default": 0}},
        "single": {"concurrency": 1, "mode": "strict", "weights": {"serial": 0}},
        "bulk": {"concurrency": 4, "mode": "weighted", "weights": {"big": 3, "small": 1}},
    }
    fleet.push("note", queue="small")
    fleet.wait_for_notes(1)
    process.stop()


def _process(fleet: Fleet) -> teep.Process:
    (process,) = teep.ProcessSet(config=fleet.config)
    return process


def _one(concurrency: Any = 1, queues: Any = ("a",)) -> dict[str, CapsuleConfig]:
    return {"one": CapsuleConfig(concurrency=concurrency, queues=queues)}


@pytest.mark.parametrize(
    ("capsules", "problem"),
    [
        (_one(0), "the concurrency of capsule 'one' must be a whole number from 1, not 0"),
        (_one(queues="a"), "the queues of capsule 'one' must be a list of strings, not 'a'"),
        (_one(queues=["a,0"]), "the weight of queue 'a,0' must be a whole number from 1"),
        (_one(queues=[]), "at least one queue is needed"),
        (_one(queues=["default"]), "the queue 'default' is in the capsules 'default' and 'one'"),
        ({"default": CapsuleConfig(concurrency=1, queues=["a"])}, "the capsule 'default' is made by"),
        ({"one": 1}, "the capsule 'one' must be a CapsuleConfig, not 1"),
        ({"": 1}, "a capsule's name must be a string, not ''"),
        ([1], "capsules must be a mapping of names to CapsuleConfig"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(capsules: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Config(capsules=capsules)
    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["one", "one:x:a", "one:1", "one:1:", ":1:a"])
def test_a_capsule_that_cannot_be_read_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write NAME:CONCURRENCY:QUEUE"):
        parse_capsule(text)


def test_the_order_of_a_capsule_is_its_own() -> None:
    orders: Sequence[str] = [
        capsule.order.mode for capsule in Config(queues=["a,1", "b,2"], capsules=_SERIAL).all_capsules.values()
    ]
    assert orders == ["weighted", "strict"]
