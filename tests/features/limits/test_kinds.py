"""Each kind of limit lets through what it says, at any time: Redis and the limits of tests without it agree."""

import math
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import teep
from teep import limits as kinds
from teep.config import driver_for
from teep.errors import InvalidType, InvalidValue
from teep.features.limits import memory
from teep.features.limits.limit import Limit
from teep.features.limits.memory import Kit
from teep.store import limits
from teep.store.limits import Caller, Refused
from teep.wire.keys import Key
from tests.support import examples
from tests.support.servers import Server
from tests.worker.fleet import Fleet

SECOND = 1_000_000
NOON = 1_800_000_000 * SECOND  # a full minute
BELL = Key("bell")


def ask(here: Fleet, limit: Limit, now: int, cost: int = 1, **how: Any) -> Refused | bool | None:
    """Ask a limit at a time."""
    caller = Caller(**{"mode": "try", "holder": f"me|{now}", "place": BELL, "uses": ((0, cost),), **how})
    (answer,) = driver_for(here.config).run(_asked(limit, caller, now))
    return answer


async def _asked(limit: Limit, caller: Caller, now: int) -> list[limits.Answer]:
    return await limits.acquire("me", (limit.declared,), (caller,), now)


LIMITS = {
    "bucket": kinds.bucket("bucket", 3, "second"),
    "window": kinds.window("window", 3, "second"),
    "leaky": kinds.leaky("leaky", 3, "second"),
    "points": kinds.points("points", 3, 2.0),
}


