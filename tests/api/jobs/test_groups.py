"""A set's jobs counted by class and error, and the small verbs of sets: pop_each and delete_by_value."""

import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

import teep
from teep import JobGroup, JobGroups
from teep.store.jobs import grouping
from teep.wire import scripts
from teep.wire.keys import Key
from tests.api.sides import Side, jid, job, raw
from tests.api.trips import sent

Kind = tuple[str, str]

ODD: dict[bytes, Kind] = {
    b"no json": ("", ""),
    b"[1]": ("", ""),
    b"7": ("", ""),
    b"null": ("", ""),
    b'{"args":[]}': ("", ""),
    b'{"class":7,"error_class":["E"]}': ("", ""),
    b'{"class":"Deep","args":' + b"[" * 1_100 + b"]" * 1_100 + b"}": ("", ""),
    b'{"class":"Big","args":[1' + b"0" * 400 + b'],"jid":"big"}': ("Big", ""),
    b'{"class":"Half","args":["\\ud800"]}': ("", ""),
    b'{"class":"Caf\\u00e9","error_class":"\\u00dcbel"}': ("Café", "Übel"),
    '{"class":"Café","error_class":"Übel","args":[]}'.encode(): ("Café", "Übel"),
    b'{"class":"Wrapper","wrapped":"Mine"}': ("Mine", ""),
    b'{"class":"Wrapper","wrapped":"Mine","display_class":"Shown"}': ("Shown", ""),
    b'{"class":"Plain","wrapped":null,"display_class":null,"error_class":null}': ("Plain", ""),
}


def counted(side: Side, name: str = "RetrySet") -> dict[Kind, int]:
    groups = side.run(getattr(side, name)().groups())
    assert len({(group.klass, group.error_class) for group in groups}) == len(groups)
    assert groups == sorted(groups, key=lambda group: (-group.count, group.klass, group.error_class))
    return {(group.klass, group.error_class): group.count for group in groups}


def random_jobs(seed: int, count: int) -> dict[bytes, float]:
    """Jobs of few classes and errors, most of them at one of few times."""
    chance = random.Random(seed)
    jobs: dict[bytes, float] = {}
    for number in range(count):
        fields: dict[str, Any] = {"class": chance.choice("ABC")}
        if chance.random() < 0.8:
            fields["error_class"] = chance.choice(["E::One", "E::Two"])
        if chance.random() < 0.2:
            fields["wrapped"] = chance.choice("AX")
        jobs[raw(job(number, **fields))] = chance.choice([5.0, 1_000.25, 2e9, chance.random() * 1e9])
    return jobs


def key_of(payload: bytes) -> Kind:
    item = json.loads(payload)
    return item.get("wrapped") or item["class"], item.get("error_class", "")


@pytest.mark.parametrize("count", [0, 1, grouping.SLICE, grouping.SLICE + 1, 3_500])
def test_groups_are_what_a_count_in_python_gives(side: Side, count: int) -> None:
    jobs = random_jobs(count, count)
    if jobs:
        side.server.client.zadd("retry", jobs)
    assert counted(side) == Counter(map(key_of, jobs))
    for group in side.run(side.RetrySet().groups()):
        scores = [score for payload, score in jobs.items() if key_of(payload) == (group.klass, group.error_class)]
        assert (group.newest.timestamp(), group.oldest.timestamp()) == (
            pytest.approx(max(scores), abs=1e-5), pytest.approx(min(scores), abs=1e-5),
        )  # fmt: skip
        assert group.newest.tzinfo is UTC
        assert key_of(group.sample.raw) == (group.klass, group.error_class)
        assert jobs[group.sample.raw] == group.sample.score == max(scores)


@pytest.mark.parametrize("count", [0, 1, grouping.SLICE, grouping.SLICE + 1, 3_500])
def test_groups_of_a_queue_are_what_a_count_in_python_gives(side: Side, count: int) -> None:
    jobs = [*random_jobs(count, count)]
    if jobs:
        side.server.command("LPUSH", "queue:default", *jobs)
    assert counted(side, "Queue") == Counter(map(key_of, jobs))
    for group in side.run(side.Queue().groups()):
        own = [payload for payload in jobs if key_of(payload) == (group.klass, group.error_class)]
        assert group.sample.raw == own[-1]
        assert (type(group.sample), group.sample.queue) == (side.kind("JobRecord"), "default")


