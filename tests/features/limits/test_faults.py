"""Faults of other limiters, each with the issue in which it was reported, that these do not have."""

import json
import threading
import time
from typing import Any

import pytest

import teep
from teep import encryption, limits
from teep.config import driver_for
from teep.encryption import values
from teep.features.limits.limit import Limit
from teep.store import limits as store
from teep.wire.keys import Key
from tests.features.limits.conftest import lease_of
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


def _enter(limit: Limit) -> None:
    with limit.within_limit():
        pass


def _is_over(limit: Limit) -> bool:
    try:
        _enter(limit)
    except teep.OverLimit:
        return True
    return False


def test_a_limit_that_is_fully_lent_comes_back(here: Fleet) -> None:
    """sidekiq#6185, #2617: a list of free tokens that was lent whole did not exist, and was made anew or never."""
    limit = limits.concurrent("c", 3, wait_timeout=0)
    uses = [limit.within_limit() for _ in range(3)]
    for use in uses:
        use.__enter__()
    assert _is_over(limit)
    for use in uses:
        use.__exit__()
    assert [
        key for key in here.server.command("KEYS", "*limit*") if b"line" in key
    ] == []  # nothing says what is free
    assert not _is_over(limit)
    assert limit.usage()[:2] == (0, 3)


def test_a_new_size_in_code_takes_hold_at_once_and_old_jobs_bring_none_back(here: Fleet) -> None:
    """sidekiq#4857."""
    small, large = (limits.bucket("b", size, "day", wait_timeout=0) for size in (1, 3))
    assert [_is_over(small), _is_over(small)] == [False, True]
    assert [_is_over(large), _is_over(large), _is_over(large)] == [False, False, True]
    assert _is_over(small)  # an old process is told by its own size
    here.server.command("HINCRBY", "teep:limit:b", "used", -1)
    assert not _is_over(large)


def test_a_job_longer_than_its_lease_does_not_break_the_limit(here: Fleet) -> None:
    """sidekiq#4090, #4105: the heartbeat renews the lease."""
    limit = limits.concurrent("c", 1, wait_timeout=0)
    go, runs = threading.Event(), threading.Semaphore(0)

    @teep.job(name="long", limit=limit)
    def long() -> None:
        runs.release()
        assert go.wait(SOON)

    here.start(heartbeat_interval=0.1)
    here.push(long)
    assert runs.acquire(timeout=SOON)
    first = lease_of(here)
    wait_until(lambda: lease_of(here) > first, SOON, "a later end of its lease")
    assert _is_over(limit)
    go.set()


def test_a_release_wakes_one(here: Fleet) -> None:
    """sidekiq#2944: all that waited asked again at each release."""
    limit = limits.concurrent("c", 1, wait_timeout=SOON)
    inside = threading.Semaphore(0)
    go = [threading.Event() for _ in range(4)]

    def enter(number: int) -> None:
        with limit.within_limit():
            inside.release()
            assert go[number].wait(SOON)

    threads = []
    for number in range(4):
        threads.append(threading.Thread(target=enter, args=(number,), daemon=True))
        threads[-1].start()
        wait_until(lambda: limit.usage().used + limit.usage().waiting == len(threads), SOON, "it to come")
    before = limit.usage().over
    for event in go:
        assert inside.acquire(timeout=SOON)
        event.set()
    for thread in threads:
        thread.join(SOON)
    # Each was refused once, when it came, and let in when it was woken.
    assert (limit.usage().granted, limit.usage().over) == (4, before)


def test_each_key_has_a_time_to_live_from_its_first_write(here: Fleet) -> None:
    """sidekiq#3323: keys of dynamic names were kept for ever."""
    kinds = [
        limits.concurrent("c", 1), limits.bucket("b", 1), limits.window("w", 1), limits.window("large", 5_000),
        limits.leaky("l", 1), limits.points("p", 9, 1), limits.bucket("tenant", 1, key=lambda tenant: tenant).of(7),
    ]  # fmt: skip
    for limit in kinds:
        with limit.within_limit():
            endless = [key for key in here.server.command("KEYS", "*") if here.server.command("PTTL", key) < 0]
            assert endless == []
    limits.leaky("not.known", 1).pause(5)
    limits.leaky("not.known.either", 1).set_limit(5)
    with limits.concurrent("c", 1).within_limit(), pytest.raises(teep.OverLimit):
        _enter(limits.concurrent("c", 1, wait_timeout=0.1))
    endless = [key for key in here.server.command("KEYS", "*") if here.server.command("PTTL", key) < 0]
    assert endless == []
    assert here.server.command("TTL", "teep:limit:tenant:7") <= 86_400


