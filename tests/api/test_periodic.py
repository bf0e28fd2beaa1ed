"""The data API of periodic jobs, on both sides."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

import teep
from teep.errors import InvalidArguments, InvalidJob, InvalidSchedule, InvalidType, UnknownEntry
from tests.api.sides import Side
from tests.api.trips import sent

pytestmark = pytest.mark.one_server


def _create(side: Side, name: str = "entry", schedule: str = "0 4 * * *", *args: Any, **options: Any) -> Any:
    return side.run(side.PeriodicSet().create(name, schedule, "SomeJob", *args, **options))


def _get(side: Side, name: str = "entry") -> Any:
    return side.run(side.PeriodicSet().get(name))


def test_none(side: Side) -> None:
    entries = side.PeriodicSet()
    assert (side.run(entries.size()), side.listed(entries), _get(side)) == (0, [], None)
    for change in (entries.pause, entries.unpause, entries.enqueue_now, entries.update):
        with pytest.raises(UnknownEntry, match="there is no periodic job 'entry'"):
            side.run(change("entry"))
    assert side.run(entries.delete("entry")) is False
    assert side.run(entries.histories([])) == {}


def test_an_entry_shows_what_it_was_created_with(side: Side) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = _create(side, "tenant-7", "0 4 * * *", 7, tz="Europe/Prague", catch_up="all", grace=60, description="x")
    for entry in (made, _get(side, "tenant-7")):
        assert (entry.name, entry.schedule, entry.tz, entry.klass) == (
            "tenant-7", "0 4 * * *", "Europe/Prague", "SomeJob",
        )  # fmt: skip
        assert (entry.args, entry.kwargs, entry.queue, entry.source) == ([7], {}, "default", "dynamic")
        assert (entry.catch_up, entry.grace, entry.overlap, entry.jitter) == ("all", 60.0, "allow", 0.0)
        assert (entry.paused, entry.last_at, entry.description) == (False, None, "x")
        assert before < entry.created_at < before + timedelta(seconds=60)
        assert entry.explain() == "At 04:00 every day (Europe/Prague)"
        assert side.run(entry.history()) == []


def test_the_next_runs_are_in_its_own_zone(side: Side) -> None:
    entry = _create(side, tz="Europe/Prague")
    runs = entry.next_runs(3)
    assert [(run.hour, run.minute, str(run.tzinfo)) for run in runs] == [(4, 0, "Europe/Prague")] * 3
    assert [later - run for run, later in pairwise(runs)] == [timedelta(days=1)] * 2
    assert (entry.next_at, len(entry.next_runs())) == (runs[0], 5)
    side.run(entry.pause())
    paused = _get(side)
    assert (paused.paused, paused.next_at, paused.next_runs()) == (True, None, [])


def test_the_last_tick(side: Side) -> None:
    entry = _create(side, "entry", "@every 10m")
    tick = int(entry.created_at.timestamp()) + 600
    side.server.command("HSET", "teep:periodic:last", "entry", repr(float(tick)))
    assert _get(side).last_at == datetime.fromtimestamp(tick, UTC)


def test_a_job_of_this_program_is_taken_with_its_options(side: Side, own_registry: None) -> None:
    @teep.job(name="poll", queue="low")
    def poll(tenant: int, *, deep: bool = False) -> None: ...

    made = side.run(side.PeriodicSet().create("p", "@daily", poll, 7, kwargs={"deep": True}))
    assert (made.klass, made.args, made.kwargs, made.queue) == ("poll", [7], {"deep": True}, "low")


def test_a_signature_is_taken_where_a_job_is(side: Side, own_registry: None) -> None:
    @teep.job(name="poll", queue="low")
    def poll(tenant: int, *, deep: bool = False) -> None: ...

    entries = side.PeriodicSet()
    made = side.run(entries.create("entry", "@daily", poll.s(7, deep=True)))
    assert (made.klass, made.args, made.kwargs, made.queue) == ("poll", [7], {"deep": True}, "low")
    changed = side.run(entries.update("entry", job=poll.s(8).set(queue="high"), jitter=5))
    assert (changed.args, changed.kwargs, changed.queue, changed.jitter) == ([8], {}, "high", 5.0)
    named = side.run(entries.update("entry", job="SomeRubyWorker", args=[1]))
    assert (named.klass, named.args, named.queue) == ("SomeRubyWorker", [1], "default")
    calls: list[Callable[[], Any]] = [
        lambda: entries.create("entry", "@daily", poll.s(7), 8),
        lambda: entries.create("entry", "@daily", poll.s(7), kwargs={"deep": True}),
        lambda: entries.update("entry", job=poll.s(7), args=[8]),
    ]
    for call in calls:
        with pytest.raises(InvalidArguments, match=r"poll.s\(7\) has its arguments already"):
            side.run(call())


def test_entries_are_listed_by_name_in_one_round_trip(side: Side) -> None:
    for name in ("b", "a", "c"):
        _create(side, name)
    entries = side.PeriodicSet()
    with sent() as round_trips:
        assert [entry.name for entry in side.walk(entries)] == ["a", "b", "c"]
    assert len(round_trips) == 1
    assert side.run(entries.size()) == 3


def test_creating_it_again_changes_it_and_keeps_its_pause(side: Side) -> None:
    first = _create(side)
    side.run(first.pause())
    second = _create(side, "entry", "0 5 * * *", 1)
    assert (second.paused, second.created_at, second.args) == (True, first.created_at, [1])
    assert side.run(side.PeriodicSet().size()) == 1


def test_update(side: Side) -> None:
    _create(side, "entry", "0 4 * * *", 1, catch_up="none")
    update = side.PeriodicSet().update
    changed = side.run(update("entry", schedule="0 5 * * *", tz="Europe/Prague", args=[2], overlap="skip"))
    assert (changed.schedule, changed.tz, changed.args) == ("0 5 * * *", "Europe/Prague", [2])
    assert (changed.overlap, changed.catch_up) == ("skip", "none")
    same = side.run(update("entry"))
    assert (same.schedule, same.tz, same.args, same.overlap) == ("0 5 * * *", "Europe/Prague", [2], "skip")
    with pytest.raises(InvalidSchedule, match="a periodic job has no option 'catchup'; it has tz, catch_up, grace"):
        side.run(update("entry", catchup="all"))
    with pytest.raises(InvalidSchedule, match="never fires"):
        side.run(update("entry", schedule="0 4 31 2 *"))
    with pytest.raises(InvalidArguments, match="args must be a list, not 'abc'"):
        side.run(update("entry", args="abc"))


def test_only_a_changed_schedule_counts_anew(side: Side) -> None:
    _create(side, "entry", "@every 10m")
    before = _stored(side)
    side.run(side.PeriodicSet().update("entry", args=[5]))
    assert _stored(side)[1:] == before[1:]
    side.run(side.PeriodicSet().update("entry", schedule="@every 5m"))
    created, since = _stored(side)[1:]
    assert created == before[1]
    assert since > created


def _stored(side: Side) -> tuple[Any, float, float]:
    import msgspec

    found = msgspec.json.decode(side.server.command("HGET", "teep:periodic", "entry"))
    return found["job"]["args"], found["created"], found["since"]


@pytest.mark.parametrize(
    ("name", "schedule", "job", "error"),
    [
        ("entry", "0 4 31 2 *", "SomeJob", InvalidSchedule),
        ("", "@daily", "SomeJob", InvalidSchedule),
        ("\ud800", "@daily", "SomeJob", InvalidSchedule),
        ("entry", "@daily", "", InvalidJob),
        ("entry", "@daily", object(), InvalidType),
    ],
)
def test_what_cannot_be_is_not_created(
    side: Side, name: str, schedule: str, job: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        side.run(side.PeriodicSet().create(name, schedule, job))
    assert side.run(side.PeriodicSet().size()) == 0


def test_what_code_declares_is_changed_there(side: Side) -> None:
    _create(side)
    raw = side.server.command("HGET", "teep:periodic", "entry").replace(b'"dynamic"', b'"static"')
    side.server.command("HSET", "teep:periodic", "entry", raw)
    entries = side.PeriodicSet()
    changes: list[Callable[[], Any]] = [
        lambda: entries.update("entry"),
        lambda: entries.create("entry", "@daily", "J"),
    ]
    words = "'entry' is declared in code or a file; change it there, or pause it"
    for change in changes:
        with pytest.raises(InvalidSchedule, match=words):
            side.run(change())


def test_pausing(side: Side) -> None:
    entry, entries = _create(side), side.PeriodicSet()
    assert (side.run(entries.pause("entry")), side.run(entry.pause())) == (True, False)
    assert _get(side).paused
    assert (side.run(entry.unpause()), side.run(entries.unpause("entry"))) == (True, False)
    assert not _get(side).paused


def test_enqueueing_now_pushes_its_job_and_remembers_the_run(side: Side) -> None:
    entry = _create(side, "entry", "0 4 * * *", 7)
    first, second = side.run(entry.enqueue_now()), side.run(side.PeriodicSet().enqueue_now("entry"))
    jobs = side.lying()
    assert [(job["jid"], job["class"], job["args"], job["periodic"]) for job in jobs] == [
        (second, "SomeJob", [7], "entry"),
        (first, "SomeJob", [7], "entry"),
    ]
    assert not any("tick" in job for job in jobs)
    history = side.run(entry.history())
    assert {(run.jid, run.tick, run.state, run.ended_at) for run in history} == {
        (first, None, "queued", None),
        (second, None, "queued", None),
    }
    # Runs are in the order of their jids, those of ticks too.
    assert all(int(jid[:12], 16) / 1000 == pytest.approx(time.time(), abs=60) for jid in (first, second))
    assert side.run(side.PeriodicSet().histories(["entry", "other"])) == {"entry": history, "other": []}


def test_a_job_that_is_deleted_ends_its_run(side: Side) -> None:
    entry = _create(side)
    jid = side.run(entry.enqueue_now())
    side.run(side.Queue("default").delete_job(jid))
    (run,) = side.run(entry.history())
    assert (run.jid, run.state) == (jid, "deleted")
    assert run.queued_at <= run.ended_at


def test_without_overlap_a_second_one_is_kept_out(side: Side) -> None:
    entry = _create(side, "entry", "@daily", overlap="skip")
    assert side.run(entry.enqueue_now()) is not None
    assert side.run(entry.enqueue_now()) is None
    side.run(side.Queue("default").clear())
    assert side.run(entry.enqueue_now()) is not None


def test_deleting_leaves_nothing(side: Side) -> None:
    entry = _create(side)
    side.run(entry.enqueue_now())
    side.run(entry.pause())
    assert (side.run(entry.delete()), side.run(side.PeriodicSet().delete("entry"))) == (True, False)
    assert side.server.command("KEYS", "teep:periodic*") == [b"teep:periodic:version"]


def test_damaged_history_hides_no_other(side: Side) -> None:
    entry = _create(side)
    jid = side.run(entry.enqueue_now())
    side.server.command("HSET", "teep:periodic:runs:entry", "x", "what is this", "y", b"\xff")
    assert [run.jid for run in side.run(entry.history())] == [jid]


def test_what_is_remembered_is_forgotten_after_longer_than_a_year(side: Side) -> None:
    """Else the run of an entry that was deleted meanwhile would lie there for ever."""
    entry = _create(side)
    side.run(entry.delete())
    side.run(entry.enqueue_now())
    assert side.server.command("TTL", "teep:periodic:runs:entry") > 366 * 86_400


def test_a_schedule_that_this_machine_cannot_read_has_a_repr(side: Side) -> None:
    _create(side)
    raw = side.server.command("HGET", "teep:periodic", "entry").replace(b'"tz":""', b'"tz":"Mars/Base"')
    side.server.command("HSET", "teep:periodic", "entry", raw)
    assert repr(_get(side)).endswith("entry: SomeJob '0 4 * * *' (Mars/Base)>")


def test_it_is_sidekiqs_loop_set_too(side: Side) -> None:
    assert side.kind("LoopSet") is side.kind("PeriodicSet")
    assert repr(_create(side)).endswith("entry: SomeJob '0 4 * * *' (UTC)>")
