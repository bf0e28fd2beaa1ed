"""`with limit.within_limit()` and `async with`, in any process."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from subprocess import PIPE, Popen

import pytest

import teep
from teep import limits
from teep.config import driver_for
from teep.drivers.connections import pools
from teep.errors import InvalidType, InvalidValue
from teep.features.limits import held
from teep.features.limits.limit import Limit
from teep.store import limits as store
from teep.store.limits import Caller, Mode
from teep.telling import Logger
from teep.wire import keys
from teep.wire.keys import Key
from tests.features.limits.conftest import lease_of
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


def _enter(limit: Limit, **use: int) -> None:
    with limit.within_limit(**use):
        pass


async def _aenter(limit: Limit) -> None:
    async with limit.within_limit():
        pass


def _waiting(limit: Limit, count: int) -> Callable[[], bool]:
    return lambda: limit.usage().waiting == count


async def _behind(limit: Limit) -> asyncio.Task[None]:
    """Return a task that waits for a place."""
    entering = asyncio.create_task(_aenter(limit))
    await asyncio.to_thread(wait_until, _waiting(limit, 1), SOON, "it to wait")
    return entering


class Entering(threading.Thread):
    """A thread that enters a limit, and leaves it when it is told to; `error` is what it raised."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(daemon=True)
        self.limit = limit
        self.inside, self.go = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.limit.within_limit():
                self.inside.set()
                assert self.go.wait(SOON)
        except teep.OverLimit as error:
            self.error = error


def test_both_colours_share_one_limit(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=0)

    async def second() -> None:
        with pytest.raises(teep.OverLimit, match="over the limit c"):
            await _aenter(limit)
        assert (await limit.aio.usage()).used == 1

    with limit.within_limit():
        asyncio.run(second())
        with pytest.raises(teep.OverLimit) as caught:
            _enter(limit)
    assert (caught.value.limiter, caught.value.retry_after, caught.value.reschedule) == ("c", None, 20)
    asyncio.run(_aenter(limit))
    assert limit.usage().used == 0


def test_the_place_is_free_again_whatever_the_block_raises(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=0)
    with pytest.raises(ZeroDivisionError), limit.within_limit():
        raise ZeroDivisionError
    _enter(limit)


def test_one_that_waits_gets_the_place_as_soon_as_it_is_left(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=SOON)
    first = Entering(limit)
    assert first.inside.wait(SOON)
    second = Entering(limit)
    wait_until(_waiting(limit, 1), SOON, "the second one to wait")
    left = time.monotonic()
    first.go.set()
    assert second.inside.wait(SOON)
    assert time.monotonic() - left < 20  # long before its next look by itself, at the end of the lease
    second.go.set()
    second.join(SOON)
    assert limit.usage() == limit.usage()._replace(used=0, waiting=0, granted=2, over=1, waited=1)


def test_one_on_a_loop_waits_too(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=SOON)
    first = Entering(limit)
    assert first.inside.wait(SOON)

    async def second() -> None:
        entering = await _behind(limit)
        first.go.set()
        await entering

    asyncio.run(second())


def test_a_limit_in_time_is_waited_for_to_the_moment(here: Fleet) -> None:
    limit = limits.leaky("l", 1, 0.3)
    _enter(limit)
    began = time.monotonic()
    _enter(limit)
    asyncio.run(_aenter(limit))
    assert time.monotonic() - began > 0.58
    assert limit.usage().waited == 2


def test_who_would_wait_too_long_does_not_wait_at_all(here: Fleet) -> None:
    limit = limits.bucket("b", 1, "day", wait_timeout=10)
    _enter(limit)
    began = time.monotonic()
    with pytest.raises(teep.OverLimit) as caught:
        _enter(limit)
    assert time.monotonic() - began < 5.0
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 86_400
    assert limit.usage().waiting == 0


@pytest.mark.parametrize("change", ["reset", "set_limit", "resume"])
def test_a_change_lets_those_in_that_wait(here: Fleet, change: str) -> None:
    limit = limits.window("w", 1, 20, wait_timeout=SOON)
    if change == "resume":
        limit.pause(20)
    else:
        _enter(limit)
    late = Entering(limit)
    wait_until(_waiting(limit, 1), SOON, "it to wait")
    {"reset": limit.reset, "set_limit": lambda: limit.set_limit(2), "resume": limit.resume}[change]()
    assert late.inside.wait(10)
    late.go.set()


