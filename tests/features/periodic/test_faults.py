"""What goes wrong elsewhere with jobs by the clock, each fault by the issue that told of it, and does not here."""

import time

import pytest

import teep
from teep.store.periodic import entries
from teep.wire.command import Pipeline
from tests.api.trips import sent
from tests.features.periodic.conftest import START, Times

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
    times.turn(clock, START + 10)
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


def test_what_a_failover_has_undone_is_fired_again(times: Times) -> None:
    """A replica that was promoted had not received the last writes; no error tells of it."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    times.turn(clock)
    before = times.server.command("HGETALL", "teep:periodic:last")
    times.turn(clock, START + 60)
    jid = times.jobs()[0]["jid"]
    times.server.command("DEL", "queue:default", "teep:periodic:last")
    times.server.command("HSET", "teep:periodic:last", *(word for pair in before.items() for word in pair))
    times.turn(clock, START + 62)
    assert [job["jid"] for job in times.jobs()] == [jid]


def test_what_a_failover_has_undone_comes_before_the_next_tick(times: Times) -> None:
    """Found by the chaos of clocks: the next tick was due before the clock looked, and hid the undone one."""
    times.create("entry", _EACH_MINUTE)
    clock = times.leader()
    times.turn(clock)
    before = times.server.command("HGETALL", "teep:periodic:last")
    times.turn(clock, START + 60)
    times.server.command("DEL", "queue:default", "teep:periodic:last")
    times.server.command("HSET", "teep:periodic:last", *(word for pair in before.items() for word in pair))
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
