"""The lifespan: entered before the first job, left after the last one, and never half."""

import asyncio
import contextvars
import os
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from queue import SimpleQueue
from typing import Any

import pytest

import teep
from teep.errors import ConfigurationError, NotHere
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

IN_SPAN = contextvars.ContextVar("in_span", default="")


class Heard(SimpleQueue[str]):
    """What was done, in order."""

    def all(self) -> list[str]:
        return [self.get_nowait() for _ in range(self.qsize())]


def plain(heard: Heard) -> Callable[[], Iterator[dict[str, str]]]:
    def span() -> Iterator[dict[str, str]]:
        heard.put("enter")
        yield {"pool": "plain"}
        heard.put("leave")

    return span


def on_loop(heard: Heard) -> Callable[[], AsyncIterator[dict[str, Any]]]:
    async def span() -> AsyncIterator[dict[str, Any]]:
        token = IN_SPAN.set("one task")
        await asyncio.sleep(0)
        heard.put("enter")
        yield {"pool": "async", "loop": asyncio.get_running_loop()}
        await asyncio.sleep(0)
        IN_SPAN.reset(token)  # raises in another task
        heard.put("leave")

    return span


def push_and_wait(fleet: Fleet, job: Any, heard: Heard, count: int = 1) -> None:
    fleet.push(job)
    wait_until(lambda: heard.qsize() >= count, SOON, "the job")


@pytest.mark.parametrize("make", [plain, on_loop])
@pytest.mark.parametrize("decorated", [False, True])
def test_jobs_find_what_it_yields_from_the_first_to_the_last(
    valkey_fleet: Fleet, make: Callable[[Heard], Callable[[], Any]], decorated: bool
) -> None:
    heard, config = Heard(), valkey_fleet.configure()
    span = make(heard)
    if decorated:
        span = contextmanager(span) if make is plain else asynccontextmanager(span)

    @teep.job(name="in_thread")
    def in_thread() -> None:
        heard.put(f"job {teep.current_worker().state['pool']}")

    @teep.job(name="on_loop")
    async def in_task() -> None:
        state = teep.current_worker().state
        assert state.get("loop") in (None, asyncio.get_running_loop())
        heard.put(f"async job {state['pool']}")

    assert config.lifespan(span) is span
    config.on("startup", lambda: heard.put("startup"))
    config.on("shutdown", lambda: heard.put("shutdown"))
    worker = valkey_fleet.start(config)
    valkey_fleet.push(in_thread)
    wait_until(lambda: heard.qsize() == 3, SOON, "the job")
    valkey_fleet.push(in_task)
    wait_until(lambda: heard.qsize() == 4, SOON, "the async job")
    worker.stop()
    worker.stop()
    pool = "plain" if make is plain else "async"
    assert heard.all() == ["startup", "enter", f"job {pool}", f"async job {pool}", "shutdown", "leave"]
    worker.start()  # once more from the beginning
    worker.stop()
    assert heard.all() == ["startup", "enter", "shutdown", "leave"]


def test_it_is_left_after_a_job_that_uses_it(valkey_fleet: Fleet) -> None:
    heard, config, begun, go = Heard(), valkey_fleet.configure(), threading.Event(), threading.Event()

    @teep.job(name="long")
    def long() -> None:
        begun.set()
        go.wait(SOON)
        heard.put("job done")

    config.lifespan(plain(heard))
    config.on("quiet", go.set)
    worker = valkey_fleet.start(config)
    valkey_fleet.push(long)
    assert begun.wait(SOON)
    worker.stop()
    assert heard.all() == ["enter", "job done", "leave"]


def broken_plain() -> Iterator[None]:
    raise ConnectionError("no database")
    yield


async def broken_on_loop() -> AsyncIterator[None]:
    raise ConnectionError("no database")
    yield