def test_a_line_that_only_waiting_jobs_are_in_ends_by_itself(here: Fleet) -> None:
    limit = limits.concurrent("c", 1)
    limit.set_limit(0)

    @teep.job(name="limited", limit=limit)
    def limited() -> None: ...

    here.start()
    here.push(limited)
    wait_until(lambda: limit.usage().waiting == 1, SOON, "it to wait")
    assert here.server.command("PTTL", "{teep:limit:c}:line") > 0


def test_points_are_known_until_all_have_come_back() -> None:
    of_tenant = limits.points("p", 1_000_000, 1, key=lambda tenant: tenant).of(7)
    assert of_tenant.declared.ttl >= 2 * 1_000_000_000


def test_a_key_of_a_limit_lives_on_while_it_is_used(here: Fleet) -> None:
    limit = limits.leaky("l", 5, 1, ttl=100)
    _enter(limit)
    here.server.command("PEXPIRE", "teep:limit:l", 1_000)
    driver = driver_for(here.config)
    now = int(time.time() * 1_000_000) + 30_000_000  # more than a quarter of its time later
    caller = store.Caller("try", "me", Key("bell"), ((0, 1),))
    driver.execute(store.acquire("me", (limit.declared,), (caller,), now))
    assert here.server.command("PTTL", "teep:limit:l") > 90_000


def test_a_wait_is_longer_than_a_socket_may_be_silent(here: Fleet) -> None:
    """sidekiq#5611, #5838, #6188: a wait ended in a ReadTimeout. Here it is in slices with timeouts of their own.

    See `test_a_wait_may_be_longer_than_the_patience_with_silent_servers`.
    """
    bell = Key("bell")
    command = store.awaited(bell, 0.3)
    assert command.block == 0.3
    began = time.monotonic()
    assert driver_for(here.config).execute(command) is None
    assert time.monotonic() - began >= 0.25


def test_the_stored_bytes_come_again_not_what_the_run_made_of_them(here: Fleet) -> None:
    """sidekiq#5859: the arguments that a failed run had changed were stored."""

    @teep.job(name="changes")
    def changes(names: list[str]) -> None:
        names.append("changed")
        teep.current_job().payload["own"] = "changed"  # type: ignore[union-attr, index]
        raise teep.OverLimit(retry_after=60)

    here.start()
    here.push(changes, ["a"])
    wait_until(lambda: here.members("schedule"), SOON, "it to be scheduled")
    item = json.loads(here.members("schedule")[0])
    assert (item["args"], item.get("own")) == ([["a"]], None)


