"""What goes wrong elsewhere with jobs by the clock, each fault by the issue that told of it, and does not here."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from teep.schedules import kinds
from teep.store.periodic import entries
from teep.wire.command import Pipeline
from tests.api.trips import sent
from tests.features.periodic.conftest import START, SetClock, Times

pytestmark = pytest.mark.one_server

_EACH_MINUTE = "* * * * *"


def test_a_tick_in_the_gap_between_two_leaders_is_fired_by_the_next(times: Times) -> None:
    """Sidekiq 6758 (8 ms), 6804 (a leader steps down at 09:59:57, the next one comes at 10:00:00.7)."""
    times.create("entry", _EACH_MINUTE)
    times.turn(times.leader(at=START + 57))
    times.turn(times.leader(at=START + 60.008))
    assert times.ticks() == [60]


def test_a_leader_that_was_starved_fires_late_and_says_for_which_moment(times: Times) -> None:
    """Sidekiq 6560."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    times.turn(clock)
    times.turn(clock, START + 60 + 45)
    assert times.ticks() == [60]


def test_leaders_that_come_and_go_fire_no_old_tick(times: Times) -> None:
    """Sidekiq 3974: one that comes back goes on from what it had in hand."""
    times.create("entry", _EACH_MINUTE, catch_up="all")
    first, second = times.leader(), times.leader()
    times.turn(first)
    times.turn(second, START + 60)
    times.turn(second, START + 120)
    first.at = START + 121
    first.run_once()
    assert times.ticks() == [60, 120]


def test_two_leaders_after_a_failover_fire_once(times: Times) -> None:
    """Sidekiq 3773."""
    times.create("entry", _EACH_MINUTE)
    clocks = [times.leader(), times.leader()]
    for clock in clocks:
        times.turn(clock)
    for clock in clocks:
        clock.at = START + 60
        clock.run_once()
    assert times.ticks() == [60]


@pytest.mark.parametrize("drift", [-90.0, 90.0])
def test_the_clock_of_a_host_does_not_matter(times: Times, drift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """sidekiq-cron 81, 84, 137: hosts whose clocks drift fire twice, or at other times."""
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + drift)
    clock = times.leader()
    clock._look()
    assert abs(type(clock).__mro__[1]._now(clock) - real()) < 1.0  # type: ignore[attr-defined]


def test_an_entry_that_gets_another_name_fires_under_one_of_them_in_the_end(times: Times) -> None:
    """sidekiq-cron leaves a twin behind."""
    before, after = times.config.copy(), times.config.copy()
    before.periodic(_EACH_MINUTE, "SomeJob", name="old")
    after.periodic(_EACH_MINUTE, "SomeJob", name="new")
    times.turn(times.leader(before))
    for _ in range(2):
        times.turn(times.leader(after))
    assert [entry.name for entry in teep.PeriodicSet(config=times.config)] == ["new"]


def test_looking_for_changes_walks_through_no_keys(times: Times) -> None:
    """sidekiq-cron 516: it polled with KEYS. Here it is one round trip, whatever there is."""
    for number in range(20):
        times.create(f"entry-{number}", "0 4 * * *")
    clock = times.leader()
    times.turn(clock)
    with sent() as round_trips:
        clock._look()
    (trip,) = round_trips
    assert isinstance(trip, Pipeline)
    assert [each.args[0] for each in trip.commands] == ["GET", "HGET", "TIME"]


