"""A Redis user who may do nothing dangerous and nothing of an administrator's is enough for all that teep does."""

import threading
from collections.abc import Iterator

import pytest

import teep
from teep.api import JobSet
from teep.config import overridden
from teep.worker import Worker
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON

pytestmark = pytest.mark.every_server

RULES = ("~*", "&*", "+@all", "-@dangerous", "-@admin")


@pytest.fixture
def config(server: Server) -> Iterator[teep.Config]:
    server.command("ACL", "SETUSER", "plain", "reset", "on", ">pw", *RULES)
    url = f"redis://plain:pw@127.0.0.1:{server.port}/0"
    made = teep.Config(redis_url=url, queues=["a", "b", "c"], concurrency=2, poll_interval_average=0.1)
    with overridden(made) as config:
        yield config


def _drained(*sets: JobSet) -> bool:
    return not any(map(len, sets))


@pytest.mark.slow("a worker's whole day: runs, retries, scheduled jobs, a rescue, a cancellation")
@pytest.mark.usefixtures("own_registry")
def test_a_worker_does_all_of_its_work(config: teep.Config) -> None:
    tries, ended = [], threading.Event()

    @teep.job(name="fails_once", queue="b", retry=2, retry_in=lambda *_: 0.05)
    def fails_once() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("once")
        ended.set()

    @teep.job(name="later", queue="c", unique_for=60)
    async def later() -> None:
        pass

    worker = Worker(config)
    fails_once.perform_async()
    later.perform_in(0.1)
    worker.start()
    try:
        assert ended.wait(SOON)
        wait_until(lambda: teep.Stats().processed >= 3, SOON, "the scheduled job to run")
        worker.rescue()
        assert [process.identity for process in teep.ProcessSet()] == [worker.identity]
    finally:
        assert worker.stop()
    assert _drained(teep.RetrySet(), teep.ScheduledSet(), teep.DeadSet())


def test_the_data_api_needs_no_more(config: teep.Config) -> None:
    client = teep.Client()
    jids = client.push_bulk({"class": "C", "args": [[n] for n in range(5)], "queue": "a"})
    client.push({"class": "C", "args": [], "queue": "a", "at": 4e9})
    queue = teep.Queue("a")
    assert queue.size() == 5
    assert queue.latency() >= 0
    assert [job.jid for job in queue] == list(reversed(jids))
    assert client.cancel(str(jids[0])) == "queued"
    queue.pause()
    assert queue.is_paused()
    queue.unpause()
    assert teep.ScheduledSet().where(queue="a").kill_all() == 1
    assert teep.DeadSet().retry_all() == 1
    assert teep.Stats().enqueued == 5
    assert [found.where for found in [teep.find_job(str(jids[1]))] if found] == ["queued"]
    queue.clear()
    teep.Stats().reset()