def test_the_times_of_a_queues_groups_are_when_they_were_enqueued_else_created(side: Side) -> None:
    side.push(
        job(1, enqueued_at=5.5),
        job(2, enqueued_at=7_000, created_at=1.0),
        job(3, created_at=9.0),
        job(4, **{"class": "Other"}),
        "no job",
    )
    groups = {group.klass: group for group in side.run(side.Queue().groups())}
    start = datetime.fromtimestamp(0, UTC)
    times = {name: ((group.oldest - start).total_seconds(), (group.newest - start).total_seconds())
             for name, group in groups.items()}  # fmt: skip
    assert times == {"Noop": (5.5, 9.0), "Other": (0.0, 0.0), "": (0.0, 0.0)}
    assert groups["Noop"].sample.args == [3]


def test_a_queue_that_changes_meanwhile_is_counted_as_it_was(side: Side) -> None:
    """Between two slices jobs are pushed, and some of those that tell where to read on are deleted."""
    side.push(*(job(number) for number in range(3_500)))
    read = scripts.list_groups
    gone = 0

    def disturbed(key: Key, position: int, count: int, anchors: list[bytes]) -> Any:
        nonlocal gone
        side.push(*(job(number, **{"class": "New"}) for number in range(10_000, 10_700)))
        if anchors:
            gone += sum(side.server.command("LREM", "queue:default", 1, anchor) for anchor in anchors[1:4])
        return read(key, position, count, anchors)

    with patch.object(scripts, "list_groups", disturbed):
        found = counted(side, "Queue")
    # What is pushed before the first slice is read is there, and what is deleted was counted before it went.
    assert found == {("Noop", ""): 3_500, ("New", ""): 700}
    assert gone >= 9


def test_a_queue_whose_rest_was_taken_meanwhile_is_counted_to_there(side: Side) -> None:
    side.push(*(job(number) for number in range(2_500)))
    read = scripts.list_groups

    def disturbed(key: Key, position: int, count: int, anchors: list[bytes]) -> Any:
        if anchors:
            side.server.command("DEL", "queue:default")
        return read(key, position, count, anchors)

    with patch.object(scripts, "list_groups", disturbed):
        assert counted(side, "Queue") == {("Noop", ""): grouping.SLICE}


@pytest.mark.parametrize("name", ["RetrySet", "Queue"])
def test_groups_show_as_a_table(side: Side, name: str) -> None:
    place = getattr(side, name)()
    assert repr(side.run(place.groups())) == "no jobs"
    jobs = [job(n, **{"class": "app.resize"}, error_class="TimeoutError", enqueued_at=86_400.0) for n in range(1_100)]
    jobs.append(job(0, **{"class": "\x1b[31mRed"}, enqueued_at=90_000.0))
    side.push(*jobs)
    side.server.client.zadd("retry", {raw(each): each["enqueued_at"] for each in jobs})
    assert repr(side.run(place.groups())).splitlines() == [
        "count  class        error         oldest               newest",
        "1,100  app.resize   TimeoutError  1970-01-02 00:00:00  1970-01-02 00:00:00",
        "    1  \\x1b[31mRed                1970-01-02 01:00:00  1970-01-02 01:00:00",
    ]


def test_a_table_is_no_longer_than_a_screen() -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    groups = JobGroups(JobGroup(f"Job{n}", "", 1, moment, moment, teep.JobRecord(b"")) for n in range(60))
    shown = repr(groups).splitlines()
    assert (len(shown), shown[-1], len(groups)) == (52, "and 10 more groups", 60)


def test_jobs_of_one_time_that_pass_a_slice_are_counted_once(side: Side) -> None:
    """A whole retry set that was killed has one time."""
    side.server.client.zadd("dead", {raw(job(number)): 5.0 for number in range(3_200)})
    assert counted(side, "DeadSet") == {("Noop", ""): 3_200}


def test_odd_payloads_break_nothing(side: Side) -> None:
    side.server.client.zadd("retry", {payload: float(score) for score, payload in enumerate(ODD)})
    side.server.command("LPUSH", "queue:default", *ODD)
    assert counted(side) == counted(side, "Queue") == Counter(ODD.values())
    samples = {group.sample.raw for group in side.run(side.RetrySet().groups())}
    assert samples <= set(ODD)


