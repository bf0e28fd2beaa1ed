"""Sessions that a job leaves open end with it: the next job on the thread begins anew, and its pushes wait."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import scoped_session, sessionmaker

import teep
from teep.integrations.sqlalchemy import JobSessions, transactional_push
from teep.worker import Worker
from tests.integrations.transactions.conftest import Lying
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON

Run = Callable[..., list[Any]]


@pytest.fixture
def run(valkey: Server, own_registry: None) -> Iterator[Run]:
    """Run jobs, which return what they have to tell, one after the other in a worker with one slot."""
    workers: list[Worker] = []

    def run(*jobs: Callable[[], Any]) -> list[Any]:
        told: list[Any] = []
        for number, job in enumerate(jobs):
            _define(job, f"job {number}", told).set(queue="of jobs", retry=False).perform_async()
        # After what makes a session transactional, so that its worker knows of it.
        config = teep.default_config().copy(concurrency=1, queues=["of jobs"])
        workers.append(Worker(config))
        workers[-1].start()
        wait_until(lambda: len(told) == len(jobs), SOON, lambda: f"{len(jobs)} jobs: {told}")
        return told

    yield run
    for worker in workers:
        worker.stop(1.0)


def _define(job: Callable[[], Any], name: str, told: list[Any]) -> Any:
    def work() -> None:
        try:
            told.append(job())
        except Exception as error:
            told.append(type(error).__name__)
            raise

    async def awork() -> None:
        told.append(await job())

    return teep.job(name=name)(awork if inspect.iscoroutinefunction(job) else work)


@pytest.fixture
def scoped(engine: Engine) -> Iterator[scoped_session[Any]]:
    scoped = scoped_session(sessionmaker(engine))
    yield scoped
    scoped.remove()


def test_the_next_jobs_pushes_wait_for_its_own_commit(
    scoped: scoped_session[Any], run: Run, job: Any, lying: Lying
) -> None:
    transactional_push(scoped)

    def read() -> None:
        scoped.execute(text("SELECT 1"))

    def write() -> tuple[list[Any], list[Any]]:
        scoped.execute(text("SELECT 1"))
        job.perform_async("held")
        before = lying()
        scoped.commit()
        return before, lying()

    assert run(read, write) == [None, ([], ["held"])]


@pytest.mark.parametrize("how", [transactional_push, lambda scoped: teep.default_config().use(JobSessions(scoped))])
def test_a_failed_transaction_is_not_the_next_jobs(
    how: Callable[[Any], None], scoped: scoped_session[Any], run: Run
) -> None:
    how(scoped)

    def fail() -> None:
        scoped.execute(text("SELECT no_such_column"))

    def read() -> Any:
        return scoped().in_transaction(), scoped.execute(text("SELECT 1")).scalar()

    failed, *reads = run(fail, read, read)
    assert failed in ("OperationalError", "ProgrammingError")
    assert reads == [(False, 1), (False, 1)]


def test_a_session_of_a_maker_ends_too(engine: Engine, run: Run) -> None:
    sessions = sessionmaker(engine)
    transactional_push(sessions)
    session = sessions()

    def read() -> bool:
        was_open = session.in_transaction()
        session.execute(text("SELECT 1"))
        return was_open

    assert run(read, read) == [False, False]


def test_async_jobs_sessions_end_too(run: Run, tmp_path: Any) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/async.sqlite3")
    one = async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: "of all")
    transactional_push()
    teep.default_config().use(JobSessions(one))
    left: list[AsyncSession] = [AsyncSession(engine)]

    async def read() -> tuple[bool, bool]:
        was_open = (left[0].in_transaction(), one().in_transaction())
        await left[0].execute(text("SELECT 1"))
        await one.execute(text("SELECT 1"))
        return was_open

    async def end() -> str:
        await engine.dispose()
        return "ended"

    assert run(read, read, end) == [(False, False), (False, False), "ended"]


def test_a_job_that_runs_inline_leaves_its_callers_session_alone(
    scoped: scoped_session[Any], own_registry: None
) -> None:
    transactional_push(scoped)
    read = teep.job(name="read")(lambda: scoped.execute(text("SELECT 1")))
    read.perform_inline()
    assert scoped().in_transaction()