def test_a_pause_lets_nothing_through(here: Fleet) -> None:
    limit = limits.leaky("l", 5, "day", wait_timeout=0)
    limit.pause(30)
    with pytest.raises(teep.OverLimit) as caught:
        _enter(limit)
    assert caught.value.retry_after == pytest.approx(30, abs=20)
    assert limit.usage().paused_until is not None
    limit.resume()
    _enter(limit)
    assert limit.usage().paused_until is None


def test_an_edited_limit_takes_hold_at_the_next_call_and_stays_apart(here: Fleet) -> None:
    limit = limits.bucket("b", 1, "day", wait_timeout=0)
    limit.set_limit(2)
    _enter(limit)
    _enter(limit)
    with pytest.raises(teep.OverLimit):
        _enter(limit)
    assert (limit.usage().limit, limit.usage().declared) == (2, 1)
    limit.set_limit(None)
    assert limit.usage().limit == 1
    limit.set_limit(0)
    limit.reset()
    with pytest.raises(teep.OverLimit):
        _enter(limit)


@pytest.mark.one_server
def test_a_key_has_a_limit_of_its_own(here: Fleet) -> None:
    limit = limits.concurrent("shop", 1, key=lambda shop: shop, wait_timeout=0)
    with limit.of(7).within_limit(), limit.of(8).within_limit():
        assert [found.name for found in teep.LimiterSet()] == ["shop:7", "shop:8"]


def test_a_large_cost_counts(here: Fleet) -> None:
    limit = limits.window("w", 10, "minute", wait_timeout=0)
    _enter(limit, used=7)
    with pytest.raises(teep.OverLimit):
        _enter(limit, used=4)
    _enter(limit, used=3)
    assert limit.usage().used == 10


@pytest.mark.one_server
def test_a_long_hold_outside_of_a_worker_is_renewed(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, lock_timeout=1, wait_timeout=0)
    with limit.within_limit():
        first = lease_of(here)
        wait_until(lambda: lease_of(here) > first, SOON, "a later end of its lease")
    wait_until(lambda: held._held.keeper is None, SOON, "the thread that renews to end")


