"""Iterating while the queue or set changes: what stays is given once, whatever comes and goes meanwhile."""

from itertools import count
from typing import Any

import pytest

from tests.api.sides import Side, jid, job, raw

pytestmark = [pytest.mark.one_server, pytest.mark.usefixtures("small_pages")]

JOBS = 210  # more than two pages of a walk


@pytest.fixture
def queue(side: Side) -> Any:
    side.push(*(job(number) for number in range(JOBS)))
    return side.Queue()


def numbers(records: list[Any]) -> list[int]:
    return [record.args[0] for record in records]


def test_pushes_meanwhile(side: Side, queue: Any) -> None:
    new = count(JOBS)
    seen = []
    for record in side.walk(queue):
        seen.append(record)
        side.push(job(next(new)))
    assert numbers(seen) == list(reversed(range(JOBS)))


def test_pops_meanwhile(side: Side, queue: Any) -> None:
    popped = 0
    seen = []
    for record in side.walk(queue):
        seen.append(record)
        if len(seen) % 3 == 0:
            side.server.command("RPOP", "queue:default")
            popped += 1
    found = numbers(seen)
    assert found == sorted(set(found), reverse=True)
    assert set(range(popped, JOBS)) <= set(found)


def test_pushes_and_pops_meanwhile(side: Side, queue: Any) -> None:
    new = count(JOBS)
    seen = []
    for record in side.walk(queue):
        seen.append(record)
        side.push(*(job(next(new)) for _ in range(2)))
        side.server.command("RPOP", "queue:default")
    found = numbers(seen)
    assert found == sorted(set(found), reverse=True)
    assert set(range(len(found), JOBS)) <= set(found)


def test_deleting_what_one_iterates_over(side: Side, queue: Any) -> None:
    seen = []
    for record in side.walk(queue):
        seen.append(record)
        if record.args[0] % 2:
            assert side.run(record.delete())
    assert numbers(seen) == list(reversed(range(JOBS)))
    assert side.run(queue.size()) == JOBS // 2


def test_deleting_all(side: Side, queue: Any) -> None:
    assert all(side.run(record.delete()) for record in side.walk(queue))
    assert side.run(queue.size()) == 0


def test_equal_payloads_are_each_given(side: Side) -> None:
    side.push(*([job(1)] * 240))
    assert len(side.listed(side.Queue())) == 240


def test_clearing_meanwhile_ends_it(side: Side, queue: Any) -> None:
    steps = side.walk(queue)
    next(steps)
    side.run(queue.clear())
    assert len(list(steps)) < JOBS


def test_two_iterations_of_one_queue_do_not_meet(side: Side, queue: Any) -> None:
    first, second = side.walk(queue), side.walk(queue)
    pairs = zip(first, second, strict=True)
    assert all(left.jid == right.jid for left, right in pairs)


@pytest.fixture(params=["ScheduledSet", "RetrySet", "DeadSet"])
def jobs(request: pytest.FixtureRequest, side: Side) -> Any:
    """A set with many jobs, some of which have one score."""
    jobs = getattr(side, request.param)()
    side.server.client.zadd(jobs.name, {raw(job(number)): number // 7 for number in range(JOBS)})
    return jobs


def test_a_set_that_grows_and_shrinks(side: Side, jobs: Any) -> None:
    new = count(10_000)
    seen = []
    for entry in side.walk(jobs):
        seen.append(entry)
        side.add(jobs.name, {9e9: job(next(new))})
        if len(seen) % 4 == 0:
            side.server.command("ZPOPMIN", jobs.name)
    found = numbers(seen)
    assert len(found) == len(set(found))
    popped = len(found) // 4
    assert set(range(popped + 7, JOBS)) <= set(found)  # of equal scores, any of the seven may be the lowest


@pytest.mark.parametrize("verb", ["delete", "kill", "retry", "add_to_queue"])
def test_taking_each_entry_while_iterating(side: Side, jobs: Any, verb: str) -> None:
    if (jobs.name, verb) == ("dead", "kill"):
        return  # a dead job that is killed stays where it is
    seen = []
    for entry in side.walk(jobs):
        seen.append(entry)
        assert side.run(getattr(entry, verb)())
    assert sorted(numbers(seen)) == list(range(JOBS))
    assert side.run(jobs.size()) == 0


def test_taking_the_entry_where_a_page_ends_among_equal_scores(side: Side, jobs: Any) -> None:
    seen = []
    for number, entry in enumerate(side.walk(jobs), 1):
        seen.append(entry)
        if number % 20 == 0:  # whatever twenties a page has, its last one is among these
            side.run(entry.delete())
    assert sorted(numbers(seen)) == list(range(JOBS))
    assert side.run(jobs.size()) == JOBS - JOBS // 20


def test_rescheduling_each_entry_while_iterating(side: Side, jobs: Any) -> None:
    seen = []
    for entry in side.walk(jobs):
        seen.append(entry)
        side.run(entry.reschedule(9e9))
    assert sorted(numbers(seen)) == list(range(JOBS))
    assert set(side.scored(jobs.name).values()) == {9e9}


def test_breaking_off_leaves_all_as_it_was(side: Side, jobs: Any) -> None:
    for _ in side.walk(jobs):
        break
    assert side.run(jobs.size()) == JOBS
    assert side.run(jobs.find_job(jid(3))).args == [3]