def test_an_encrypted_argument_is_not_encrypted_again(here: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """sidekiq#3368."""
    monkeypatch.setattr(values, "_keyring", None)
    encryption.enable(active_version=1, key={1: b"k" * 32})
    seen: list[Any] = []
    limit = limits.leaky("l", 1, 60)

    @teep.job(name="secret", encrypt=True, limit=limit)
    def secret(_number: int, word: str) -> None:
        seen.append(word)
        if len(seen) == 1:
            raise teep.OverLimit(retry_after=60)

    pushed = here.client.push(secret.to_payload((1, "word"), {}))
    assert pushed
    before = json.loads(here.queue()[0])["args"]
    here.start()
    wait_until(lambda: len(here.members("schedule")) == 1 and seen, SOON, "it to run into the limit")
    teep.ScheduledSet().retry_all()  # refused before its run, this time
    wait_until(lambda: limit.usage().over == 1, SOON, "its refusal")
    wait_until(lambda: len(here.members("schedule")) == 1, SOON, "it to wait")
    assert json.loads(here.members("schedule")[0])["args"] == before
    limit.reset()
    wait_until(lambda: seen == ["word", "word"], SOON, "its second run")


def test_the_clock_is_that_of_redis_in_whole_microseconds(here: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enterprise 1.7.1, 1.7.2: a clock of the caller's, which went back."""
    limit = limits.window("w", 1, 3_600, wait_timeout=0)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    _enter(limit)
    monkeypatch.setattr(time, "time", lambda: 9e9)
    assert _is_over(limit)
    ((_, score),) = here.server.command("ZRANGE", "{teep:limit:w}:line", 0, -1, "WITHSCORES")
    seconds, micros = here.server.command("TIME")
    assert float(score).is_integer()
    assert 0 <= int(seconds) * 1_000_000 + int(micros) - score < 60_000_000


def test_a_clock_that_goes_back_lets_no_more_through(here: Fleet) -> None:
    driver = driver_for(here.config)
    kinds = (
        limits.window("w", 2, 60),
        limits.leaky("l", 2, 60),
        limits.concurrent("c", 2),
        limits.bucket("b", 2, 60),
    )
    for limit in kinds:
        let = 0
        for turn in range(100):  # more than a minute of the clock
            now = 1_800_000_000_000_000 - turn * 1_000_000
            caller = store.Caller("try", f"me|{turn}", Key("bell"), ((0, 1),))
            let += driver.execute(store.acquire("me", (limit.declared,), (caller,), now)) == [True]
        assert 1 <= let <= 2, limit


def test_a_short_call_lets_no_more_through_either_if_the_clock_goes_back(here: Fleet) -> None:
    limit = limits.bucket("b", 2, 60, wait_timeout=0)
    _enter(limit)
    here.server.command("HINCRBY", "teep:limit:b", "at", 60_000_000)  # as if the clock had been a minute ahead
    assert [_is_over(limit), _is_over(limit)] == [False, True]


def test_another_interval_begins_a_bucket_anew(here: Fleet) -> None:
    driver, caller = driver_for(here.config), store.Caller("try", "me", Key("bell"), ((0, 1),))
    now = 1_800_000_000_000_000
    for per in (60, 86_400, 1):
        limit = limits.bucket("b", 1, per)
        assert driver.execute(store.acquire("me", (limit.declared,), (caller,), now)) == [True]
        (refused,) = driver.execute(store.acquire("me", (limit.declared,), (caller,), now))
        assert isinstance(refused, store.Refused)
        assert refused.until == (now // (per * 1_000_000) + 1) * per * 1_000_000


def test_looking_does_not_hide_what_was_reclaimed(here: Fleet) -> None:
    limit = limits.concurrent("c", 1, wait_timeout=0)
    driver, caller = driver_for(here.config), store.Caller("try", "gone|1", Key("bell"), ((0, 1),))
    driver.execute(store.acquire("gone", (limit.declared,), (caller,), 1_000_000))  # long ago
    assert [limit.usage().reclaimed, limit.usage().reclaimed] == [1, 1]


def test_a_wait_in_vain_is_counted_as_a_wait(here: Fleet) -> None:
    """sidekiq#6653: only those were counted that got in, so a limit far too small seemed to have no waits."""
    limit = limits.concurrent("c", 1, wait_timeout=0.1)
    with limit.within_limit():
        for _ in range(3):
            assert _is_over(limit)
    assert limit.usage()._replace(reclaimed=0) == limit.usage()._replace(granted=1, waited=3)
    assert limit.usage().waiting == 0


def test_a_limit_in_a_redis_of_its_own(here: Fleet) -> None:
    """sidekiq#7060, open: see `test_a_limit_may_lie_in_another_redis`."""
    config = teep.Config(redis_url=here.server.url.replace("/0", "/6"))
    limit = limits.leaky("l", 1, config=config)
    _enter(limit)
    assert limit.usage().used == 1
    assert teep.LimiterSet(config=config).size() == 1


def test_refused_moves_of_jobs_that_wait_lose_none(here: Fleet) -> None:
    """A place is left while the queue's key is of another type: the job stays in the scheduled set."""
    limit = limits.concurrent("c", 1)
    go = threading.Event()

    @teep.job(name="limited", limit=limit)
    def limited(_number: int) -> None:
        assert go.wait(SOON)

    worker = here.start()
    for number in range(2):
        here.push(limited, number)
    wait_until(
        lambda: len(here.members("schedule")) == 1 and limit.usage().used == 1, SOON, "one to run, one to wait"
    )
    here.server.command("SET", "queue:default", "no list")
    worker.quiet()
    go.set()
    wait_until(lambda: limit.usage().used == 0, SOON, "the place to be free")
    assert len(here.members("schedule")) == 1
    assert here.server.command("GET", "queue:default") == b"no list"


def test_a_release_ends_though_nothing_may_leave_the_line(here: Fleet) -> None:
    """A place is left while ZREM is refused, and the first one in the line is gone: the script once had no end."""
    limit = limits.concurrent("c", 1)
    go = threading.Event()

    @teep.job(name="limited", limit=limit)
    def limited(_number: int) -> None:
        assert go.wait(SOON)

    here.start()
    for number in range(2):
        here.push(limited, number)
    wait_until(
        lambda: len(here.members("schedule")) == 1 and limit.usage().used == 1, SOON, "one to run, one to wait"
    )
    here.server.command("DEL", "schedule")
    here.server.command("ACL", "SETUSER", "default", "-zrem")
    go.set()
    try:
        here.wait_until_processed(1)
    finally:
        here.server.command("ACL", "SETUSER", "default", "+zrem")
    assert here.server.command("PING")
