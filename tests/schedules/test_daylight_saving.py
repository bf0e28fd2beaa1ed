"""What clocks that change do to schedules: the table of docs/periodic.md, as `zoneinfo` has the zones."""

from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from teep.schedules import schedule_of

# The zone, the schedule, from when, and the next moments: on the clocks there, with their distance from UTC.
_CASES = [
    # New York, 2026-03-08: 02:00 becomes 03:00. A time that is left out is made up for at the end of the gap.
    ("America/New_York", "30 2 * * *", "2026-03-07 12:00", ["08 03:00-0400", "09 02:30-0400"]),
    ("America/New_York", "0 */2 * * *", "2026-03-08 00:30", ["08 04:00-0400", "08 06:00-0400"]),
    ("America/New_York", "0 2,3 * * *", "2026-03-08 00:30", ["08 03:00-0400", "09 02:00-0400"]),
    ("America/New_York", "*/30 * * * *", "2026-03-08 01:20", ["08 01:30-0500", "08 03:00-0400", "08 03:30-0400"]),
    ("America/New_York", "0 * * * *", "2026-03-08 00:30", ["08 01:00-0500", "08 03:00-0400"]),
    # New York, 2026-11-01: 02:00 becomes 01:00. A time that comes twice is taken the first time; what is hourly or
    # more often runs in both hours (Sidekiq lost the second one, its issue 5049; celery stops or shifts: 6438, 9653).
    ("America/New_York", "30 1 * * *", "2026-11-01 00:00", ["01 01:30-0400", "02 01:30-0500"]),
    ("America/New_York", "0 * * * *", "2026-11-01 00:30", ["01 01:00-0400", "01 01:00-0500", "01 02:00-0500"]),
    ("America/New_York", "*/30 * * * *", "2026-11-01 01:20", [
        "01 01:30-0400", "01 01:00-0500", "01 01:30-0500", "01 02:00-0500",
    ]),
    # Prague: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
    ("Europe/Prague", "30 2 * * *", "2026-03-28 12:00", ["29 03:00+0200", "30 02:30+0200"]),
    ("Europe/Prague", "30 2 * * *", "2026-10-24 12:00", ["25 02:30+0200", "26 02:30+0100"]),
    ("Europe/Prague", "0 4 * * *", "2026-10-24 12:00", ["25 04:00+0100", "26 04:00+0100"]),
    # Lord Howe shifts by half an hour: 2026-10-04 02:00 becomes 02:30, 2026-04-05 02:00 becomes 01:30.
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00", ["04 02:30+1100", "05 02:15+1100"]),
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04 12:00", ["05 01:45+1100", "06 01:45+1030"]),
    ("Australia/Lord_Howe", "*/15 * * * *", "2026-04-05 01:40", [
        "05 01:45+1100", "05 01:30+1030", "05 01:45+1030", "05 02:00+1030",
    ]),
    # Casablanca sets its clocks back for Ramadan: 2026-02-15 03:00 becomes 02:00, 2026-03-22 02:00 becomes 03:00.
    ("Africa/Casablanca", "30 2 * * *", "2026-02-14 12:00", ["15 02:30+0100", "16 02:30+0000"]),
    ("Africa/Casablanca", "30 2 * * *", "2026-03-21 12:00", ["22 03:00+0100", "23 02:30+0100"]),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "text", "start", "moments"), _CASES)
def test_moments_on_days_on_which_clocks_change(zone: str, text: str, start: str, moments: list[str]) -> None:
    clocks = ZoneInfo(zone)
    after = datetime.fromisoformat(start).replace(tzinfo=clocks).timestamp()
    ticks = list(islice(schedule_of(text, zone, "entry").ticks(after, 0.0), len(moments)))
    assert [f"{datetime.fromtimestamp(tick, clocks):%d %H:%M%z}" for tick in ticks] == moments


@pytest.mark.parametrize(("zone", "text", "start", "moments"), _CASES)
def test_it_is_the_same_wherever_a_walk_begins(zone: str, text: str, start: str, moments: list[str]) -> None:
    """A new leader begins at the last tick: it must find the next one, and never one that is over."""
    schedule = schedule_of(text, zone, "entry")
    after = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)).timestamp()
    walk = list(islice(schedule.ticks(after, 0.0), len(moments) + 4))
    for at, tick in enumerate(walk[:-1]):
        assert next(iter(schedule.ticks(tick, 0.0))) == walk[at + 1]
        assert next(iter(schedule.ticks(tick + 1.0, 0.0))) == walk[at + 1]
    assert walk == sorted(set(walk))


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Prague", "Australia/Lord_Howe", "Africa/Casablanca"])
@pytest.mark.parametrize("text", ["30 2 * * *", "45 1 * * *", "15 2 * * *"])
def test_a_daily_job_runs_once_on_every_day_of_the_year(zone: str, text: str) -> None:
    """node-cron skips a day in spring and runs twice in autumn (kelektiv 563), or spins (node-cron 492)."""
    clocks = ZoneInfo(zone)
    start = datetime(2026, 1, 1, tzinfo=clocks).timestamp()
    ticks = islice(schedule_of(text, zone, "entry").ticks(start, 0.0), 365)
    days = [datetime.fromtimestamp(tick, clocks).date() for tick in ticks]
    assert len(set(days)) == 365
    assert (days[-1] - days[0]).days == 364


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Prague", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_an_hourly_job_follows_the_time_that_passes(zone: str) -> None:
    """On the days on which a clock changes somewhere, and around them."""
    schedule = schedule_of("*/30 * * * *", zone, "entry")
    for day in (
        "2026-02-15",
        "2026-03-08",
        "2026-03-22",
        "2026-03-29",
        "2026-04-05",
        "2026-10-04",
        "2026-10-25",
        "2026-11-01",
    ):
        start = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() - 86_400
        ticks = list(islice(schedule.ticks(start, 0.0), 3 * 48))
        assert {later - tick for tick, later in pairwise(ticks)} == {1800.0}


def test_a_walk_that_begins_in_the_hour_that_comes_again_takes_nothing_twice() -> None:
    """It is the moment in which 02:00 becomes 01:30: 01:30:10 has been."""
    clocks = ZoneInfo("Australia/Lord_Howe")
    begin = datetime(2026, 4, 5, 1, 30, tzinfo=clocks, fold=1).timestamp()
    tick = next(iter(schedule_of("10 30 1 * * *", "Australia/Lord_Howe", "entry").ticks(begin, 0.0)))
    assert datetime.fromtimestamp(tick, clocks) == datetime(2026, 4, 6, 1, 30, 10, tzinfo=clocks)
