"""What selections do to the jobs they choose, on queues and on sets, alone and while others work there."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import pytest

from teep.errors import InvalidJob
from teep.store.jobs import jobsets, queues
from tests.api.conftest import FIFTH
from tests.api.sides import Side, job, raw

pytestmark = pytest.mark.usefixtures("small_pages")

# Several slices and a rest, whether they are read whole or for what holds certain words.
MANY = (2 * queues.FILTERED_PAGE + 700) // FIFTH
MANY_IN_A_SET = (2 * jobsets.FILTERED_BATCH + 700) // FIFTH
TIME = 1_900_000_000.5

QUEUE_VERBS: dict[str, tuple[Any, ...]] = {
    "delete_all": (), "kill_all": (), "reschedule_all": (TIME,), "move_to": ("other",)
}  # fmt: skip
SET_VERBS = QUEUE_VERBS | {"retry_all": ()}
# Where a verb brings the jobs of the retry set, or of a queue.
GOES_TO = {"kill_all": "dead", "reschedule_all": "schedule", "move_to": "queue:other", "retry_all": "queue:default"}


def parity(number: int) -> dict[str, Any]:
    return job(number, **{"class": "Odd" if number % 2 else "Even"})


@cache
def written(number: int) -> bytes:
    return raw(parity(number))


def fill_queue(side: Side, numbers: range = range(MANY)) -> None:
    """Lay jobs into the default queue, the lowest number first in line."""
    side.server.command("SADD", "queues", "default")
    side.server.command("LPUSH", "queue:default", *map(written, numbers))


def fill_set(side: Side, name: str = "retry", numbers: range = range(MANY)) -> None:
    side.server.client.zadd(name, {written(number): float(number) for number in numbers})


def numbers_in(side: Side, key: str) -> list[int]:
    """The numbers of the jobs in a list (first in line first) or set (lowest score first)."""
    if side.server.command("TYPE", key) == b"zset":
        raws = side.server.command("ZRANGE", key, 0, -1)
    else:
        raws = reversed(side.server.command("LRANGE", key, 0, -1))
    return [msgspec.json.decode(found)["args"][0] for found in raws]


def everywhere(side: Side) -> Counter[int]:
    """How often each job is anywhere."""
    return Counter(
        number
        for key in ("queue:default", "queue:other", "schedule", "retry", "dead", "taken")
        for number in numbers_in(side, key)
    )


def snapshot(side: Side) -> dict[bytes, bytes]:
    return {key: side.server.command("DUMP", key) for key in side.server.command("KEYS", "*")}


def steps_of(side: Side, verb: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, list[tuple[int, int]]]:
    """A verb's result, and what it told of its progress."""
    steps: list[tuple[int, int]] = []
    return side.run(verb(*args, on_progress=lambda done, total: steps.append((done, total)), **options)), steps


def check_progress(steps: list[tuple[int, int]], total: int) -> None:
    assert len(steps) > 1
    assert steps == sorted(steps)
    assert steps[-1] == (total, total)
    assert {end for _, end in steps} == {total}


@pytest.mark.parametrize("klass", [None, "Odd"])
@pytest.mark.parametrize("verb", QUEUE_VERBS)
def test_a_verb_takes_the_chosen_jobs_of_a_queue_and_only_them(side: Side, verb: str, klass: str | None) -> None:
    fill_queue(side)
    chosen = side.Queue().where(klass=klass)
    expected = list(range(1, MANY, 2) if klass else range(MANY))
    before = snapshot(side)
    taken, steps = steps_of(side, getattr(chosen, verb), *QUEUE_VERBS[verb], dry_run=True)
    assert (taken, side.run(chosen.count())) == (len(expected), len(expected))
    check_progress(steps, MANY)
    assert snapshot(side) == before
    taken, steps = steps_of(side, getattr(chosen, verb), *QUEUE_VERBS[verb])
    assert taken == len(expected)
    check_progress(steps, MANY)
    assert numbers_in(side, "queue:default") == sorted(set(range(MANY)) - set(expected))
    if verb in GOES_TO:
        assert sorted(numbers_in(side, GOES_TO[verb])) == expected
    assert side.server.command("SMEMBERS", "queues") == {b"default"} | ({b"other"} if verb == "move_to" else set())
    assert side.run(chosen.count()) == 0
    assert side.run(getattr(chosen, verb)(*QUEUE_VERBS[verb])) == 0