def test_the_slice_that_ends_it_is_the_last_round_trip(side: Side) -> None:
    side.server.client.zadd("retry", {raw(job(number)): number for number in range(1_500)})
    side.push(*(job(number) for number in range(10)))
    with sent() as trips:
        side.run(side.RetrySet().groups())
    assert len(trips) == 2
    with sent() as trips:
        side.run(side.Queue().groups())
    assert len(trips) == 1


@pytest.mark.parametrize("score", [5.0, None], ids=["one time", "many times"])
def test_a_place_that_is_gone_makes_no_job_count_twice(side: Side, score: float | None) -> None:
    """Between two slices someone deletes the very job that tells where to read on."""
    jobs = {raw(job(number)): float(number) if score is None else score for number in range(2_500)}
    side.server.client.zadd("retry", jobs)
    read = scripts.groups
    places = 0

    def disturbed(key: str, place: tuple[bytes, float] | None, count: int) -> Any:
        nonlocal places
        if place is not None:
            places += side.server.command("ZREM", "retry", place[0])
        return read(Key(key), place, count)

    with patch.object(scripts, "groups", disturbed):
        assert counted(side) == {("Noop", ""): 2_500}
    assert places == 2


def test_pop_each_takes_what_is_there_now_from_the_lowest_score_up(side: Side) -> None:
    side.add("retry", {float(number): job(number) for number in (3, 1, 2)})
    seen: list[tuple[list[int], float]] = []
    for entry in side.walk(side.RetrySet().pop_each()):
        seen.append((entry.args, entry.score))
        assert side.run(side.RetrySet().find_job(entry.jid)) is None
        side.add("retry", {10.0 + entry.score: job(10 + len(seen))})  # comes back, as a failed retry would
    assert seen == [([1], 1.0), ([2], 2.0), ([3], 3.0)]
    assert side.run(side.RetrySet().size()) == 3
    assert side.listed(side.DeadSet().pop_each()) == []


def test_a_pop_each_that_is_left_early_leaves_the_rest(side: Side) -> None:
    side.add("retry", {float(number): job(number) for number in range(5)})
    steps = side.walk(side.RetrySet().pop_each())
    assert next(steps).args == [0]
    assert [entry.args for entry in side.listed(side.RetrySet())] == [[4], [3], [2], [1]]


@pytest.mark.parametrize("value", [raw(job(1)).decode(), raw(job(1))], ids=["text", "bytes"])
def test_delete_by_value_takes_exactly_these_bytes(side: Side, value: str | bytes) -> None:
    side.add("dead", {1.0: job(1), 2.0: job(2), 3.0: raw(job(1)).decode() + " "})
    assert side.run(side.DeadSet().delete_by_value(value)) is True
    assert side.run(side.DeadSet().delete_by_value(value)) is False
    assert list(side.scored("dead").values()) == [2.0, 3.0]


def test_delete_by_value_of_bytes_that_are_no_text(side: Side) -> None:
    side.server.command("ZADD", "dead", 1, b"\xff\xfe")
    (entry,) = side.listed(side.DeadSet())
    assert side.run(side.DeadSet().delete_by_value(entry.value))


def test_memory_usage_grows_with_what_is_there(side: Side) -> None:
    assert (side.run(side.Queue().memory_usage()), side.run(side.RetrySet().memory_usage())) == (0, 0)
    side.push(*(job(number) for number in range(1_000)))
    side.server.client.zadd("retry", {raw(job(number)): 1.0 for number in range(1_000)})
    least = 1_000 * len(raw(job(0)))
    for place in (side.Queue(), side.RetrySet()):
        assert least / 2 < side.run(place.memory_usage()) < 10 * least


def test_groups_of_a_time_beyond_the_calendar_are_shown_at_its_end(side: Side) -> None:
    """Milliseconds by mistake, or an infinite score, must not hide every other group."""
    side.add("retry", {1.7e12: job(1), 5.0: job(2)})
    side.server.command("ZADD", "retry", "+inf", raw(job(3, **{"class": "Other"})))
    assert counted(side) == {("Noop", ""): 2, ("Other", ""): 1}
    noop, other = side.run(side.RetrySet().groups())
    assert noop.oldest == datetime.fromtimestamp(5, UTC)
    assert noop.newest.year == other.newest.year == 9999
    assert noop.sample.jid == jid(1)