@pytest.mark.one_server
def test_a_redis_that_is_gone_at_the_end_is_no_error_of_the_block(
    here: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(Logger, "warning", lambda _self, words, *args, **_: warned.append(words % args))
    limit = limits.concurrent("c", 1)
    with limit.within_limit():
        here.server.command("SET", "taken", "x")
        here.server.command("DEL", "{teep:limit:c}:line")
        here.server.command("SET", "{teep:limit:c}:line", "no zset")
    assert warned == []  # a part that is refused harms nothing
    here.server.command("DEL", "{teep:limit:c}:line")
    _enter(limit)


_KILLED = """
import sys, teep
teep.configure(redis_url=sys.argv[1])
with teep.limits.concurrent("c", 1, lock_timeout=1).within_limit():
    print("inside", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.one_server
def test_a_process_that_is_killed_keeps_its_place_no_longer_than_its_lease(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, lock_timeout=1, wait_timeout=10)
    with Popen([sys.executable, "-c", _KILLED, here.server.url], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"inside\n"
        process.kill()
    _enter(limit)  # within its ten seconds, far fewer than the 30 of a lease by default
    assert limit.usage().reclaimed == 1


@pytest.mark.one_server
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_holds_nothing(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=0)
    with limit.within_limit():
        assert held.leases_of(held.identity(here.config))
        child = os.fork()
        if child == 0:
            os._exit(len(held.leases_of(held.identity(here.config))))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.one_server
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_that_leaves_the_block_leaves_its_parent_inside(here: Fleet) -> None:
    use = limits.concurrent("c", 1).within_limit()
    with use:
        child = os.fork()
        if child == 0:
            try:
                use.__exit__(None, None, None)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert limits.concurrent("c", 1).usage().used == 1


@pytest.mark.one_server
def test_one_that_is_cancelled_while_it_waits_stands_in_nobodys_way(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=SOON)
    first = Entering(limit)
    assert first.inside.wait(SOON)

    async def cancelled() -> None:
        waiting = await _behind(limit)
        while not waiting.done():  # asyncio.wait_for of 3.11, in redis-py, may lose a cancellation
            waiting.cancel()
            await asyncio.wait([waiting], timeout=0.05)
        assert waiting.cancelled()

    asyncio.run(cancelled())
    assert limit.usage().waiting == 0
    third = Entering(limit)
    wait_until(_waiting(limit, 1), SOON, "the third one to wait")
    first.go.set()
    assert third.inside.wait(SOON / 3)  # long before the end of a lease
    third.go.set()


@pytest.mark.one_server
def test_a_place_that_was_called_goes_on_if_its_caller_is_gone(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=SOON)
    driver, bell = driver_for(here.config), keys.limit_bell("c", "me|1")
    caller = Caller("wait", "me|1", bell, ((0, 1),), patience=60_000_000)
    with limit.within_limit():
        (refused,) = driver.execute(store.acquire("me", (limit.declared,), (caller,)))
        assert refused is not True
        second = Entering(limit)
        wait_until(_waiting(limit, 2), SOON, "both to wait")
    assert driver.execute(store.withdraw(limit.declared, bell, "me|1"))
    assert second.inside.wait(SOON / 3)
    second.go.set()


@pytest.mark.parametrize("make", [limits.concurrent, limits.bucket])
def test_a_use_is_entered_once_at_a_time_and_may_be_entered_again(here: Fleet, make: Callable[..., Limit]) -> None:
    use = make("l", 5).within_limit()
    for _ in range(2):
        with use:
            pass
    if make is limits.concurrent:
        with use, pytest.raises(InvalidValue, match=r"this within_limit\(\) of l is entered already"), use:
            pass
        assert make("l", 5).usage().used == 0


@pytest.mark.one_server
def test_points_that_are_no_number_are_refused_at_once(here: Fleet) -> None:
    limit = limits.points("p", 100, 1)
    with limit.within_limit(estimate=50) as use, pytest.raises(InvalidType, match="points_used must be a whole"):
        use.points_used("71")  # type: ignore[arg-type]
    assert limit.usage().used in (49, 50)


@pytest.mark.one_server
def test_those_whose_time_has_come_are_not_overtaken(here: Fleet) -> None:
    limit, minute = limits.leaky("l", 1, 60), 60_000_000
    driver, noon = driver_for(here.config), 1_800_000_000_000_000

    def ask(mode: Mode, now: int, jid: str = "", order: int | None = None) -> bool:
        caller = Caller(mode, f"me|{now}", Key("queue:q"), ((0, 1),), order, jid=jid, queue="q")
        return driver.execute(store.acquire("me", (limit.declared,), (caller,), now)) == [True]

    assert ask("try", noon)
    assert not ask("job", noon + 1, "waits", noon)
    assert not ask("try", noon + minute + 1_000)  # it is about to come
    assert ask("job", noon + minute + 2_000, "waits", noon)
    assert not ask("job", noon + minute + 3_000, "never.comes", noon + 1)
    assert ask("try", noon + 2 * minute + 6_000_000)  # it is gone, then


@pytest.mark.one_server
def test_a_short_call_overtakes_nobody_either(here: Fleet) -> None:
    driver, day = driver_for(here.config), 86_400_000_000
    for limit in (limits.leaky("l", 1, "day", wait_timeout=0), limits.bucket("b", 1, "day", wait_timeout=0)):
        waiting = Caller("job", "me|1", Key("queue:q"), ((0, 1),), 1, jid="j", queue="q")
        _enter(limit)
        assert driver.execute(store.acquire("me", (limit.declared,), (waiting,))) != [True]
        seconds, micros = here.server.command("TIME")  # a day later it has become its turn
        due = int(seconds) * 1_000_000 + int(micros)
        hash_key, line = f"teep:limit:{limit.name}", f"{{teep:limit:{limit.name}}}:line"
        here.server.command("HINCRBY", hash_key, "at", -day)
        here.server.command("HSET", hash_key, "turn", due)
        here.server.command("ZADD", line, -1e16 + due, here.server.command("ZRANGE", line, 0, 0)[0])
        with pytest.raises(teep.OverLimit):
            _enter(limit)
        assert driver.execute(store.acquire("me", (limit.declared,), (waiting,))) == [True]


@pytest.mark.one_server
def test_a_limit_may_lie_in_another_redis(here: Fleet) -> None:
    elsewhere = teep.Config(redis_url=here.server.url.replace("/0", "/5"))
    limit = limits.bucket("b", 1, "day", config=elsewhere, wait_timeout=0)
    _enter(limit)
    assert teep.LimiterSet().size() == 0
    assert [found.name for found in teep.LimiterSet(config=elsewhere)] == ["b"]
    with pytest.raises(teep.errors.InvalidJob, match=r"the limit b of the\.job cannot have a config= of its own"):
        teep.job(name="the.job", limit=limit)(lambda: None)


@pytest.mark.one_server
def test_a_wait_may_be_longer_than_the_patience_with_silent_servers(
    here: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "ANSWER_SECONDS", 0.4)
    limit = limits.concurrent("c", 1, wait_timeout=1.3)
    with limit.within_limit(), pytest.raises(teep.OverLimit):
        _enter(limit)
