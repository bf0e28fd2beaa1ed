"""Real databases, the jobs, and what lies in Redis."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

import teep
from teep.client.delivery import transactions
from teep.config import isolated
from teep.integrations.sqlalchemy import transactional_push
from tests.integrations.transactions.table import Base
from tests.support.postgres import Postgres
from tests.support.servers import Server

Lying = Callable[[], list[Any]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def _own_sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test makes transactional is forgotten after it."""
    monkeypatch.setattr(transactions, "_sources", {})
    with isolated():
        yield


@pytest.fixture(autouse=True)
def config(valkey: Server, _own_sources: None) -> teep.Config:
    """The process-wide configuration, on an empty Valkey."""
    valkey.flushall()
    return teep.configure(redis_url=valkey.url)


@pytest.fixture
def job() -> teep.JobFunction[[Any], None]:
    @teep.job(name="the.job")
    def function(value: Any) -> None: ...

    return function


@pytest.fixture
def lying(valkey: Server) -> Lying:
    """The first arguments of the jobs in the queue, the oldest first."""
    return lambda: [json.loads(raw)["args"][0] for raw in reversed(valkey.command("LRANGE", "queue:default", 0, -1))]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Any, postgres: Postgres) -> Iterator[Engine]:
    urls = {
        "sqlite": f"sqlite:///{tmp_path}/test.sqlite3",
        "postgres": f"postgresql+psycopg://{postgres.user}@/postgres?host={postgres.directory}",
    }
    engine = create_engine(urls[request.param])
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose transactions hold pushes."""
    maker = sessionmaker(engine)
    transactional_push(maker)
    return maker
