"""Pushes inside the transactions of SQLAlchemy's sessions, on SQLite and PostgreSQL."""

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import teep
from teep.errors import InvalidArguments
from teep.integrations.sqlalchemy import held_by, transactional_push
from tests.integrations.transactions.conftest import Lying
from tests.integrations.transactions.table import Failed, Row, rows
from tests.support.servers import Server


def test_a_push_waits_for_the_commit(sessions: sessionmaker[Session], engine: Engine, job: Any, lying: Lying) -> None:
    with sessions() as session:
        session.add(Row(value=1))
        jids = [job.perform_async(1), job.perform_async(2)]
        session.flush()
        assert lying() == []
        session.commit()
        assert lying() == [1, 2]
    assert rows(engine) == [1]
    assert [record.jid for record in reversed(list(teep.Queue()))] == jids


def test_a_rollback_drops_it(
    sessions: sessionmaker[Session], job: Any, lying: Lying, caplog: pytest.LogCaptureFixture
) -> None:
    with sessions() as session:
        session.add(Row(value=1))
        job.perform_async(1)
        session.rollback()
        session.add(Row(value=1))
        job.perform_async(2)
        session.commit()
    with pytest.raises(Failed), sessions.begin():
        job.perform_async(3)
        raise Failed
    assert (lying(), caplog.text) == ([2], "")


def test_closing_without_a_commit_drops_it(
    sessions: sessionmaker[Session], job: Any, lying: Lying, caplog: pytest.LogCaptureFixture
) -> None:
    with sessions() as session:
        session.scalars(select(Row.value)).all()
        job.perform_async(1)
        job.perform_async(2)
    job.perform_async(3)
    assert lying() == [3]
    assert "dropped 2 pushes: their session was closed without a commit" in caplog.text


def test_a_session_given_up_keeps_neither_its_pushes_nor_itself(
    sessions: sessionmaker[Session], job: Any, lying: Lying
) -> None:
    import gc

    session: Session | None = sessions()
    assert session is not None
    session.begin()
    job.perform_async(1)
    del session
    gc.collect()
    job.perform_async(2)
    assert lying() == [2]