def test_a_timer_that_wakes_too_early_fires_nothing_and_then_once(times: Times) -> None:
    """GoodJob 1543: woken microseconds before the moment, it enqueued twice."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    times.turn(clock)
    for at in (59.999_999, 59.999_999_9, 60.0, 60.000_001):
        clock.at = START + at
        clock.run_once()
    assert times.ticks() == [60]


def test_a_tick_during_a_deploy_is_caught_up(times: Times) -> None:
    """GoodJob 1484: no process runs for two minutes."""
    config = times.config.copy()
    config.periodic("0 * * * *", "SomeJob", name="entry")
    times.turn(times.leader(config, at=START + 3590))
    times.turn(times.leader(config, at=START + 3710))
    assert times.ticks() == [3600]


def test_entries_that_redis_has_lost_come_back(times: Times) -> None:
    """redbeat 291: an entry was evicted, and its schedule was dropped without a word."""
    config = times.config.copy()
    config.periodic(_EACH_MINUTE, "SomeJob", name="entry")
    clock = times.leader(config)
    times.turn(clock)
    times.server.command("FLUSHALL")
    times.turn(clock, START + 10)  # the lease is gone, too
    times.server.command("SET", "teep:leader", "me")  # its next heartbeat, of the same term
    times.turn(clock, START + 11)
    times.turn(clock, START + 60)
    assert times.ticks() == [60]


def test_a_clock_whose_process_leads_no_longer_rests_and_goes_on_when_it_leads_again(times: Times) -> None:
    """celery's beat with redbeat dies of LockNotOwnedError."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    clock.turn()
    clock.leadership.end()
    clock.at = START + 60
    clock.turn()
    assert (times.jobs(), times.errors) == ([], [])
    clock.leadership.renew(99, float("inf"))
    clock.turn()
    clock.turn()
    assert times.ticks() == [60]


def test_an_old_leader_with_an_old_definition_fires_nothing(times: Times) -> None:
    times.create("entry", _EACH_MINUTE, "Old")
    old = times.leader()
    times.turn(old)
    times.create("entry", "*/2 * * * *", "New", at=START + 30)
    old.at, old._look_at = START + 60, float("inf")
    old.run_once()
    assert times.jobs() == []


def test_removed_entries_leave_nothing_behind(times: Times) -> None:
    """Sidekiq 3322: stale data stays in the UI."""
    times.create("entry", _EACH_MINUTE)
    times.turn(times.leader(at=START + 60))
    driver = times.component().driver
    assert driver.run(entries.remove("entry"))
    assert not driver.run(entries.remove("entry"))
    assert set(times.server.command("KEYS", "*periodic*")) == {b"teep:periodic:version"}


def _fail_over_after_a_tick(times: Times, clock: SetClock) -> str:
    """Fire a tick at a server whose replica does not receive it, and is promoted; returns the jid of its job."""
    before = times.server.command("HGETALL", "teep:periodic:last")
    times.turn(clock, START + 60)
    (job,) = times.jobs()
    times.server.command("DEL", "queue:default", "teep:periodic:last")
    times.server.command("HSET", "teep:periodic:last", *(word for pair in before.items() for word in pair))
    return str(job["jid"])


def test_what_a_failover_has_undone_is_fired_again(times: Times) -> None:
    """A replica that was promoted had not received the last writes; no error tells of it."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    times.turn(clock)
    jid = _fail_over_after_a_tick(times, clock)
    times.turn(clock, START + 62)
    assert [job["jid"] for job in times.jobs()] == [jid]


def test_what_a_failover_has_undone_comes_before_the_next_tick(times: Times) -> None:
    """Found by the chaos of clocks: the next tick was due before the clock looked, and hid the undone one."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    times.turn(clock)
    _fail_over_after_a_tick(times, clock)
    clock.at, clock._look_at = START + 120, float("inf")
    clock.run_once()
    clock.run_once()
    assert times.ticks() == [120]
    times.create("other", _EACH_MINUTE, catch_up="all", at=START + 120)
    times.turn(clock)
    times.server.command("HSET", "teep:periodic:last", "other", repr(START + 120.0))
    times.turn(clock, START + 180)
    times.turn(clock, START + 240)
    times.server.command("HSET", "teep:periodic:last", "other", repr(START + 180.0))
    clock.at, clock._look_at = START + 300, float("inf")
    clock.run_once()
    clock.run_once()
    assert sorted(job["tick"] - START for job in times.jobs() if job["periodic"] == "other") == [180, 240, 240, 300]


@pytest.mark.parametrize("declares", ["same", "other"])
def test_a_leader_that_froze_while_it_published_changes_nothing_any_more(times: Times, declares: str) -> None:
    """It stood still between reading and writing; meanwhile another one leads, which declares other entries."""
    before, after = times.config.copy(), times.config.copy()
    before.periodic(_EACH_MINUTE, "Old", name="kept" if declares == "same" else "old")
    after.periodic(_EACH_MINUTE, "New", name="kept")
    new = times.leader(after)
    times.turn(new)
    thawed = times.leader(before)
    thawed.leadership.term += 2  # so that it would remove what it does not declare
    times.server.command("SET", "teep:leader", "another")
    seen = times.server.command("HGETALL", "teep:periodic:seen")
    times.turn(thawed)
    assert [(entry.name, entry.klass) for entry in teep.PeriodicSet(config=times.config)] == [("kept", "New")]
    assert times.server.command("HGETALL", "teep:periodic:seen") == seen