def failed(number: int, message: str, **fields: Any) -> bytes:
    return raw(job(number, error_class="E", error_message=message, **fields))


def counted_errors(side: Side, **options: Any) -> Any:
    return side.run(side.RetrySet().errors(**options))


def test_errors_are_counted_by_what_they_say_but_for_numbers(side: Side) -> None:
    jobs = {
        failed(1, "timed out after 30 s", failed_at=1_700_000_000.5, retried_at=1_700_000_100_250): 5.0,
        failed(2, "timed  out\nafter 7 s", failed_at=1_600_000_000_000): 6.0,
        failed(3, "timed out after 7 s", **{"class": "Other"}): 7.0,
        failed(4, "é" * 300): 8.0,
        raw(job(5)): 9.0,
        b"no json": 10.0,
    }
    side.server.client.zadd("retry", jobs)
    found = counted_errors(side)
    assert (found.total, found.looked_at, found.complete) == (6, 6, True)
    groups = {(group.klass, group.message): group for group in found.groups}
    told = "timed out after # s"
    assert groups.keys() == {("Noop", told), ("Other", told), ("Noop", "é" * 100), ("Noop", ""), ("", "")}
    first = found.groups[0]
    assert (first.count, first.error_class, first.sample.jid, first.sample.score) == (2, "E", jid(1), 5.0)
    assert (first.first, first.last) == (
        datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC), datetime(2023, 11, 14, 22, 15, 0, 250_000, tzinfo=UTC),
    )  # fmt: skip
    assert groups["Other", "timed out after # s"].last is None


def test_the_conditions_of_a_group_select_its_jobs(side: Side) -> None:
    messages = ["a[1]*?", "x" * 500, "", 'q"\\u\x01 7', "süd 8", "line\n\tone 9", "  ", "#", "0" * 50]
    jobs = {failed(n, message, **{"class": f"J[{n}]"}): 1.0 for n, message in enumerate(messages)}
    side.server.client.zadd("retry", jobs | {b"no json": 1.0, raw(job(99)): 1.0})
    for group in counted_errors(side).groups:
        if group.error_class:
            selected = side.listed(side.RetrySet().where(**group.conditions))
            assert [entry.raw for entry in selected] == [group.sample.raw]
        else:
            assert group.conditions is None


def test_a_count_ends_in_time_and_goes_on(side: Side) -> None:
    jobs = {failed(n, f"no {n % 3} of {'abc'[n % 3]}"): float(n) for n in range(2_500)}
    side.server.client.zadd("retry", jobs)
    parts = [counted_errors(side, seconds=0)]
    while not parts[-1].complete:
        parts.append(counted_errors(side, seconds=0, after=parts[-1]))
    assert [(part.looked_at, part.total) for part in parts] == [(1000, 2500), (2000, 2500), (2500, 2500)]
    assert [group.count for group in parts[-1].groups] == [834, 833, 833]
    assert counted_errors(side, after=parts[-1]) is parts[-1]


def test_very_many_messages_of_one_error_are_counted_together(side: Side) -> None:
    words = ["".join(chr(97 + int(digit)) for digit in str(n)) for n in range(450)]
    side.server.client.zadd("retry", {failed(n, word): 1.0 for n, word in enumerate(words)})
    found = counted_errors(side)
    assert len(found.groups) == 201
    assert (found.groups[0].message, found.groups[0].count, found.groups[0].conditions) == (None, 250, None)
    later = counted_errors(side, after=found._replace(place=(b"", 0.0)))
    assert (len(later.groups), later.groups[0].count) == (201, 250)


def test_odd_bytes_have_their_group_of_errors(side: Side) -> None:
    odd = [
        b'{"class":"C","args":[],"error_class":7,"error_message":{"a":1},"failed_at":"x"}',
        b'{"class":"C","args":[],"error_class":"E","error_message":"\\ud800","failed_at":1e300,"retried_at":-5}',
        b'{"class":"D","args":[],"error_class":"E","error_message":"m","failed_at":null,"retried_at":[]}',
    ]
    side.server.client.zadd("retry", {value: float(n) for n, value in enumerate([*odd, *ODD])})
    found = counted_errors(side)
    assert sum(group.count for group in found.groups) == len(odd) + len(ODD)
