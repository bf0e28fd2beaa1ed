"""What becomes of pushes when Redis fails around the commit of a SQLAlchemy session."""

import asyncio
import logging
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, sessionmaker

import teep
from teep.errors import NotPushed, RedisUnavailable
from tests.conftest import ServerFactory
from tests.integrations.transactions.conftest import Lying
from tests.integrations.transactions.table import Row, rows
from tests.support.proxy import Proxy
from tests.support.servers import Server


@pytest.fixture
def dying(fresh_server: ServerFactory) -> Server:
    """The server of the process-wide configuration, which the test may kill."""
    server = fresh_server()
    teep.configure(redis_url=server.url)
    return server


def test_an_outage_shows_while_the_transaction_can_be_rolled_back(
    sessions: sessionmaker[Session], engine: Engine, job: Any
) -> None:
    teep.configure(redis_url="redis://127.0.0.1:1")
    with pytest.raises(RedisUnavailable), sessions.begin() as session:
        session.add(Row(value=1))
        job.perform_async(1)
    assert rows(engine) == []


def test_an_outage_at_the_commit(
    sessions: sessionmaker[Session], engine: Engine, job: Any, dying: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with sessions() as session:
        session.add(row := Row(value=1))
        jids = [job.perform_async(1), job.perform_async(2)]
        dying.kill()
        with pytest.raises(NotPushed, match="has committed, but 2 of its jobs") as raised:
            session.commit()
        assert not session.in_transaction()
        assert row.value == 1  # read anew: the session goes on
    assert rows(engine) == [1]
    assert [f"committed, not pushed: the.job {jid} to 'default'" in caplog.text for jid in jids] == [True, True]
    dying.start()
    assert [teep.Client().push(item) for item in raised.value.items] == jids
    assert teep.Queue().size() == 2


def test_an_outage_at_the_end_of_a_begin_block(
    sessions: sessionmaker[Session], engine: Engine, job: Any, dying: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotPushed), sessions.begin() as session:
        session.add(Row(value=1))
        job.perform_async(1)
        dying.kill()
    assert rows(engine) == [1]
    assert {record.levelno for record in caplog.records if record.name == "teep"} == {logging.ERROR}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_lost_answer_at_the_commit_costs_no_job(
    sessions: sessionmaker[Session], job: Any, valkey: Server, lying: Lying, is_async: bool
) -> None:
    async def main() -> None:
        async with AsyncSession(sync_session_class=sessions.class_) as session:
            await session.begin()
            job.perform_async(1)
            proxy.lose_answer(b"LPUSH")
            await session.commit()

    with Proxy(valkey.port) as proxy:
        teep.configure(redis_url=proxy.url)
        if is_async:
            asyncio.run(main())
        else:
            with sessions.begin():
                job.perform_async(1)
                proxy.lose_answer(b"LPUSH")
    assert lying() == [1, 1]
    assert len({record.jid for record in teep.Queue(config=teep.Config(redis_url=valkey.url))}) == 1


def test_what_two_configurations_could_not_push_is_reported_together(
    sessions: sessionmaker[Session], job: Any, fresh_server: ServerFactory, lying: Lying
) -> None:
    dying = [fresh_server(), fresh_server()]
    jids: list[str | None] = []
    clients = [teep.Client(teep.Config(redis_url=server.url)) for server in dying]
    with pytest.raises(NotPushed) as raised, sessions.begin():
        jids += [client.enqueue(job, 1) for client in clients]
        job.perform_async(2)
        for server in dying:
            server.kill()
    assert [item["jid"] for item in raised.value.items] == jids
    assert lying() == [2]


def test_a_redis_that_has_failed_is_not_asked_again(
    sessions: sessionmaker[Session], job: Any, valkey: Server, lying: Lying
) -> None:
    with Proxy(valkey.port) as proxy:
        client = teep.Client(teep.Config(redis_url=proxy.url))
        with pytest.raises(NotPushed, match="out of memory") as raised, sessions.begin():
            client.enqueue(job, 1)
            job.perform_async(2)
            client.enqueue(job, 3)
            proxy.refuse(b"LPUSH", "OOM full\r\n-OOM full")  # an answer each to SADD and LPUSH
    assert [item["args"] for item in raised.value.items] == [[1], [3]]
    assert lying() == [2]
