"""Queues: what lies in them, newest first, and how to find and remove it."""

import time

import pytest

from tests.api.sides import Side, jid, job


def test_an_unknown_queue_is_empty(side: Side) -> None:
    queue = side.Queue("nowhere")
    assert side.run(queue.size()) == 0
    assert side.run(queue.latency()) == 0.0
    assert side.run(queue.first()) is None
    assert side.run(queue.first(3)) == []
    assert side.run(queue.find_job(jid(1))) is None
    assert not side.run(queue.delete_job(jid(1)))
    assert not side.run(queue.is_paused())
    assert side.run(queue.page()) == ([], 0, 1)
    assert side.listed(queue) == []
    assert side.queues() == []


def test_the_default_queue_is_default(side: Side) -> None:
    queue = side.Queue()
    assert (queue.name, queue.id) == ("default", "default")
    assert repr(queue).endswith("Queue default>")


def test_queues_are_listed_by_name(side: Side) -> None:
    for name in ("low", "critical", "with space ☃"):
        side.push(job(), queue=name)
    assert [queue.name for queue in side.queues()] == ["critical", "low", "with space ☃"]
    assert [side.run(queue.size()) for queue in side.queues()] == [1, 1, 1]


def test_it_iterates_from_the_newest(side: Side) -> None:
    side.push(*(job(number) for number in range(5)))
    queue = side.Queue()
    assert [record.args for record in side.listed(queue)] == [[4], [3], [2], [1], [0]]
    assert side.run(queue.first()).args == [4]
    assert [record.args for record in side.run(queue.first(2))] == [[4], [3]]
    assert len(side.run(queue.first(10))) == 5
    assert side.run(queue.size()) == 5


def test_iteration_passes_the_pages_of_a_round_trip(side: Side) -> None:
    side.push(*(job(number) for number in range(1_201)))
    assert [record.args[0] for record in side.listed(side.Queue())] == list(reversed(range(1_201)))


def test_pages(side: Side) -> None:
    side.push(*(job(number) for number in range(7)))
    queue = side.Queue()
    first, third, fourth = (side.run(queue.page(number, size=3)) for number in (1, 3, 4))
    assert ([record.args[0] for record in first.items], first.total, first.number) == ([6, 5, 4], 7, 1)
    assert ([record.args[0] for record in third.items], third.total, third.number) == ([0], 7, 3)
    assert (fourth.items, fourth.total) == ([], 7)
    assert side.run(queue.page(0, 3)).number == 1


def test_pages_from_the_oldest_on(side: Side) -> None:
    side.push(*(job(number) for number in range(7)))
    queue = side.Queue()
    pages = [side.run(queue.page(number, size=3, reverse=True)) for number in (1, 3, 4)]
    assert [[record.args[0] for record in page.items] for page in pages] == [[0, 1, 2], [6], []]


@pytest.mark.parametrize("stamp", [lambda now: now - 30.0, lambda now: int((now - 30) * 1000)], ids=["s", "ms"])
def test_latency_is_the_oldest_jobs_wait(side: Side, stamp: object) -> None:
    assert callable(stamp)
    now = time.time()
    side.push(job(1, enqueued_at=stamp(now)), job(2, enqueued_at=now))
    assert side.run(side.Queue().latency()) == pytest.approx(30, abs=5)


def test_latency_falls_back_to_the_creation_and_to_nothing(side: Side) -> None:
    side.push(job(created_at=time.time() - 60))
    side.push("no job at all", queue="broken")
    side.push(job(enqueued_at="yesterday"), queue="odd")
    assert side.run(side.Queue().latency()) == pytest.approx(60, abs=5)
    assert side.run(side.Queue("broken").latency()) == 0.0
    assert side.run(side.Queue("odd").latency()) == 0.0


def test_a_job_is_found_by_its_jid_wherever_it_lies(side: Side) -> None:
    side.push(*(job(number) for number in range(6_000)))
    side.push(job(7_000, args=[jid(3)]))  # mentions another one's jid, and is none
    queue = side.Queue()
    for number in (0, 3, 2_500, 5_999):
        found = side.run(queue.find_job(jid(number)))
        assert (found.jid, found.args, found.queue) == (jid(number), [number], "default")
    assert side.run(queue.find_job(jid(6_500))) is None
    assert side.run(queue.find_job(jid(3)[:-1])) is None


def test_one_job_is_deleted_and_the_others_stay(side: Side) -> None:
    side.push(*(job(number) for number in range(4)))
    queue = side.Queue()
    found = side.run(queue.find_job(jid(1)))
    assert side.run(found.delete())
    assert not side.run(found.delete())
    assert side.run(queue.delete_job(jid(2)))
    assert not side.run(queue.delete_job(jid(2)))
    assert [payload["args"] for payload in side.lying()] == [[3], [0]]


def test_of_equal_payloads_one_is_deleted(side: Side) -> None:
    side.push(job(), job(), job())
    queue = side.Queue()
    assert side.run(side.run(queue.first()).delete())
    assert side.run(queue.size()) == 2


def test_clear_removes_the_queue_and_its_name(side: Side) -> None:
    side.push(job())
    side.push(job(), queue="other")
    assert side.run(side.Queue().clear()) is True
    assert [queue.name for queue in side.queues()] == ["other"]
    assert side.server.command("EXISTS", "queue:default") == 0


def test_a_paused_queue_says_so(side: Side) -> None:
    side.server.command("SADD", "paused", "default")
    for name, expected in (("default", True), ("low", False)):
        assert side.run(side.Queue(name).is_paused()) is expected
        assert side.run(side.Queue(name).paused) is expected
