"""Pushes inside Django's transactions, on SQLite and PostgreSQL."""

import asyncio
import logging
import threading
import unittest
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import django
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.test.testcases import TestCase

import teep
from teep.errors import InvalidArguments, NotPushed, RedisUnavailable
from teep.integrations.django import transactional_push
from tests.conftest import ServerFactory
from tests.integrations.transactions.conftest import Lying
from tests.integrations.transactions.table import Failed
from tests.support.postgres import Postgres
from tests.support.servers import Server


@pytest.fixture(scope="session")
def _django(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("django")
    sqlite = {"ENGINE": "django.db.backends.sqlite3"}
    cluster = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": postgres.user,
        "HOST": str(postgres.directory),
    }
    databases = {
        "default": {**sqlite, "NAME": folder / "default.sqlite3"},
        "other": {**sqlite, "NAME": folder / "other.sqlite3"},
        "postgres": cluster,
    }
    settings.configure(DATABASES=databases, USE_TZ=True, LOGGING_CONFIG=None)
    django.setup()


@pytest.fixture(params=["default", "postgres"])
def db(request: pytest.FixtureRequest, _django: None) -> Iterator[str]:
    """The alias of a database with an empty table, whose transactions hold pushes."""
    alias: str = request.param
    transactional_push(alias)
    with connections[alias].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS rows_of_test")
        cursor.execute("CREATE TABLE rows_of_test (value integer)")
    yield alias
    connections.close_all()


def atomic(using: str) -> AbstractContextManager[Any]:
    block: Any = transaction.atomic  # Django has no types, and pyright guesses wrong
    found: AbstractContextManager[Any] = block(using=using)
    return found


def insert(alias: str, value: int) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO rows_of_test VALUES (%s)", [value])


def rows(alias: str) -> list[int]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT value FROM rows_of_test ORDER BY value")
        return [value for (value,) in cursor.fetchall()]


def test_a_push_waits_for_the_commit(db: str, job: Any, lying: Lying) -> None:
    with atomic(db):
        insert(db, 1)
        jids = [job.perform_async(1), job.perform_async(2)]
        assert lying() == []
    assert (rows(db), lying()) == ([1], [1, 2])
    assert [record.jid for record in reversed(list(teep.Queue()))] == jids


def test_a_rollback_drops_it(db: str, job: Any, lying: Lying) -> None:
    with pytest.raises(Failed), atomic(db):
        insert(db, 1)
        assert job.perform_async(1)
        raise Failed
    with atomic(db):
        job.perform_async(2)
        transaction.set_rollback(True, using=db)
    assert (rows(db), lying()) == ([], [])


def test_outside_of_a_transaction_it_goes_at_once(db: str, job: Any, lying: Lying) -> None:
    job.perform_async(1)
    assert lying() == [1]


def test_a_savepoint_rolled_back_drops_its_own(db: str, job: Any, lying: Lying) -> None:
    with atomic(db):
        job.perform_async(1)
        with pytest.raises(Failed), atomic(db):
            job.perform_async(2)
            with atomic(db):
                job.perform_async(3)
            raise Failed
        with atomic(db):
            job.perform_async(4)
        job.perform_async(5)
        assert lying() == []
    assert lying() == [1, 4, 5]


def test_the_transaction_of_another_database_does_not_count(db: str, job: Any, lying: Lying) -> None:
    with atomic("other"):
        job.perform_async(1)
        assert lying() == [1]


@pytest.mark.parametrize("failing", [None, "inner", "outer"])
def test_with_several_databases_it_waits_for_all(db: str, job: Any, lying: Lying, failing: str | None) -> None:
    transactional_push(db, "other")
    try:
        with atomic("other"):
            with atomic(db):
                job.perform_async(1)
                transaction.set_rollback(failing == "inner", using=db)
            assert lying() == []
            transaction.set_rollback(failing == "outer", using="other")
    finally:
        assert lying() == ([] if failing else [1])


def test_another_thread_is_in_no_transaction(db: str, job: Any, lying: Lying) -> None:
    with atomic(db):
        thread = threading.Thread(target=job.perform_async, args=[1])
        thread.start()
        thread.join()
        assert lying() == [1]


def test_awaited_pushes_outside_of_a_transaction(db: str, job: Any, lying: Lying) -> None:
    asyncio.run(job.aio.perform_async(1))
    assert lying() == [1]


def test_the_way_out(db: str, job: Any, lying: Lying, valkey: Server) -> None:
    @teep.job(name="another.job", transactional=False)
    def at_once(value: int) -> None: ...

    with pytest.raises(Failed), atomic(db):
        job.set(transactional=False).perform_async(1)
        job.set(transactional=False).perform_bulk([[2]])
        at_once.perform_async(3)
        teep.Client().push({"class": "the.job", "args": [4], "transactional": False})
        at_once.set(transactional=True).perform_async(5)
        raise Failed
    assert lying() == [1, 2, 3, 4]
    assert not any(b"transactional" in raw for raw in valkey.command("LRANGE", "queue:default", 0, -1))


