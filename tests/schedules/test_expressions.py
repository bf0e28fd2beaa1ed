"""Schedules as they are written: what they mean, in moments and in words, and what is refused, in a sentence."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from teep.errors import InvalidSchedule
from teep.schedules import parse, schedule_of

_FROM = datetime(2026, 6, 1, 12, 34, 56, tzinfo=UTC).timestamp()


def _moments(text: str, count: int = 3, *, name: str = "entry", since: float = _FROM) -> list[str]:
    schedule = schedule_of(*parse(text, None, name), name)
    return [
        f"{datetime.fromtimestamp(tick, UTC):%m-%d %H:%M:%S}" for tick in islice(schedule.ticks(_FROM, since), count)
    ]


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("*/20 * * * *", ["06-01 12:40:00", "06-01 13:00:00", "06-01 13:20:00"]),
        ("*/30 * * * * *", ["06-01 12:35:00", "06-01 12:35:30", "06-01 12:36:00"]),
        ("@hourly", ["06-01 13:00:00", "06-01 14:00:00", "06-01 15:00:00"]),
        ("@daily", ["06-02 00:00:00", "06-03 00:00:00", "06-04 00:00:00"]),
        ("@midnight", ["06-02 00:00:00", "06-03 00:00:00", "06-04 00:00:00"]),
        ("@weekly", ["06-07 00:00:00", "06-14 00:00:00", "06-21 00:00:00"]),
        ("@monthly", ["07-01 00:00:00", "08-01 00:00:00", "09-01 00:00:00"]),
        ("@yearly", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
        ("@annually", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
        ("0 12 L * *", ["06-30 12:00:00", "07-31 12:00:00", "08-31 12:00:00"]),
        ("0 9 * * MON#1", ["07-06 09:00:00", "08-03 09:00:00", "09-07 09:00:00"]),
        ("0 4 * * * Europe/Prague", ["06-02 02:00:00", "06-03 02:00:00", "06-04 02:00:00"]),
        ("@daily America/New_York", ["06-02 04:00:00", "06-03 04:00:00", "06-04 04:00:00"]),
        ("  0   4 * *  * UTC ", ["06-02 04:00:00", "06-03 04:00:00", "06-04 04:00:00"]),
        ("0 0 0 * * MON/2", ["06-03 00:00:00", "06-05 00:00:00", "06-07 00:00:00"]),
        ("@every 10m", ["06-01 12:44:56", "06-01 12:54:56", "06-01 13:04:56"]),
        ("@every 1h30m", ["06-01 14:04:56", "06-01 15:34:56", "06-01 17:04:56"]),
        ("@in 90s", ["06-01 12:36:26"]),
        ("@at 2026-07-01 04:00", ["07-01 04:00:00"]),
        ("@at 2026-07-01 04:00 Europe/Prague", ["07-01 02:00:00"]),
        ("@at 2026-07-01T04:00:00+02:00", ["07-01 02:00:00"]),
        ("@at 2020-01-01", []),
    ],
)
def test_moments(text: str, moments: list[str]) -> None:
    assert _moments(text) == moments


def test_an_interval_counts_from_the_registration_whenever_it_is_asked() -> None:
    schedule = schedule_of("@every 10m", "", "x")
    assert list(islice(schedule.ticks(1000.0, 100.7), 2)) == [1300.0, 1900.0]
    assert next(iter(schedule.ticks(1300.0, 100.7))) == 1900.0
    assert next(iter(schedule.ticks(50.0, 100.7))) == 700.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 4 * * *", "At 04:00 every day"),
        ("*/5 * * * *", "Every fifth minute of every hour"),
        ("@every 10m", "Every 10 minutes"),
        ("@every 1h", "Every hour"),
        ("@every 1d2h3m", "Every 1 day, 2 hours and 3 minutes"),
        ("@in 1h", "Once, 1 hour after its registration"),
        ("@at 2026-07-01 04:00", "Once, at 2026-07-01 04:00:00"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert schedule_of(*parse(text, None, "x"), "x").words() == words


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 4 31 2 *", "'0 4 31 2 *' never fires: no month of it has such a day"),
        ("0 4 31 4,6 *", "never fires"),
        ("@at 1960-01-01", "is not between the years"),
        ("0 0 * 2 1#5,2#5 Europe/Prag", "there is no time zone 'Europe/Prag'; did you mean 'Europe/Prague'?"),
        ("61 * * * *", "'61 * * * *' is no schedule: its minute is wrong; a schedule is five fields such as"),
        ("* * * *", "wrong number of fields"),
        ("H/0 * * * *", "'H/0' is wrong"),
        ("H(9-3) * * * *", "'H(9-3)' is wrong"),
        ("@reboot", "there is no schedule '@reboot'"),
        ("@every", "@every '' is no duration; write it as '@every 90s'"),
        ("@every soon", "@every 'soon' is no duration"),
        ("@every 0s", "is no duration"),
        ("@at noon", "@at 'noon' is no time"),
        ("@at 9999-12-31 23:59", "is not between the years 1971 and 9998"),
        ("@every 99999999999w", "@every '99999999999w' is longer than a hundred years"),
        (f"@in {'9' * 5000}s", "is no duration"),
        ("@every \u0661m", "is no duration"),
        ("", "a schedule is a string"),
        (5, "a schedule is a string"),
    ],
)
def test_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        parse(text, None, "x")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        ("Europe/Prag", "there is no time zone 'Europe/Prag'; did you mean 'Europe/Prague'?"),
        ("America", "there is no time zone 'America'"),
        ("../etc/passwd", "there is no time zone"),
        ("Nowhere", "it is named as 'Europe/Prague' is"),
        (5, "tz must be the name of a time zone, such as 'Europe/Prague', not 5"),
    ],
)
def test_unknown_zones(zone: str, sentence: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        parse("@daily", zone, "x")
    assert sentence in str(caught.value)


def test_a_machine_without_zones_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    with pytest.raises(InvalidSchedule, match="this machine knows none; pip install tzdata"):
        parse("@daily", "Europe/Nowhere", "x")


def test_two_zones_are_one_too_many() -> None:
    with pytest.raises(InvalidSchedule, match="has a time zone of its own, and tz='UTC' is another"):
        parse("@daily Europe/Prague", "UTC", "x")


def test_h_spreads_entries_by_their_names_and_is_the_same_at_each_look() -> None:
    minutes = {name: _moments("H * * * *", 2, name=name) for name in map(str, range(100))}
    assert len({first for first, _ in minutes.values()}) > 30
    assert minutes == {name: _moments("H * * * *", 2, name=name) for name in minutes}
    for first, second in minutes.values():
        assert first.split(":")[1] == second.split(":")[1]


@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_h_with_a_range_and_a_step(name: str) -> None:
    for moment in _moments("0 H(2-4) * * *", 3, name=name):
        assert 2 <= int(moment[6:8]) <= 4
    quarters = [int(moment[9:11]) for moment in _moments("H/15 * * * *", 4, name=name)]
    assert sorted(quarters) == [min(quarters) + 15 * n for n in range(4)]
    assert all(10 <= int(moment[9:11]) <= 29 for moment in _moments("H(10-29)/10 * * * *", 4, name=name))
    assert all(int(moment[3:5]) <= 28 for moment in _moments("0 0 H * *", 12, name=name))


@pytest.mark.parametrize("text", ["0 12 * * THU", "0 0 1 MAR *"])
def test_names_of_days_and_months_are_no_h(text: str) -> None:
    assert _moments(text, 1) == _moments(text, 1, name="another")
