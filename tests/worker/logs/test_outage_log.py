"""What an outage is, apart from Redis: one line when it begins, one when nothing fails any more."""

import logging
import threading

import pytest

from teep.errors import RedisOutOfMemory, RedisUnavailable
from teep.runtime import outage
from teep.runtime.outage import Outage


class Clock:
    """Time that passes when the test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outage, "monotonic", clock.monotonic)
    caplog.set_level(logging.INFO, "teep")
    return clock


def test_it_is_logged_when_it_begins_and_when_it_is_over(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    state = Outage()
    state.over()
    state.began(RedisUnavailable("no connection"))
    clock.now += 60
    state.began(RedisUnavailable("still none"))
    clock.now += 0.5
    state.over()
    assert not state.goes_on
    clock.now += 5
    state.over()
    assert state.since is None
    assert caplog.messages == [
        "no connection; running jobs go on, and nothing is fetched until it is back",
        "Redis is online again after 60.5 s",
    ]


def test_successes_between_failures_do_not_end_it(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    state = Outage()
    for _ in range(20):
        state.began(RedisUnavailable("refused"))
        clock.now += 1
        state.over()
        clock.now += 1
    assert state.since is not None
    assert len(caplog.messages) == 1


def test_a_full_redis_is_told_apart(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    Outage().began(RedisOutOfMemory("full"))
    assert caplog.messages == ["full; jobs are still fetched, but nothing can be pushed until it has room"]


def test_pauses_grow_to_a_second_and_start_anew_after_a_success(clock: Clock) -> None:
    state, pauses = Outage(), []

    class Slept(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return False

    state.began(RedisUnavailable("away"))
    for _ in range(6):
        state.wait(Slept())
    state.over()
    state.wait(Slept())
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 0.1]