@pytest.mark.parametrize("place", ["queue", "set"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_verb_ends_after_the_step_whose_listener_returns_false(side: Side, place: str, dry_run: bool) -> None:
    if place == "queue":
        fill_queue(side)
        jobs, key = side.Queue(), "queue:default"
    else:
        fill_set(side, numbers=range(MANY_IN_A_SET))
        jobs, key = side.RetrySet(), "retry"
    total = len(numbers_in(side, key))
    steps: list[int] = []

    def told(done: int, _total: int) -> bool:
        steps.append(done)
        return len(steps) < 2

    taken = side.run(jobs.where(klass="Odd").delete_all(on_progress=told, dry_run=dry_run))
    assert len(steps) == 2
    assert taken == steps[-1] // 2
    assert len(numbers_in(side, key)) == total - (0 if dry_run else taken)


def test_moving_to_another_queue_keeps_the_order_behind_what_waits_there(side: Side) -> None:
    fill_queue(side)
    side.push(job(-1), job(-2), queue="other")
    assert side.run(side.Queue().where(klass="Odd").move_to("other")) == MANY // 2
    assert numbers_in(side, "queue:other") == [-1, -2, *range(1, MANY, 2)]
    moved = side.lying("other")
    assert moved[0] == parity(MANY - 1) | {"queue": "other"}
    assert {item["queue"] for item in moved[:-2]} == {"other"}
    assert side.server.command("SMEMBERS", "queues") == {b"default", b"other"}


@pytest.mark.parametrize("klass", [None, "Odd"])
def test_moving_within_a_queue_ends_and_brings_the_chosen_behind_the_others(side: Side, klass: str | None) -> None:
    fill_queue(side)
    expected = list(range(1, MANY, 2) if klass else range(MANY))
    assert side.run(side.Queue().where(klass=klass).move_to("default")) == len(expected)
    others = sorted(set(range(MANY)) - set(expected))
    assert numbers_in(side, "queue:default") == others + expected


@pytest.mark.parametrize("verb", SET_VERBS)
def test_a_verb_takes_the_chosen_jobs_of_a_set_and_only_them(side: Side, verb: str) -> None:
    fill_set(side, numbers=range(MANY_IN_A_SET))
    chosen = side.RetrySet().where(klass="Odd")
    expected, others = list(range(1, MANY_IN_A_SET, 2)), list(range(0, MANY_IN_A_SET, 2))
    before = snapshot(side)
    taken, steps = steps_of(side, getattr(chosen, verb), *SET_VERBS[verb], dry_run=True)
    assert (taken, side.run(chosen.count())) == (len(expected), len(expected))
    check_progress(steps, MANY_IN_A_SET)
    assert snapshot(side) == before
    taken, steps = steps_of(side, getattr(chosen, verb), *SET_VERBS[verb])
    assert taken == len(expected)
    check_progress(steps, MANY_IN_A_SET)
    if verb == "reschedule_all":
        assert sorted(numbers_in(side, "retry")) == list(range(MANY_IN_A_SET))
        assert Counter(side.scored("retry").values())[TIME] == len(expected)
    else:
        assert numbers_in(side, "retry") == others
        if verb in GOES_TO:
            assert sorted(numbers_in(side, GOES_TO[verb])) == expected
    assert side.run(getattr(chosen, verb)(*SET_VERBS[verb])) == 0


@pytest.mark.parametrize("verb", ["retry_all", "move_to"])
def test_what_goes_from_a_set_to_a_queue_waits_there_from_now_on(side: Side, verb: str) -> None:
    """Else a job that was scheduled a week ago would show as a queue that is a week behind."""
    side.add("retry", {5.0: job(1, created_at=1e9, enqueued_at=1e9, retry_count=3)})
    side.run(getattr(side.RetrySet().where(klass="Noop"), verb)(*SET_VERBS[verb]))
    name = GOES_TO[verb].removeprefix("queue:")
    assert side.run(side.Queue(name).latency()) < 60
    (item,) = side.lying(name)
    assert (item["queue"], item["retry_count"], item["created_at"]) == (name, 2 if verb == "retry_all" else 3, 1e9)


@pytest.mark.parametrize("at", [-1.0, MANY / 2, 200.0, MANY + 1.0])
def test_rescheduling_ends_and_counts_each_job_once(side: Side, at: float) -> None:
    fill_set(side)
    there_already = sum(score == at for score in side.scored("retry").values())
    assert side.run(side.RetrySet().where().reschedule_all(at)) == MANY - there_already
    assert set(side.scored("retry").values()) == {at}
    assert everywhere(side) == Counter(range(MANY))
    assert side.run(side.RetrySet().where().reschedule_all(at)) == 0


@pytest.mark.parametrize("at", [float("nan"), float("inf"), "tomorrow", None, True])
def test_a_time_that_is_none_is_refused_and_changes_nothing(side: Side, at: Any) -> None:
    side.push(parity(1))
    fill_set(side, numbers=range(2, 4))
    before = snapshot(side)
    for selection in (side.Queue().where(), side.RetrySet().where()):
        with pytest.raises(InvalidJob, match="a time must be a datetime or epoch seconds"):
            side.run(selection.reschedule_all(at))
    assert snapshot(side) == before


def test_bytes_that_are_no_job_can_be_chosen_and_moved_but_not_retried(side: Side) -> None:
    side.push("broken 1", parity(1), "broken 2")
    assert side.run(side.Queue().where(match="broken").move_to("other")) == 2
    assert side.server.command("LRANGE", "queue:other", 0, -1) == [b"broken 2", b"broken 1"]
    assert side.run(side.Queue("other").where(match="broken 1").kill_all()) == 1
    assert side.run(side.Queue("other").where(match="broken 2").reschedule_all(TIME)) == 1
    assert (list(side.scored("dead")), side.scored("schedule")) == ([b"broken 1"], {b"broken 2": TIME})
    assert side.run(side.DeadSet().where().retry_all()) == 0
    assert side.run(side.DeadSet().where(match="broken").delete_all()) == 1


def test_equal_payloads_are_as_many_jobs_in_queues_and_one_in_sets(side: Side) -> None:
    side.push(*[parity(1)] * 700, parity(2), *[parity(1)] * 700)
    odd = side.Queue().where(klass="Odd")
    assert side.run(odd.count()) == 1_400
    assert side.run(odd.move_to("other")) == 1_400
    assert (numbers_in(side, "queue:other"), numbers_in(side, "queue:default")) == ([1] * 1_400, [2])
    assert side.run(side.Queue("other").where().kill_all()) == 1_400
    assert (numbers_in(side, "dead"), numbers_in(side, "queue:other")) == ([1], [])


def test_kill_all_trims_the_dead_set_and_tells_the_handlers_where_asked(side: Side) -> None:
    deaths: list[tuple[int, str]] = []
    side.config = type(side.config)(redis_url=side.server.url, dead_max_jobs=4)
    side.config.death_handlers.append(lambda item, reason: deaths.append((item["args"][0], type(reason).__name__)))
    fill_set(side, numbers=range(6))
    assert side.run(side.RetrySet().where(klass="Odd").kill_all(notify_failure=True)) == 3
    assert sorted(deaths) == [(1, "JobKilled"), (3, "JobKilled"), (5, "JobKilled")]
    assert side.run(side.RetrySet().where().kill_all()) == 3
    assert (side.run(side.DeadSet().size()), len(deaths)) == (3, 3)
    fill_queue(side, range(10, 20))
    assert side.run(side.Queue().where().kill_all()) == 10
    assert len(numbers_in(side, "dead")) == 3


def test_delete_by_class_takes_its_name_literally(side: Side) -> None:
    classes = ["Imp*", "Import", "[a]", "a", "Wrapper"]
    side.push(*(job(number, **{"class": name}) for number, name in enumerate(classes)))
    side.push(job(5, **{"class": "Wrapper"}, wrapped="Imp*"))
    assert side.run(side.Queue().delete_by_class("Imp*")) == 2
    assert side.run(side.Queue().delete_by_class("[a]")) == 1
    assert numbers_in(side, "queue:default") == [1, 3, 4]
