"""Pages of a queue by cursor, jobs found again by where they were seen, and a job that is moved."""

import json
import time
from typing import Any

import pytest

from teep.api import Place
from teep.errors import InvalidPage
from tests.api.sides import Side
from tests.api.trips import sent

CLASSES = 3


def job(number: int, **fields: Any) -> str:
    item = {"class": f"C{number % CLASSES}", "args": [number], "jid": f"{number:024x}", "queue": "q"}
    return json.dumps({**item, **fields})


def fill(side: Side, count: int) -> None:
    """Push jobs; number 0 is the next to run."""
    for start in range(0, count, 1000):
        side.server.command("LPUSH", "queue:q", *(job(n) for n in range(start, min(start + 1000, count))))
    side.server.command("SADD", "queues", "q")


def pages(side: Side, size: int, *, reverse: bool = False, **conditions: Any) -> list[list[int]]:
    """The arguments on each page, one after another."""
    found, place = [], None
    while True:
        some = side.run(side.Queue("q").where(**conditions).page(size, after=place, reverse=reverse, seconds=30))
        found.append([record.args[0] for record in some.items])
        place = some.next
        if place is None:
            return found


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
def test_pages_lead_to_each_job_once(side: Side, count: int, reverse: bool) -> None:
    if count:
        fill(side, count)
    numbers = list(range(count))[:: -1 if reverse else 1]
    assert pages(side, 10, reverse=reverse) == [numbers[at : at + 10] for at in range(0, max(count, 1), 10)]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_search_goes_through_slices(side: Side, reverse: bool) -> None:
    fill(side, 5000)
    wanted = [n for n in range(5000) if n % CLASSES == 1][:: -1 if reverse else 1]
    found = pages(side, 700, reverse=reverse, klass="C1")
    assert [number for some in found for number in some] == wanted
    assert [len(some) for some in found][:-1] == [700] * (len(found) - 1)


def test_there_is_a_way_back(side: Side) -> None:
    fill(side, 25)
    queue = side.Queue("q").where()
    second = side.run(queue.page(10, after=Place(10, 0)))
    assert ([record.args[0] for record in second.items], second.position, second.total) == ([*range(10, 20)], 10, 25)
    first = side.run(queue.page(10, before=second.previous))
    assert ([record.args[0] for record in first.items], first.previous) == ([*range(10)], None)
    assert side.run(queue.page(10, after=Place(99, 0))).items == []
    with pytest.raises(InvalidPage):
        side.run(queue.page(0))


def test_a_search_stops_in_time_and_says_how_far_it_came(side: Side) -> None:
    fill(side, 5000)
    queue = side.Queue("q").where(args=[4999])
    first = side.run(queue.page(10, seconds=0))
    assert (first.items, first.complete, first.looked_at, first.next) == ([], False, 2000, Place(2000, 0))
    second = side.run(queue.page(10, after=first.next, seconds=0))
    assert (second.position, second.looked_at) == (2000, 2000)
    last = side.run(queue.page(10, after=second.next))
    assert ([record.args for record in last.items], last.complete, last.next) == ([[4999]], True, None)


def test_a_page_costs_one_round_trip(side: Side) -> None:
    fill(side, 100)
    with sent() as commands:
        side.run(side.Queue("q").where().page(50))
        assert len(commands) == 1


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("conditions", [{}, {"klass": "C*"}])
def test_a_job_of_a_page_is_found_again(side: Side, reverse: bool, conditions: Any) -> None:
    fill(side, 120)
    queue = side.Queue("q")
    side.server.command("RPUSH", "queue:q", "no job")
    page = side.run(queue.where(**conditions).page(100, reverse=reverse))
    side.server.command("RPOP", "queue:q")
    side.server.command("RPUSH", "queue:q", "no job")
    side.server.command("LPUSH", "queue:q", *(job(n) for n in range(200, 230)))
    with sent() as commands:
        for record in page.items[1:]:
            name = record.jid or record.digest
            found = side.run(queue.entry(record.position, name))
            assert (found.raw, found.position) == (record.raw, record.position)
        assert len(commands) == len(page.items) - 1
    assert side.run(queue.entry(0, "0" * 16)) is None
    assert side.run(queue.entry(100_000, f"{7:024x}")).args == [7]
    assert side.run(queue.entry(100_000, "f" * 24)) is None


def test_a_job_moves_to_another_queue(side: Side) -> None:
    fill(side, 5)
    side.server.command("LPUSH", "queue:other", job(99))
    record = side.run(side.Queue("q").where().page()).items[2]
    assert side.run(record.move_to("other")) is True
    assert (record.queue, record["queue"], record.args) == ("other", "other", [2])
    raws = side.server.command("LRANGE", "queue:other", 0, -1)
    assert [json.loads(raw)["args"] for raw in raws] == [[2], [99]]
    assert side.server.command("SISMEMBER", "queues", "other") == 1
    assert side.server.command("LLEN", "queue:q") == 4
    gone = side.run(side.Queue("q").where().page()).items[0]
    side.server.command("RPOP", "queue:q")
    assert side.run(gone.move_to("other")) is False
    assert gone.queue == "q"


def test_a_job_is_killed_by_its_bytes_whoever_else_has_its_jid(side: Side) -> None:
    died: list[tuple[Any, str]] = []
    side.config = side.config.copy(dead_max_jobs=3)
    side.config.death_handlers.append(lambda item, reason: died.append((item["args"], str(reason))))
    same = f"{7:024x}"
    side.server.command("LPUSH", "queue:q", *(job(number, jid=same) for number in range(4)), "no job")
    side.server.command("ZADD", "dead", time.time() - 2, "older", time.time() - 1, "old")
    records = side.run(side.Queue("q").where().page()).items
    assert side.run(records[2].kill()) is True
    assert side.run(records[2].kill()) is False
    assert died == [([2], "Job killed by API")]
    left = side.server.command("LRANGE", "queue:q", 0, -1)
    assert left == [b"no job", *(job(number, jid=same).encode() for number in (3, 1, 0))]
    assert list(side.scored("dead")) == [b"old", records[2].raw], "it was trimmed"
    assert (records[2].queue, records[2].args) == ("q", [2])
    (last,) = (record for record in side.listed(side.Queue("q")) if not record.is_job)
    assert side.run(last.kill()) is True
    assert list(side.scored("dead")) == [records[2].raw, b"no job"]
    assert len(died) == 1


def test_one_queues_summary(side: Side) -> None:
    fill(side, 3)
    side.server.command("SADD", "paused", "q")
    with sent() as commands:
        stats = side.stats()
        del commands[:]
        assert side.run(stats.queue_summary("q")) == ("q", 3, 0.0, True)
        assert len(commands) == 1
    assert side.run(stats.queue_summary("none")) == ("none", 0, 0.0, False)