@pytest.mark.parametrize("span", [broken_plain, broken_on_loop])
def test_one_that_fails_at_its_begin_keeps_the_worker_from_starting(
    valkey_fleet: Fleet, span: Callable[[], Any]
) -> None:
    heard, config = Heard(), valkey_fleet.configure()

    @teep.job(name="never")
    def never() -> None:
        heard.put("ran")

    valkey_fleet.push(never)
    config.lifespan(span)
    with pytest.raises(ConnectionError, match="no database"):
        valkey_fleet.start(config)
    assert len(valkey_fleet.queue()) == 1
    assert heard.all() == []
    assert not [thread for thread in threading.enumerate() if thread.name == "teep-loop"]


@pytest.mark.parametrize("make", [plain, on_loop])
def test_one_that_was_entered_is_left_if_the_worker_cannot_start(
    valkey_fleet: Fleet, make: Callable[[Heard], Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, config = Heard(), valkey_fleet.configure()
    config.lifespan(make(heard))

    def refuse(*_: object) -> None:
        raise ConfigurationError("not today")

    monkeypatch.setattr("teep.worker.worker.services_for", refuse)
    with pytest.raises(ConfigurationError, match="not today"):
        valkey_fleet.start(config)
    assert heard.all() == ["enter", "leave"]


def failing_plain() -> Iterator[None]:
    yield
    raise OSError("cannot close")


async def failing_on_loop() -> AsyncIterator[None]:
    yield
    raise OSError("cannot close")


@pytest.mark.parametrize("span", [failing_plain, failing_on_loop])
def test_one_that_fails_at_its_end_is_reported_and_the_worker_leaves(
    valkey_fleet: Fleet, span: Callable[[], Any]
) -> None:
    config, reports = valkey_fleet.configure(), Heard()
    config.error_handlers.append(lambda error, context: reports.put(f"{context['context']}: {error}"))
    config.lifespan(span)
    worker = valkey_fleet.start(config)
    assert worker.stop()
    assert reports.all() == ["lifespan: cannot close"]
    assert not valkey_fleet.server.command("SMEMBERS", "processes")


@pytest.mark.slow("it gets three seconds to end")
def test_one_that_does_not_end_holds_no_worker_up(valkey_fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    config, cancelled = valkey_fleet.configure(), threading.Event()

    async def span() -> AsyncIterator[None]:
        yield
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    config.lifespan(span)
    worker = valkey_fleet.start(config)
    worker.stop(0)
    assert "the lifespan has not ended in time" in caplog.text
    assert cancelled.wait(SOON)


def test_each_process_has_its_own(valkey_fleet: Fleet) -> None:
    heard, config = Heard(), valkey_fleet.configure()

    @teep.job(name="forks")
    def forks() -> None:
        with warnings.catch_warnings(action="ignore"):  # a mark does not reach a job's thread everywhere
            pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
        heard.put("forked")

    config.lifespan(plain(heard))
    worker = valkey_fleet.start(config)
    push_and_wait(valkey_fleet, forks, heard, 2)
    worker.stop()
    assert heard.all() == ["enter", "forked", "leave"]


def test_there_is_one_and_a_copy_takes_it_along() -> None:
    config = teep.Config()
    span = plain(Heard())
    config.lifespan(span)
    config.lifespan(span)
    assert config.copy(concurrency=3).hooks.lifespan is config.hooks.lifespan
    with pytest.raises(ConfigurationError, match=r"there is a lifespan already, .*plain.*enter both in one"):
        config.lifespan(plain(Heard()))


async def no_generator() -> None: ...


@pytest.mark.parametrize("wrong", [3, no_generator])
def test_what_makes_no_context_manager_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a generator function with one yield"):
        teep.Config().lifespan(wrong)


def test_what_made_none_is_refused_at_the_start(valkey_fleet: Fleet) -> None:
    config = valkey_fleet.configure()
    config.lifespan(lambda: {"pool": 1})
    with pytest.raises(
        ConfigurationError, match=r"must be a generator function with one yield; it made \{'pool': 1\}"
    ):
        valkey_fleet.start(config)


def test_nobody_is_the_worker_outside_of_one() -> None:
    with pytest.raises(NotHere, match="no worker runs this code; a test gives"):
        teep.current_worker()
