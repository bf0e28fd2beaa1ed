"""What running jobs tell of their progress: written within a second, shown while they run."""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

import teep
from teep.errors import InvalidType, InvalidValue
from teep.job.context import JobContext
from teep.store import processes
from teep.store.processes import Reported
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = [pytest.mark.usefixtures("own_registry"), pytest.mark.one_server]

BEFORE_THE_BEAT = 8.0


def told(fleet: Fleet) -> list[tuple[float, str] | None]:
    """Return what the running jobs told."""
    works = [work for _, _, work in teep.WorkSet(config=fleet.config)]
    return [None if work.progress is None else (work.progress.done, work.progress.note) for work in works]


class Steps:
    """A job that tells its progress step by step, when the test says so."""

    def __init__(self, *, waits: bool) -> None:
        self.go, self.end = threading.Event(), threading.Event()
        self.tells: Callable[[], None] = lambda: _context().progress(0.25, "rows")

        @teep.job(name="steps")
        def steps() -> None:
            self.tells()
            assert self.go.wait(SOON)
            for number in range(100):
                _context().progress(number / 100)
            _context().progress(1, "all \ud800" + "x" * 300)
            assert self.end.wait(SOON)

        @teep.job(name="steps.awaited")
        async def steps_awaited() -> None:
            await asyncio.to_thread(steps)

        self.job: Any = steps_awaited if waits else steps


def _context() -> JobContext:
    context = teep.current_job()
    assert context is not None
    return context


@pytest.mark.parametrize("waits", [False, True])
def test_what_a_job_tells_shows_long_before_the_next_heartbeat(fleet: Fleet, waits: bool) -> None:
    steps = Steps(waits=waits)
    fleet.config = fleet.configure(heartbeat_interval=20.0)
    worker = fleet.start(fleet.config)
    jid = fleet.push(steps.job)
    wait_until(lambda: told(fleet) == [(0.25, "rows")], BEFORE_THE_BEAT, "the first step")
    work = teep.WorkSet(config=fleet.config).find_work(jid)
    assert work is not None
    assert work.progress is not None
    assert isinstance(work.progress, teep.Progress)
    assert abs((work.progress.at - work.run_at).total_seconds()) < SOON
    identity = work.process_id
    assert 0 < fleet.server.command("TTL", f"{identity}:work") <= 60
    steps.go.set()
    wait_until(lambda: told(fleet) == [(1.0, "all ?" + "x" * 195)], BEFORE_THE_BEAT, "the last step")
    assert asyncio.run(_found(fleet.config, jid)) == 1.0
    steps.end.set()
    fleet.wait_until_processed(1)
    worker.stop()
    assert fleet.server.command("EXISTS", f"{identity}:work") == 0


async def _found(config: teep.Config, jid: str) -> float:
    work = await teep.AsyncWorkSet(config=config).find_work(jid)
    from teep.config import async_driver_for

    await async_driver_for(config).close()
    assert work is not None
    assert work.progress is not None
    return work.progress.done


def test_the_heartbeat_brings_along_what_a_thread_of_the_job_tells(fleet: Fleet) -> None:
    steps = Steps(waits=False)

    def tell() -> None:
        context = _context()
        thread = threading.Thread(target=lambda: context.progress(0.5, "elsewhere"))
        thread.start()
        thread.join()

    steps.tells = tell
    fleet.config = fleet.configure(heartbeat_interval=0.2)
    fleet.start(fleet.config)
    fleet.push(steps.job)
    wait_until(lambda: told(fleet) == [(0.5, "elsewhere")], SOON, "a heartbeat")
    steps.go.set()
    steps.end.set()


def test_a_job_that_tells_nothing_has_none_and_costs_no_write(fleet: Fleet) -> None:
    end = threading.Event()

    @teep.job(name="quiet")
    def quiet() -> None:
        assert end.wait(SOON)

    fleet.config = fleet.configure(heartbeat_interval=0.2)
    fleet.start(fleet.config)
    fleet.push(quiet)
    wait_until(lambda: told(fleet) == [None], SOON, "a heartbeat")
    end.set()


@pytest.mark.parametrize(
    ("done", "note", "error", "sentence"),
    [
        (-0.1, "", InvalidValue, "a share from 0 to 1, such as rows / of_rows, not -0.1"),
        (40, "", InvalidValue, "a share from 0 to 1, such as rows / of_rows, not 40"),
        (math.nan, "", InvalidValue, "not nan"),
        (True, "", InvalidType, "a number from 0 to 1, not True"),
        ("0.4", "", InvalidType, "a number from 0 to 1, not '0.4'"),
        ((4, 10), "", InvalidType, r"a number from 0 to 1, not \(4, 10\)"),
        (0.4, 5, InvalidType, "the note of a progress must be a string, not 5"),
    ],
)
def test_what_is_no_share_is_refused(done: Any, note: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        JobContext({}).progress(done, note)


def test_outside_of_a_worker_it_does_nothing(offline: teep.Config) -> None:
    @teep.job(name="tells")
    def tells() -> str:
        _context().progress(0.5, "half")
        return "done"

    assert tells.perform_inline() == "done"


@pytest.mark.parametrize(
    "damaged",
    [5, [], {}, {"done": "x", "note": "", "at": 1}, {"done": 7, "note": "", "at": 1},
     {"done": 1, "note": "", "at": 1e30}],
)  # fmt: skip
def test_what_others_wrote_there_hides_no_job(server: Server, damaged: Any) -> None:
    import json

    entry = json.loads(processes.work_entry("default", b'{"class":"X","args":[],"jid":"a"}', 5.0))
    server.command("SADD", "processes", "p")
    server.command("HSET", "p:work", "t", json.dumps(entry | {"progress": damaged}))
    ((_, _, work),) = teep.WorkSet(config=teep.Config(redis_url=server.url))
    assert (work.job.jid, work.progress) == ("a", None)


def test_an_entry_without_progress_is_sidekiqs() -> None:
    bare = processes.work_entry("q", b"{}", 5.9)
    assert bare == b'{"queue":"q","payload":"{}","run_at":5}'
    assert processes.work_entry("q", b"{}", 5.9, Reported(0.5, "n", 6.5)) == (
        bare[:-1] + b',"progress":{"done":0.5,"note":"n","at":6.5}}'
    )