def test_outside_of_a_transaction_it_goes_at_once(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    with sessions() as session:
        job.perform_async(1)
        session.add(Row(value=1))
        session.commit()
        job.perform_async(2)
        assert lying() == [1, 2]


def test_a_savepoint_rolled_back_drops_its_own(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    with sessions.begin() as session:
        job.perform_async(1)
        with pytest.raises(Failed), session.begin_nested():
            job.perform_async(2)
            with session.begin_nested():
                job.perform_async(3)
            raise Failed
        with session.begin_nested():
            job.perform_async(4)
            with session.begin_nested():
                job.perform_async(5)
        job.perform_async(6)
        assert lying() == []
    assert lying() == [1, 4, 5, 6]


def test_a_savepoint_whose_flush_fails_drops_its_own(
    sessions: sessionmaker[Session], engine: Engine, job: Any, lying: Lying
) -> None:
    with sessions.begin() as session:
        session.add(Row(value=1))
        job.perform_async(1)
        with pytest.raises(IntegrityError), session.begin_nested():
            session.expunge_all()
            job.perform_async(2)
            session.add(Row(value=1))
            session.flush()
    assert (rows(engine), lying()) == ([1], [1])


def test_what_is_pushed_in_a_flush_waits_too(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    def inserted(mapper: Any, connection: Any, row: Row) -> None:
        job.perform_async(row.value)

    event.listen(Row, "after_insert", inserted)
    try:
        with sessions.begin() as session:
            session.add(Row(value=1))
            session.flush()
            with session.begin_nested() as savepoint:
                session.add(Row(value=2))
                session.flush()
                savepoint.rollback()
            assert lying() == []
    finally:
        event.remove(Row, "after_insert", inserted)
    assert lying() == [1]


@pytest.mark.parametrize("failing", [None, "inner", "outer"])
def test_with_several_sessions_it_waits_for_all(
    sessions: sessionmaker[Session], job: Any, lying: Lying, failing: str | None
) -> None:
    with sessions() as outer, sessions() as inner:
        outer.begin()
        inner.begin()
        job.perform_async(1)
        inner.rollback() if failing == "inner" else inner.commit()
        job.perform_async(2)
        assert lying() == []
        outer.rollback() if failing == "outer" else outer.commit()
    assert lying() == {None: [1, 2], "inner": [2], "outer": []}[failing]


def test_sessions_of_another_maker_do_not_count(
    sessions: sessionmaker[Session], engine: Engine, job: Any, lying: Lying
) -> None:
    with Session(engine) as session, session.begin():
        job.perform_async(1)
        assert lying() == [1]


def test_scoped_sessions(engine: Engine, job: Any, lying: Lying) -> None:
    scoped = scoped_session(sessionmaker(engine))
    transactional_push(scoped)
    scoped.add(Row(value=1))
    job.perform_async(1)
    assert lying() == []
    scoped.commit()
    assert lying() == [1]
    scoped.remove()


def test_another_thread_is_around_no_session(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    with sessions.begin():
        thread = threading.Thread(target=job.perform_async, args=[1])
        thread.start()
        thread.join()
        assert lying() == [1]


def test_held_by_counts_wherever_the_transaction_began(engine: Engine, job: Any, lying: Lying) -> None:
    with Session(engine) as session, Session(engine) as other, other.begin():
        thread = threading.Thread(target=session.begin)
        thread.start()
        thread.join()
        with held_by(session):
            for value in (1, 2):
                session.add(Row(value=value))
                job.perform_async(value)
                assert value not in lying()
                session.commit()
                assert value in lying()
            job.perform_async(3)
        session.begin()
        job.perform_async(4)
        assert lying() == [1, 2, 3, 4]


def test_held_by_where_a_dead_factory_had_been(engine: Engine, job: Any, lying: Lying) -> None:
    for value in range(20):
        factory = sessionmaker(engine)
        transactional_push(factory)
        del factory
        with Session(engine) as session, held_by(session):  # most often at the same address
            session.begin()
            job.perform_async(value)
            session.commit()
    assert lying() == [*range(20)]


def test_held_by_one_of_several(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    with sessions.begin(), sessions.begin() as session:
        with held_by(session):
            job.perform_async(1)
        session.commit()
        assert lying() == [1]


def test_awaited_pushes_in_a_plain_session(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    async def main() -> None:
        with sessions.begin():
            await job.aio.perform_async(1)
            await job.aio.perform_bulk([[2], [3]])
            assert lying() == []

    asyncio.run(main())
    assert lying() == [1, 2, 3]


def test_the_way_out(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    with pytest.raises(Failed), sessions.begin():
        job.set(transactional=False).perform_async(1)
        asyncio.run(job.aio.set(transactional=False).perform_async(2))
        raise Failed
    assert lying() == [1, 2]


def test_bulk_and_scheduled_pushes(sessions: sessionmaker[Session], job: Any, valkey: Server, lying: Lying) -> None:
    with sessions.begin():
        valkey.command("CONFIG", "RESETSTAT")
        for number in range(10):
            job.perform_async(number)
        job.perform_bulk([number] for number in range(10, 2_500))
        later = job.perform_in(3_600, "later")
        assert (lying(), teep.ScheduledSet().size()) == ([], 0)
    assert valkey.command("INFO", "commandstats")["cmdstat_lpush"]["calls"] == 4  # 10, 1000, 1000 and 490
    assert lying() == list(range(2_500))
    assert [entry.jid for entry in teep.ScheduledSet()] == [later]


def test_mistakes_show_at_the_push(sessions: sessionmaker[Session], job: Any, lying: Lying) -> None:
    with sessions.begin():
        with pytest.raises(InvalidArguments):
            job.perform_async({1})
        job.perform_async(1)
    assert lying() == [1]


def test_a_fake_collects_at_the_commit(sessions: sessionmaker[Session], job: Any) -> None:
    teep.configure(redis_url="redis://127.0.0.1:1")
    with sessions.begin(), teep.testing.fake() as jobs:
        job.perform_async(1)
        job.perform_async(2)
        assert len(jobs) == 0
    assert [collected.args for collected in jobs] == [[1], [2]]