@pytest.mark.parametrize(
    "change",
    [{"tz": "Mars/Base"}, {"schedule": "at five"}, {"since": 1e300}, {"grace": "x"}, {"catch_up": "most"}],
)
def test_an_entry_that_this_machine_cannot_read_stops_no_other(
    times: Times, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """An image without time zones, or a later version's schedule: sidekiq-cron and beat fall over such entries."""
    times.create("fine", _EACH_MINUTE)
    times.create("strange", _EACH_MINUTE)
    raw = json.loads(times.server.command("HGET", "teep:periodic", "strange"))
    times.server.command("HSET", "teep:periodic", "strange", json.dumps(raw | change))
    clock = times.leader()
    with caplog.at_level(logging.ERROR, "teep"):
        times.turn(clock, START + 60)
    times.turn(clock, START + 120)
    assert times.ticks() == [60, 120]
    (told,) = caplog.records
    assert told.message.startswith("the periodic job 'strange' is not fired: ")


def test_ticks_after_one_that_is_refused_wait_with_it(times: Times) -> None:
    """Else the clock would ask Redis again and again, without a pause."""
    times.create("entry", "* * * * * *", catch_up="all")
    times.server.command("SET", "queue:default", "not a list")
    clock = times.leader()
    clock.run_once()
    clock.at = START + 3.5
    with sent() as round_trips:
        for _ in range(5):
            clock.run_once()
    assert len(round_trips) <= 4  # all at once, and then each alone
    assert clock.pause() > 0.0
    times.server.command("DEL", "queue:default")
    times.turn(clock, START + 9.5)
    assert times.ticks() == list(range(1, 10))


def test_ticks_after_one_that_overlaps_pass_each_once(times: Times) -> None:
    times.create("entry", "* * * * * *", catch_up="all", overlap="skip")
    clock = times.leader(at=START + 4.5)
    clock.run_once()
    assert (times.ticks(), times.states("entry")) == ([1], ["overlap"] * 3 + ["queued"])
    assert times.server.command("HGET", "teep:periodic:last", "") == b"4"


@pytest.mark.parametrize(("catch_up", "fired"), [("latest", 1), ("all", 100), ("none", 10)])
def test_the_work_depends_on_what_is_fired_not_on_what_was_missed(
    times: Times, catch_up: str, fired: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grace of a year, and no worker for a year: thirty million ticks."""
    year = 365 * 86_400
    counted = _count_ticks(monkeypatch)
    schedule = "* * * * *" if catch_up == "latest" else "* * * * * *"
    times.create("entry", schedule, catch_up=catch_up, grace=2 * year)
    times.turn(times.leader(at=START + year + 30.5))
    assert (len(times.jobs()), times.states("entry")[-1]) == (fired, "missed" if fired < 25 else "queued")
    assert len(counted) < 1_000


def _count_ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    counted: list[float] = []
    ticks = kinds.Cron.ticks

    def counting(self: kinds.Cron, after: float, since: float) -> Iterator[float]:
        for tick in ticks(self, after, since):
            counted.append(tick)
            yield tick

    monkeypatch.setattr(kinds.Cron, "ticks", counting)
    return counted


def test_many_ticks_are_prepared_as_they_are_fired(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand entries that catch up with a hundred ticks each: a million jobs do not lie in memory."""
    for name in ("a", "b", "c"):
        times.create(name, "* * * * * *", catch_up="all")
    clock = times.leader()
    prepared: list[float] = []
    most = 0
    shot, carry_out = clock._shot, clock._carry_out

    def counting(*args: Any) -> Any:
        prepared.append(args[1])
        return shot(*args)

    def carrying(shots: Any, now: float) -> None:
        nonlocal most
        most = max(most, len(prepared))
        carry_out(shots, now)
        del prepared[: len(shots)]

    monkeypatch.setattr(clock, "_shot", counting)
    monkeypatch.setattr(clock, "_carry_out", carrying)
    times.turn(clock, START + 200.5)
    assert len(times.jobs()) == 300
    assert most <= 200
