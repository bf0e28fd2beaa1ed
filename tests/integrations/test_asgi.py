"""The lifespan of ASGI apps: teep's connections end with the app, and it starts without Redis."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import teep
from teep.config import isolated
from teep.integrations.asgi import lifespan
from tests.support.servers import Server, free_port
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    with isolated():
        yield


def pushing(server: Server, **options: object) -> FastAPI:
    config = teep.configure(redis_url=server.url)
    app = FastAPI(lifespan=lifespan(config if options.get("own") else None))

    @teep.job(name="asgi.job")
    def job() -> None: ...

    @app.get("/push")
    async def push() -> str:
        jids = await asyncio.gather(*[job.aio.perform_async() for _ in range(5)])
        return str(len(jids))

    return app


def connections(server: Server) -> int:
    return int(server.client.info("clients")["connected_clients"])


@pytest.mark.parametrize("own", [False, True])
def test_connections_end_with_the_app(valkey: Server, own: bool) -> None:
    valkey.flushall()
    app = pushing(valkey, own=own)
    before = connections(valkey)
    with TestClient(app) as client:
        assert client.get("/push").json() == "5"
        assert connections(valkey) > before
    wait_until(lambda: connections(valkey) == before, 10, "the end of the connections")
    with TestClient(app) as client:  # an app may be started again
        assert client.get("/push").json() == "5"
    assert valkey.command("LLEN", "queue:default") == 10


def test_an_app_starts_and_ends_without_redis_and_starts_no_server() -> None:
    teep.configure(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with TestClient(FastAPI(lifespan=lifespan())):
        pass