@contextmanager
def _at(now: int) -> Iterator[None]:
    """Let the limits without Redis take a time for theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "_now", lambda: now)
        yield


@pytest.mark.one_server
@pytest.mark.parametrize("kind", LIMITS)
@given(steps=st.lists(st.tuples(st.integers(0, 700_000), st.integers(1, 3)), max_size=20))
@examples.times(0.5)
def test_both_let_the_same_through_and_name_the_same_time(
    valkey: Server, kind: str, steps: list[tuple[int, int]]
) -> None:
    valkey.flushall()
    limit, kit, now = LIMITS[kind], Kit(), NOON
    with Fleet(valkey) as fleet:
        for pause, cost in steps:
            now += pause
            answer = ask(fleet, limit, now, cost)
            with _at(now):
                until = kit.until(limit.declared, cost)
                if until is None:
                    kit.take(limit.declared, cost, "")
            assert (None if answer is True else answer.until if answer else 0) == until


@pytest.mark.parametrize("kind", ["window", "sixtieths", "leaky", "bucket"])
def test_in_no_time_of_its_length_there_are_more(here: Fleet, kind: str) -> None:
    """Asked each 7 ms for three seconds, it lets as many through as it may, and in no window more."""
    limit = {
        "window": kinds.window("l", 20, 1),
        "sixtieths": Limit("l", "sixtieths", 20, SECOND, kinds.window("l", 1)._options),
        "leaky": kinds.leaky("l", 1, 0.05),
        "bucket": kinds.bucket("l", 20, 1),
    }[kind]
    let = [now for now in range(NOON, NOON + 3 * SECOND, 7_000) if ask(here, limit, now) is True]
    step = SECOND if kind == "bucket" else 1_000
    for start in range(NOON, NOON + 2 * SECOND + 1, step):
        assert sum(start <= now < start + SECOND for now in let) <= 20
    assert len(let) >= {"leaky": 53, "sixtieths": 57}.get(kind, 60)  # 7 ms are not 50: it is asked late each time


def test_a_leaky_bucket_takes_a_burst_and_then_goes_on_evenly(here: Fleet) -> None:
    limit = kinds.leaky("l", 5, 10)
    assert [ask(here, limit, NOON) is True for _ in range(6)] == [True] * 5 + [False]
    late = ask(here, limit, NOON)
    assert isinstance(late, Refused)
    assert (late.until, late.seconds) == (NOON + 2 * SECOND, 2.0)
    assert ask(here, limit, late.until) is True
    assert isinstance(ask(here, limit, late.until), Refused)


def test_points_are_corrected_and_may_go_into_debt(here: Fleet) -> None:
    limit = kinds.points("p", 100, 10, wait_timeout=0)
    with limit.within_limit(estimate=30) as use:
        use.points_used(250)
    usage = limit.usage()
    assert 100 < usage.used <= 250
    with pytest.raises(teep.OverLimit, match="over the limit p; try again in 1"), limit.within_limit(estimate=1):
        pass
    limit.reset()
    with limit.within_limit(estimate=60) as use:
        use.points_used(0)
    assert limit.usage().used == 0


def test_a_concurrent_limit_knows_its_holders_and_their_leases(here: Fleet) -> None:
    limit = kinds.concurrent("c", 2, lock_timeout=30)
    assert [ask(here, limit, NOON + turn, holder=f"me|{turn}") is True for turn in range(3)] == [True, True, False]
    late = ask(here, limit, NOON + 5)
    assert isinstance(late, Refused)
    assert late.until == NOON + 30 * SECOND
    assert ask(here, limit, late.until) is True
    found = teep.LimiterSet(config=here.config).get("c")
    assert found is not None
    assert (found.read.granted, found.read.over, found.read.reclaimed) == (3, 2, 1)


def test_those_that_wait_get_a_time_of_their_own(here: Fleet) -> None:
    limit = kinds.bucket("b", 2, "minute")
    for _ in range(2):
        assert ask(here, limit, NOON) is True
    late = [ask(here, limit, NOON, mode="job", jid=f"j{turn}", queue="q", place=Key("queue:q")) for turn in range(5)]
    times = [answer.until - NOON for answer in late if isinstance(answer, Refused)]
    # No two have the same: a release finds a job in the scheduled set by its time.
    assert times == [minute * 60 * SECOND + turn for minute, turn in ((1, 0), (1, 1), (2, 0), (2, 1), (3, 0))]


@pytest.mark.one_server
def test_a_crowd_that_waits_is_let_in_as_a_whole_and_each_has_a_time_of_its_own(here: Fleet) -> None:
    limit = kinds.bucket("b", 2_500, "day")
    limit.pause(3_600)
    callers = [
        Caller("job", f"me|{turn}", Key("queue:q"), ((0, 1),), turn, jid=f"jid-{turn}-", queue="q")
        for turn in range(2_700)
    ]
    told = driver_for(here.config).execute(limits.acquire("me", (limit.declared,), callers))
    times = {answer.until: turn for turn, answer in enumerate(told) if isinstance(answer, Refused)}
    assert len(times) == 2_700
    for at, turn in times.items():
        here.server.command("ZADD", "schedule", at / 1_000_000, f"jid-{turn}-")
    limit.resume()
    assert len(here.queue("q")) == 2_500
    assert here.queue("q")[-1] == b"jid-0-"


def test_one_that_comes_late_keeps_its_turn(here: Fleet) -> None:
    limit = kinds.leaky("l", 1, 10)
    assert ask(here, limit, NOON) is True

    def job(number: int, now: int) -> Any:
        how: dict[str, Any] = {
            "mode": "job",
            "jid": f"j{number}",
            "order": NOON + number,
            "queue": "q",
            "place": Key("queue:q"),
        }
        answer = ask(here, limit, now, **how)
        return (answer.until - NOON) / SECOND if isinstance(answer, Refused) else answer

    assert [job(number, NOON) for number in range(3)] == [10, 20, 30]
    assert job(0, NOON + 12 * SECOND) is True
    assert job(1, NOON + 20 * SECOND) == 22  # not behind the third one
    assert [job(1, NOON + 22 * SECOND), job(2, NOON + 30 * SECOND), job(2, NOON + 32 * SECOND)] == [True, 32, True]


def test_jobs_ahead_get_nothing_from_a_limit_that_is_half_used(here: Fleet) -> None:
    for limit in (kinds.bucket("b", 4, "day"), kinds.leaky("l", 4, "day"), kinds.concurrent("c", 4)):
        asked = [ask(here, limit, NOON, mode="ahead", holder=f"me|{turn}", jid="j") for turn in range(3)]
        assert asked == [True, True, None], limit
        assert ask(here, limit, NOON, mode="job", holder="me|9", jid="j") is True


def test_several_limits_are_taken_all_or_none(here: Fleet) -> None:
    wide, narrow = kinds.bucket("wide", 10, "day"), kinds.concurrent("narrow", 1)

    async def plan(holder: str) -> list[limits.Answer]:
        caller = Caller("try", holder, BELL, ((0, 1), (1, 1)))
        return await limits.acquire("me", (wide.declared, narrow.declared), (caller,))

    driver = driver_for(here.config)
    assert driver.run(plan("me|1")) == [True]
    (second,) = driver.run(plan("me|2"))
    assert isinstance(second, Refused)
    assert second.place == 1
    assert (wide.usage().used, narrow.usage().used) == (1, 1)


def test_another_kind_under_the_same_name_begins_anew(here: Fleet) -> None:
    for limit in (kinds.window("x", 1, "day"), kinds.concurrent("x", 1), kinds.leaky("x", 1, "day")):
        assert ask(here, limit, NOON) is True
        assert isinstance(ask(here, limit, NOON), Refused)


@pytest.mark.one_server
def test_a_large_window_is_kept_in_sixty_parts(here: Fleet) -> None:
    limit = kinds.window("w", 5_000, "minute")
    for second in range(70):
        assert ask(here, limit, NOON + second * SECOND, 50) is True
    assert here.server.command("ZCARD", "{teep:limit:w}:line") <= 62


def test_a_call_of_nothing_and_of_too_much(here: Fleet) -> None:
    limit = kinds.bucket("b", 5, "day", wait_timeout=0)
    with limit.within_limit(used=0), limit.within_limit(used=5):
        assert limit.usage().used == 5
    with pytest.raises(InvalidValue, match="no more than 5 of b can be used at once"):
        limit.within_limit(used=6)
    with pytest.raises(InvalidValue, match="no more than 1 of c can be used at once"):
        kinds.concurrent("c", 5).within_limit(used=2)


def test_unlimited_has_the_same_methods() -> None:
    limit = kinds.unlimited("any", 5, per="day")
    with limit.within_limit(estimate=1_000) as use:
        use.points_used(5)


@pytest.mark.parametrize(
    ("make", "kind", "sentence"),
    [
        (lambda: kinds.bucket("b", 0), InvalidValue, "the limit of b must be from 1 to 1000000000, not 0"),
        (lambda: kinds.bucket("b", 1.5), InvalidType, "the limit of b must be a whole number, not 1.5"),  # type: ignore[arg-type]
        (lambda: kinds.bucket("", 1), InvalidValue, "the name of a limit must be a string of 1 to 200"),
        (lambda: kinds.bucket("b", 1, "week"), InvalidValue, "per must be second, minute, hour, day or seconds"),  # type: ignore[arg-type]
        (lambda: kinds.window("b", 1, 0), InvalidValue, "per must be from 0.001 to 1000000000 seconds, not 0"),
        (lambda: kinds.points("b", 1, 0), InvalidValue, "refill of b must be points a second above 0"),
        (lambda: kinds.concurrent("b", 1, lock_timeout="x"), InvalidType, "lock_timeout of b must be seconds"),  # type: ignore[arg-type]
        (lambda: kinds.concurrent("b", 1, reschedule=-1), InvalidValue, "reschedule of b must be from 0"),
        (lambda: kinds.bucket("b\0c", 1), InvalidValue, "a limit cannot have a NUL or a lone surrogate"),
        (lambda: kinds.bucket("\ud800", 1), InvalidValue, "a limit cannot have a NUL or a lone surrogate"),
        (lambda: kinds.bucket("b", 1, key="shop"), InvalidType, "key of b must be a function of the job's"),  # type: ignore[arg-type]
        (lambda: kinds.bucket("b", 1, config="redis://"), InvalidType, "config of b must be a Config"),  # type: ignore[arg-type]
        (lambda: kinds.bucket("b", 1, lock_timeout=1), InvalidType, "b has no option 'lock_timeout'; such a"),  # type: ignore[call-arg]
        (lambda: kinds.concurrent("b", 1, wait=1), InvalidType, "b has no option 'wait'; such a limit has config"),  # type: ignore[call-arg]
        (lambda: teep.OverLimit("30"), InvalidType, "retry_after of OverLimit must be seconds, not '30'"),  # type: ignore[arg-type]
        (lambda: teep.OverLimit(math.nan), InvalidValue, "retry_after of OverLimit must be from 0"),
        (lambda: teep.OverLimit(math.inf), InvalidValue, "retry_after of OverLimit must be from 0"),
        (lambda: teep.OverLimit(reschedule="x"), InvalidType, "reschedule of OverLimit must be a whole"),  # type: ignore[arg-type]
        (lambda: kinds.leaky("b", 1).pause(-1), InvalidValue, "a pause must be from 0 to 1000000000 seconds, not -1"),
        (lambda: kinds.leaky("b", 1).set_limit(-1), InvalidValue, "a limit must be from 0 to 1000000000, not -1"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        make()


def test_keys_that_are_written_alike_are_one() -> None:
    limit = kinds.bucket("b", 1, key=lambda key: key)
    assert limit.of(1) is limit.of("1")
    assert limit.of(1).name == "b:1"
    assert limit.of(True).name == "b:True"


def test_the_error_travels_between_processes() -> None:
    told = pickle.loads(pickle.dumps(teep.OverLimit(1.5, limiter="erp", reschedule=3)))
    assert (str(told), told.retry_after) == ("over the limit erp; try again in 1.5 s", 1.5)
    assert (told.limiter, told.reschedule) == ("erp", 3)


def test_limits_are_imported_as_any_module() -> None:
    from teep.limits import bucket

    assert bucket is kinds.bucket is teep.limits.bucket


def test_the_pace_of_a_leaky_bucket_is_never_too_fast() -> None:
    limit = kinds.leaky("l", 7, 1)
    assert memory._pace(limit.declared) == math.ceil(SECOND / 7)