def test_the_way_out_for_every_job(db: str, job: Any, lying: Lying, valkey: Server) -> None:
    teep.configure(redis_url=valkey.url, job_defaults={"transactional": False})
    with atomic(db):
        job.perform_async(1)
        job.set(transactional=True).perform_async(2)
        assert lying() == [1]
    assert lying() == [1, 2]


def test_bulk_scheduled_and_encrypted_pushes(db: str, job: Any, lying: Lying) -> None:
    teep.encryption.enable(active_version=1, key={1: b"k" * 32})

    @teep.job(name="secret.job", encrypt=True, queue="secret")
    def secret(name: str, pin: int) -> None: ...

    with atomic(db):
        jids = job.perform_bulk([number] for number in range(2_500))
        later = job.perform_in(3_600, "later")
        secret.perform_async("Ada", 4111)
        assert (lying(), teep.ScheduledSet().size()) == ([], 0)
    assert lying() == list(range(2_500))
    assert len(set(jids)) == 2_500
    assert [entry.jid for entry in teep.ScheduledSet()] == [later]
    (record,) = teep.Queue("secret")
    assert teep.encryption.decrypt(record.args[1]) == 4111


def test_mistakes_and_middleware_show_at_the_push(db: str, job: Any, lying: Lying, config: teep.Config) -> None:
    config.client_middleware.add(lambda item, call_next: item["args"][0] != 2 and call_next())
    with atomic(db):
        with pytest.raises(InvalidArguments):
            job.perform_async({1})
        assert job.perform_async(1)
        assert job.perform_async(2) is None
    assert lying() == [1]


def test_without_autocommit_django_cannot_tell_the_commit(db: str, job: Any, lying: Lying) -> None:
    transaction.set_autocommit(False, using=db)
    with pytest.raises(transaction.TransactionManagementError, match="manual transaction management"):
        job.perform_async(1)
    job.set(transactional=False).perform_async(2)
    transaction.set_autocommit(True, using=db)
    assert lying() == [2]


def test_an_outage_shows_while_the_transaction_can_be_rolled_back(db: str, job: Any) -> None:
    teep.configure(redis_url="redis://127.0.0.1:1")
    with pytest.raises(RedisUnavailable), atomic(db):
        insert(db, 1)
        job.perform_async(1)
    assert rows(db) == []


@pytest.fixture
def dying(fresh_server: ServerFactory) -> Server:
    """A server of the process-wide configuration's own, to kill in the middle of a transaction."""
    server = fresh_server()
    teep.configure(redis_url=server.url)
    return server


def test_an_outage_at_the_commit(db: str, job: Any, dying: Server, caplog: pytest.LogCaptureFixture) -> None:
    jids: list[str] = []
    with pytest.raises(NotPushed, match="has committed, but 3 of its jobs") as raised, atomic(db):
        insert(db, 1)
        jids += [job.perform_in(3_600, 1), job.perform_async(2)]
        with pytest.raises(Failed), atomic(db):
            job.perform_async(3)
            raise Failed
        with atomic(db):
            jids += [job.perform_async(4)]
        dying.kill()
    assert rows(db) == [1]
    assert [f"committed, not pushed: the.job {jid} to 'default'" in caplog.text for jid in jids] == [True] * 3
    dying.start()
    assert [teep.Client().push(item) for item in raised.value.items] == jids
    assert [teep.Queue().size(), teep.ScheduledSet().size()] == [2, 1]


def test_a_robust_push_lets_others_go_on(db: str, job: Any, dying: Server, caplog: pytest.LogCaptureFixture) -> None:
    transactional_push(db, robust=True)
    done: list[int] = []
    with atomic(db):
        jids = [job.perform_async(1), job.perform_async(2)]
        transaction.on_commit(lambda: done.append(3), using=db)
        dying.kill()
    assert done == [3]
    assert [jid in caplog.text for jid in jids] == [True, True]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_a_fake_collects_at_the_commit(db: str, job: Any, lying: Lying) -> None:
    teep.configure(redis_url="redis://127.0.0.1:1")
    with atomic(db), teep.testing.fake() as jobs:
        job.perform_async(1)
        assert len(jobs) == 0
    assert [collected.args for collected in jobs] == [[1]]


def test_django_s_own_test_case(db: str, job: Any) -> None:
    class Testing(TestCase):  # type: ignore[misc]  # to mypy Django has no types
        databases = {db}  # noqa: RUF012 - as Django has it

        def runTest(self) -> None:  # noqa: N802 - as unittest has it
            with teep.testing.fake() as jobs, self.captureOnCommitCallbacks(using=db, execute=True):
                job.perform_async(1)
                assert len(jobs) == 0
            assert len(jobs) == 1

    outcome = unittest.TestResult()
    unittest.TestSuite([Testing()]).run(outcome)
    assert (outcome.testsRun, outcome.errors, outcome.failures) == (1, [], [])
