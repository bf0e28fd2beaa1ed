"""Whole-set verbs that are interrupted, or meet each other, lose no job and double none."""

import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from teep.drivers import AsyncDriver, Driver
from teep.errors import RedisUnavailable
from tests.api.sides import Side, job, raw
from tests.support.processes import race
from tests.support.servers import Server

pytestmark = [pytest.mark.one_server, pytest.mark.usefixtures("small_pages")]

JOBS = 210  # three batches

# What must not change is where a job is, counted over all places; these are the places.
VERBS = {"retry_all": "queue", "add_all_to_queue": "queue", "kill_all": "dead"}


class Crash(Exception):
    """The process is gone."""


class Lines:
    """Lets a driver carry out some commands and then fail, before or after it has sent the next one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, good: int, *, sent: bool) -> None:
        self.left = good
        self._sent = sent
        execute, aexecute = Driver.execute, AsyncDriver.execute

        def carry_out(driver: Driver, command: Any) -> Any:
            if self._breaks():
                if sent:
                    execute(driver, command)
                raise Crash
            return execute(driver, command)

        async def acarry_out(driver: AsyncDriver, command: Any) -> Any:
            if self._breaks():
                if sent:
                    await aexecute(driver, command)
                raise Crash
            return await aexecute(driver, command)

        monkeypatch.setattr(Driver, "execute", carry_out)
        monkeypatch.setattr(AsyncDriver, "execute", acarry_out)

    def _breaks(self) -> bool:
        self.left -= 1
        return self.left < 0


def fill(side: Side) -> None:
    side.server.client.zadd("retry", {raw(job(number)): float(number) for number in range(JOBS)})


def places(side: Side) -> Counter[int]:
    """How often each job is anywhere."""
    entries = [*side.listed(side.RetrySet()), *side.listed(side.DeadSet()), *side.listed(side.Queue())]
    return Counter(entry.args[0] for entry in entries)


@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it was sent"])
@pytest.mark.parametrize("good", range(7))
@pytest.mark.parametrize("verb", VERBS)
def test_an_interrupted_verb_loses_nothing_and_can_be_repeated(
    side: Side, verb: str, good: int, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(side)
    with monkeypatch.context() as patch:
        lines = Lines(patch, good, sent=sent)
        with suppress(Crash):
            side.run(getattr(side.RetrySet(), verb)())
        assert lines.left < 0 or good == 6
    assert places(side) == Counter(range(JOBS))
    side.run(getattr(side.RetrySet(), verb)())
    assert places(side) == Counter(range(JOBS))
    assert side.run(side.RetrySet().size()) == 0


_RETRY_ALL = """
import sys, teep
config = teep.Config(redis_url=sys.argv[1])
teep.RetrySet(config=config).size()
print("ready", flush=True)
sys.stdin.readline()
print(getattr(teep.RetrySet(config=config), sys.argv[2])(), flush=True)
"""


@pytest.mark.slow("both must be at it for long enough to meet")
@pytest.mark.parametrize("verb", VERBS)
def test_two_processes_at_once_move_each_job_once(server: Server, verb: str) -> None:
    server.client.zadd("retry", {raw(job(number)): float(number) for number in range(6_000)})
    moved = [int(said) for said in race([sys.executable, "-c", _RETRY_ALL, server.url, verb])]
    target = server.command("LLEN", "queue:default") if VERBS[verb] == "queue" else server.command("ZCARD", "dead")
    left = server.command("ZCARD", "retry")
    assert (sum(moved), target + left) == (target, 6_000)
    assert left == 0


def test_a_lost_answer_is_an_error_and_the_jobs_are_there(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(side)

    def lose(*_args: object) -> Any:
        raise RedisUnavailable("no connection to Redis")

    async def alose(*_args: object) -> Any:
        lose()

    with monkeypatch.context() as patch:
        patch.setattr(Driver, "execute", lose)
        patch.setattr(AsyncDriver, "execute", alose)
        with pytest.raises(RedisUnavailable):
            side.run(side.RetrySet().retry_all())
    assert places(side) == Counter(range(JOBS))


def test_what_fails_again_at_once_is_not_retried_in_a_circle(side: Side) -> None:
    """A worker that is quicker than `retry_all` puts jobs back into the set while it is being walked."""
    fill(side)

    def fail_again(item: dict[str, Any], call_next: Any) -> Any:
        side.server.client.zadd("retry", {raw(job(item["args"][0] + 10_000)): 1.0})
        return call_next()

    side.config.client_middleware.add(fail_again)
    assert side.run(side.RetrySet().retry_all()) <= JOBS
    assert side.run(side.RetrySet().size()) >= JOBS
