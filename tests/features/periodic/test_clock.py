"""The leader's clock: it fires each tick once, catches up as it is told, and sees what others change."""

import logging
from typing import Any

import pytest

import teep
from teep.config.periodic import declare, entry_of, payload_of
from teep.errors import RedisUnavailable
from tests.api.trips import sent
from tests.features.periodic.conftest import START, Times

pytestmark = pytest.mark.one_server

_HOUR = 3600.0


def test_a_tick_is_fired_when_it_is_due_and_only_then(times: Times) -> None:
    times.create("entry", "* * * * *", "SomeJob", 1, "two")
    clock = times.leader()
    times.turn(clock, START + 59.999)
    assert times.jobs() == []
    assert clock.pause() <= 0.001
    times.turn(clock, START + 60)
    times.turn(clock, START + 61)
    (job,) = times.jobs()
    assert (job["class"], job["args"], job["queue"], job["retry"]) == ("SomeJob", [1, "two"], "default", True)
    assert (job["tick"], job["periodic"]) == (START + 60, "entry")
    assert times.server.command("SMEMBERS", "queues") == {b"default"}


def test_the_jid_tells_the_time_of_the_tick_and_is_the_same_everywhere(times: Times) -> None:
    times.create("entry", "* * * * *")
    times.turn(times.leader(at=START + 60))
    jid = times.jobs()[0]["jid"]
    assert int(jid[:12], 16) == int((START + 60) * 1000)
    times.server.command("DEL", "teep:periodic:last", "queue:default")  # a failover has forgotten it
    times.turn(times.leader(at=START + 61))
    assert times.jobs()[0]["jid"] == jid


def test_any_number_of_leaders_fire_it_once(times: Times) -> None:
    times.create("entry", "* * * * *")
    clocks = [times.leader() for _ in range(5)]
    for clock in clocks:
        times.turn(clock)
    for minute in (1, 2, 3):
        for clock in clocks:
            clock.at = START + 60 * minute
            clock.run_once()
    assert times.ticks() == [60, 120, 180]


