"""Pushes inside the transactions of SQLAlchemy's AsyncSession, on SQLite and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

import teep
from teep.client.delivery import transactions
from teep.config import async_driver_for
from teep.errors import NotPushed
from teep.integrations.sqlalchemy import held_by, transactional_push
from tests.conftest import ServerFactory
from tests.integrations.transactions.conftest import Lying
from tests.integrations.transactions.table import Base, Failed, Row
from tests.support.postgres import Postgres

Sessions = async_sessionmaker[AsyncSession]
Run = Callable[[Callable[[Sessions], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=["sqlite", "postgres"])
def run(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Run:
    """Runs a test's coroutine with sessions whose transactions hold pushes."""
    urls = {
        "sqlite": f"sqlite+aiosqlite:///{tmp_path}/test.sqlite3",
        "postgres": f"postgresql+psycopg://{postgres.user}@/postgres?host={postgres.directory}",
    }

    @asynccontextmanager
    async def opened() -> AsyncIterator[Sessions]:
        engine = create_async_engine(urls[request.param])
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
        maker: sessionmaker[Session] = sessionmaker()
        transactional_push(maker)
        yield async_sessionmaker(engine, sync_session_class=maker)
        await engine.dispose()
        await async_driver_for(teep.default_config()).close()

    async def main(body: Callable[[Sessions], Coroutine[Any, Any, None]]) -> None:
        async with opened() as sessions:
            await body(sessions)

    return lambda body: asyncio.run(main(body))


def test_a_push_waits_for_the_commit(run: Run, job: Any, lying: Lying) -> None:
    async def body(sessions: Sessions) -> None:
        async with sessions() as session:
            session.add(Row(value=1))
            await job.aio.perform_async(1)
            await session.flush()
            await job.aio.perform_bulk([[2], [3]])
            job.perform_async(4)
            assert lying() == []
            await session.commit()
            assert lying() == [1, 2, 3, 4]
            await job.aio.perform_async(5)
            assert lying()[-1] == 5

    run(body)


def test_a_transaction_that_a_select_began_counts(run: Run, job: Any, lying: Lying) -> None:
    async def body(sessions: Sessions) -> None:
        async with sessions() as session:
            await session.scalars(select(Row.value))  # begins inside of SQLAlchemy's greenlet
            await job.aio.perform_async(1)
            assert lying() == []
            await session.commit()
        assert lying() == [1]

    run(body)


def test_a_rollback_or_closing_drops_it(run: Run, job: Any, lying: Lying) -> None:
    async def body(sessions: Sessions) -> None:
        with pytest.raises(Failed):
            async with sessions.begin():
                await job.aio.perform_async(1)
                raise Failed
        async with sessions() as session:
            await session.begin()
            await job.aio.perform_async(2)
        await job.aio.perform_async(3)

    run(body)
    assert lying() == [3]


def test_a_savepoint_rolled_back_drops_its_own(run: Run, job: Any, lying: Lying) -> None:
    async def body(sessions: Sessions) -> None:
        async with sessions.begin() as session:
            await job.aio.perform_async(1)
            with pytest.raises(Failed):
                async with session.begin_nested():
                    await job.aio.perform_async(2)
                    raise Failed
            async with session.begin_nested():
                await job.aio.perform_async(3)

    run(body)
    assert lying() == [1, 3]


def test_tasks_have_transactions_of_their_own(run: Run, job: Any, lying: Lying) -> None:
    async def one(sessions: Sessions, value: int, begun: asyncio.Barrier) -> None:
        async with sessions() as session:
            await session.begin()
            await job.aio.perform_async(value)
            async with begun:
                await (session.commit() if value % 2 else session.rollback())

    async def body(sessions: Sessions) -> None:
        begun = asyncio.Barrier(4)
        await asyncio.gather(*(one(sessions, value, begun) for value in range(4)))

    run(body)
    assert sorted(lying()) == [1, 3]


def test_held_by(run: Run, job: Any, lying: Lying) -> None:
    async def body(sessions: Sessions) -> None:
        async with sessions() as session, sessions() as other:
            await asyncio.create_task(_begin(session))
            await other.begin()
            with held_by(session):
                await job.aio.perform_async(1)
            assert lying() == []
            await session.commit()
            assert lying() == [1]

    run(body)


async def _begin(session: AsyncSession) -> None:
    await session.begin()


def test_an_outage_at_the_commit(run: Run, job: Any, fresh_server: ServerFactory) -> None:
    async def body(sessions: Sessions) -> None:
        dying = fresh_server()
        teep.configure(redis_url=dying.url)
        async with sessions() as session:
            session.add(Row(value=1))
            jid = await job.aio.perform_async(1)
            dying.kill()
            with pytest.raises(NotPushed) as raised:
                await session.commit()
            assert list(await session.scalars(select(Row.value))) == [1]
        assert [item["jid"] for item in raised.value.items] == [jid]

    run(body)


def test_a_cancelled_commit_pushes_all_the_same(run: Run, job: Any, lying: Lying) -> None:
    async def body(sessions: Sessions) -> None:
        async with sessions() as session, asyncio.timeout(60):
            session.add(Row(value=1))
            await job.aio.perform_async(1)
            commit = asyncio.create_task(session.commit())
            while not transactions._sending:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0)
            commit.cancel()
            with pytest.raises(asyncio.CancelledError):
                await commit
            await asyncio.gather(*transactions._sending)

    run(body)
    assert lying() == [1]