def test_an_answer_that_was_lost_fires_it_no_second_time(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    times.create("entry", "* * * * *")
    clock = times.leader()
    times.turn(clock)
    carry_out = clock._carry_out

    def lost(*args: Any) -> None:
        carry_out(*args)
        raise RedisUnavailable("the answer was lost")

    monkeypatch.setattr(clock, "_carry_out", lost)
    with pytest.raises(RedisUnavailable):
        times.turn(clock, START + 60)
    monkeypatch.undo()
    times.turn(clock, START + 66)
    times.turn(clock, START + 120)
    assert times.ticks() == [60, 120]


@pytest.mark.parametrize(
    ("catch_up", "fired"),
    [
        ("latest", [58 * 60]),
        ("all", [minute * 60 for minute in range(1, 59)]),
        ("none", []),
    ],
)
def test_missed_ticks(times: Times, catch_up: str, fired: list[float]) -> None:
    times.create("entry", "* * * * *", catch_up=catch_up)
    clock = times.leader(at=START + 58 * 60 + 30)
    times.turn(clock)
    assert times.ticks() == fired
    times.turn(clock, START + 59 * 60)
    assert times.ticks() == [*fired, 59 * 60]


@pytest.mark.parametrize("catch_up", ["latest", "all", "none"])
def test_ticks_of_a_moment_ago_are_on_time_whatever_is_caught_up(times: Times, catch_up: str) -> None:
    """So a leader that stops in order loses none: the next one begins within seconds."""
    times.create("entry", "* * * * * *", catch_up=catch_up)
    times.turn(times.leader(at=START + 6.5))
    assert times.ticks() == [1, 2, 3, 4, 5, 6]


def test_all_is_a_hundred_at_the_most(times: Times) -> None:
    times.create("entry", "* * * * * *", catch_up="all")
    times.turn(times.leader(at=START + 500.5))
    assert times.ticks() == list(range(401, 501))


@pytest.mark.parametrize("catch_up", ["latest", "all"])
def test_what_is_missed_for_longer_than_the_grace_is_not_fired(
    times: Times, catch_up: str, caplog: pytest.LogCaptureFixture
) -> None:
    times.create("entry", "0 * * * *", catch_up=catch_up, grace=600)
    first = _HOUR - START % _HOUR
    clock = times.leader(at=START + first + 601)
    with caplog.at_level(logging.WARNING, "teep"):
        times.turn(clock)
        times.turn(clock)
    assert (times.jobs(), times.states("entry")) == ([], ["missed"])
    assert [record.message.partition(",")[0] for record in caplog.records] == ["entry: ticks were missed"]
    times.turn(clock, START + first + _HOUR)
    assert times.ticks() == [first + _HOUR]


def test_a_new_entry_begins_with_its_registration(times: Times) -> None:
    times.create("entry", "* * * * *", catch_up="all", at=START + 90)
    times.turn(times.leader(at=START + 130))
    assert times.ticks() == [120]


def test_a_pause_lets_ticks_pass_and_none_is_caught_up(times: Times) -> None:
    times.create("entry", "* * * * *", catch_up="all")
    clock = times.leader()
    entry = teep.PeriodicSet(config=times.config).get("entry")
    assert entry is not None
    times.turn(clock)
    assert entry.pause()
    assert not entry.pause()
    times.turn(clock, START + 60)  # it has not seen the pause yet: Redis has
    times.turn(clock, START + 120)
    assert times.jobs() == []
    times.server.command("HSET", "teep:periodic:last", "entry", repr(START + 150))
    assert entry.unpause()
    times.server.command("HSET", "teep:periodic:last", "entry", repr(START + 150))  # the test's time, not Redis's
    times.turn(clock, START + 180)
    assert times.ticks() == [180]


def test_a_pause_is_seen_by_redis_before_the_clock_sees_it(times: Times) -> None:
    times.create("entry", "* * * * *")
    clock = times.leader()
    times.turn(clock)
    teep.PeriodicSet(config=times.config).pause("entry")
    clock.at = START + 60
    clock._look_at = float("inf")
    clock.run_once()
    assert times.jobs() == []


def test_an_entry_that_was_changed_is_fired_as_it_is_now(times: Times) -> None:
    times.create("entry", "* * * * *", "Old")
    clock = times.leader()
    times.turn(clock)
    times.create("entry", "* * * * *", "New")
    clock.at = START + 60
    clock._look_at = float("inf")
    clock.run_once()  # refused: the entry is another one
    assert times.jobs() == []
    times.turn(clock, START + 61)
    assert [job["class"] for job in times.jobs()] == ["New"]


def test_a_changed_schedule_counts_from_its_change_and_keeps_history_and_pause(times: Times) -> None:
    times.create("entry", "* * * * *", catch_up="all")
    clock = times.leader()
    times.turn(clock, START + 60)
    times.create("entry", "*/2 * * * * *", catch_up="all", at=START + 90)
    times.turn(clock, START + 93)
    assert times.ticks() == [60, 92]
    assert len(times.states("entry")) == 2
    teep.PeriodicSet(config=times.config).pause("entry")
    times.create("entry", "*/3 * * * * *", at=START + 95)
    assert teep.PeriodicSet(config=times.config).get("entry").paused  # type: ignore[union-attr]


def test_an_entry_that_is_deleted_is_fired_no_more(times: Times) -> None:
    times.create("entry", "* * * * *")
    clock = times.leader()
    times.turn(clock)
    assert teep.PeriodicSet(config=times.config).delete("entry")
    times.turn(clock, START + 60)
    assert times.jobs() == []
    assert times.server.command("KEYS", "teep:periodic*") == [b"teep:periodic:version"]


def test_jitter_schedules_the_job_within_its_seconds_the_same_everywhere(times: Times) -> None:
    import time

    now = time.time() // 60 * 60 + 3600  # ahead of this machine's clock, so that it is scheduled
    times.create("entry", "* * * * *", jitter=30, at=now)
    times.turn(times.leader(at=now + 60))
    raw, at = _scheduled(times)
    assert now + 60 <= at <= now + 90
    times.server.command("DEL", "schedule", "teep:periodic:last")
    times.turn(times.leader(at=now + 60))
    raw_again, at_again = _scheduled(times)
    assert (at_again, raw_again[:40]) == (at, raw[:40])


def _scheduled(times: Times) -> tuple[bytes, float]:
    raw, at = times.server.command("ZRANGE", "schedule", 0, -1, "WITHSCORES")[0]
    return raw, float(at)


def test_without_overlap_a_tick_passes_while_the_last_job_is_not_over(times: Times) -> None:
    times.create("entry", "* * * * *", overlap="skip")
    clock = times.leader()
    times.turn(clock, START + 60)
    times.turn(clock, START + 120)
    assert (times.ticks(), times.states("entry")) == ([60], ["overlap", "queued"])
    queue = teep.Queue(config=times.config)
    job = queue.first()
    assert job is not None
    assert job.delete()
    times.turn(clock, START + 180)
    assert (times.ticks(), times.states("entry")) == ([180], ["queued", "overlap", "deleted"])


def test_a_unique_job_that_is_not_over_lets_the_tick_pass(times: Times) -> None:
    job = payload_of("SomeJob", []) | {"unique_for": 60}
    times.component().driver.run(_put(job))
    clock = times.leader()
    times.turn(clock, START + 60)
    times.turn(clock, START + 120)
    assert times.states("unique") == ["unique", "queued"]


async def _put(job: dict[str, Any]) -> None:
    from teep.config.periodic import How
    from teep.store.periodic import entries

    await entries.put(entry_of("* * * * *", job, How(), "unique"), START)


def test_a_middleware_may_stop_a_tick_and_it_is_noted(times: Times) -> None:
    times.config.client_middleware.add(lambda job, call_next: None)
    times.create("entry", "* * * * *")
    clock = times.leader()
    times.turn(clock, START + 60)
    times.turn(clock, START + 61)
    assert (times.jobs(), times.states("entry")) == ([], ["stopped"])


def test_a_middleware_that_fails_is_reported_and_holds_up_no_other(times: Times) -> None:
    failing = True

    def middleware(job: dict[str, Any], call_next: Any) -> Any:
        if failing and job["class"] == "Fails":
            raise ValueError("not now")
        return call_next()

    times.config.client_middleware.add(middleware)
    times.create("a", "* * * * *", "Fails")
    times.create("b", "* * * * *", "Works")
    clock = times.leader()
    times.turn(clock, START + 60)
    assert [job["class"] for job in times.jobs()] == ["Works"]
    assert list(map(str, times.errors)) == ["not now"]
    failing = False
    times.turn(clock, START + 62)
    assert len(times.jobs()) == 1
    times.turn(clock, START + 65)
    assert [job["class"] for job in times.jobs()] == ["Works", "Fails"]
    times.turn(clock, START + 120)
    assert len(times.jobs()) == 4


def test_a_queue_that_redis_refuses_is_tried_again_and_holds_up_no_other(
    times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    times.server.command("SET", "queue:broken", "not a list")
    job = payload_of("SomeJob", []) | {"queue": "broken"}

    async def put() -> None:
        from teep.config.periodic import How
        from teep.store.periodic import entries

        await entries.put(entry_of("* * * * *", job, How(), "broken"), START)

    times.component().driver.run(put())
    times.create("fine", "* * * * *")
    clock = times.leader()
    with caplog.at_level(logging.ERROR, "teep"):
        times.turn(clock, START + 60)
        times.turn(clock, START + 66)
    assert times.ticks() == [60]
    assert [record.message.partition(":")[0] for record in caplog.records] == ["Redis refuses a tick of broken"]
    times.server.command("DEL", "queue:broken")
    times.turn(clock, START + 72)
    assert times.ticks("broken") == [60]


def test_a_damaged_entry_is_told_of_and_the_others_run(times: Times, caplog: pytest.LogCaptureFixture) -> None:
    times.create("fine", "* * * * *")
    damaged: dict[str | bytes, str] = {
        "a": "{",
        "b": "[]",
        "c": '{"schedule":5,"tz":"","job":{"class":"C","args":[]}}',
        "d": "{}",
        b"\xff": '{"schedule":"* * * * *","tz":"","job":{"class":"C","args":[]}}',
    }
    for name, raw in damaged.items():
        times.server.command("HSET", "teep:periodic", name, raw)
    clock = times.leader()
    with caplog.at_level(logging.ERROR, "teep"):
        times.turn(clock)
    times.turn(clock, START + 60)
    assert times.ticks() == [60]
    assert len([record for record in caplog.records if "is damaged" in record.message]) == 4
    assert "the periodic job '\\udcff' is not fired: its name is no UTF-8" in caplog.text


def test_many_entries_are_fired_in_few_round_trips(times: Times) -> None:
    for number in range(150):
        times.create(f"entry-{number}", "* * * * *")
    clock = times.leader()
    times.turn(clock)
    clock._look_at = float("inf")
    clock.at = START + 60
    with sent() as round_trips:
        clock.run_once()
    assert (len(round_trips), len(times.jobs())) == (2, 150)
    with sent() as round_trips:
        clock.run_once()
    assert round_trips == []


def test_entries_that_are_as_they_were_are_not_computed_again(times: Times) -> None:
    times.create("a", "* * * * *")
    clock = times.leader()
    times.turn(clock)
    before = clock._watched["a"]
    times.create("b", "* * * * *")
    times.turn(clock)
    assert clock._watched["a"] is before
    assert set(clock._watched) == {"a", "b"}


def test_history_keeps_twenty_five_runs(times: Times) -> None:
    times.create("entry", "* * * * *", catch_up="all")
    times.turn(times.leader(at=START + 60 * 40))
    entry = teep.PeriodicSet(config=times.config).get("entry")
    assert entry is not None
    history = entry.history()
    assert [run.tick.timestamp() - START for run in history if run.tick] == [60 * n for n in range(40, 15, -1)]


def test_an_entry_of_one_moment_fires_once(times: Times) -> None:
    times.create("entry", "@in 90s")
    clock = times.leader()
    times.turn(clock, START + 90)
    times.turn(clock, START + 7200)
    times.turn(times.leader(at=START + 7200))
    assert times.ticks() == [90]


def _declared(times: Times, *names: str) -> teep.Config:
    config = times.config.copy()
    for name in names:
        config.periodic("* * * * *", "SomeJob", name=name)
    return config


def _names(times: Times) -> list[str]:
    return [entry.name for entry in teep.PeriodicSet(config=times.config)]


def test_a_leader_publishes_what_it_declares(times: Times) -> None:
    clock = times.leader(_declared(times, "a", "b"))
    times.turn(clock)
    assert [(entry.name, entry.source) for entry in teep.PeriodicSet(config=times.config)] == [
        ("a", "static"),
        ("b", "static"),
    ]
    times.turn(clock, START + 60)
    assert times.ticks() == [60, 60]


def test_what_two_leaders_no_longer_declare_is_gone_and_a_rolling_deploy_loses_nothing(times: Times) -> None:
    old, new = _declared(times, "stays", "goes"), _declared(times, "stays", "comes")
    times.turn(times.leader(old))
    times.turn(times.leader(new))
    assert _names(times) == ["comes", "goes", "stays"]
    times.turn(times.leader(old))  # a process that is not replaced yet
    times.turn(times.leader(new))
    assert _names(times) == ["comes", "goes", "stays"]
    times.turn(times.leader(new))
    assert _names(times) == ["comes", "stays"]


def test_a_leader_that_declares_nothing_removes_nothing(times: Times) -> None:
    times.turn(times.leader(_declared(times, "a")))
    for _ in range(4):
        times.turn(times.leader())
    assert _names(times) == ["a"]


def test_dynamic_entries_are_never_removed_for_want_of_a_declaration(times: Times) -> None:
    times.create("dynamic", "* * * * *")
    for _ in range(4):
        times.turn(times.leader(_declared(times, "a")))
    assert _names(times) == ["a", "dynamic"]


def test_a_static_entry_that_is_published_again_keeps_its_ticks_and_its_pause(times: Times) -> None:
    config = _declared(times, "a")
    times.turn(times.leader(config), START + 60)
    created = teep.PeriodicSet(config=times.config).get("a")
    assert created is not None
    teep.PeriodicSet(config=times.config).pause("a")
    times.turn(times.leader(config, at=START + 130))
    entry = teep.PeriodicSet(config=times.config).get("a")
    assert entry is not None
    assert (entry.paused, entry.created_at) == (True, created.created_at)


def test_entries_of_decorated_jobs_are_declared_for_each_configuration(times: Times) -> None:
    from teep.config.periodic import How

    declare(entry_of("* * * * *", payload_of("Decorated", []), How()), object())
    times.turn(times.leader())
    assert _names(times) == ["Decorated"]
