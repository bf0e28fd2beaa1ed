"""The delaying proxy changes nothing but the time."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bench.delay import round_trip
from bench.proxy import Proxy
from tests.support.servers import Server
from tests.support.waiting import wait_until


@pytest.fixture
def delayed(valkey: Server, tmp_path: Path) -> Iterator[redis.Redis]:
    """A client behind 20 ms of delay each way."""
    with Proxy(valkey.port, 0.02, tmp_path) as proxy, redis.Redis.from_url(proxy.url) as client:
        client.ping()
        yield client


def test_an_answer_takes_both_ways(delayed: redis.Redis) -> None:
    started = time.monotonic()
    delayed.ping()
    assert time.monotonic() - started >= 0.04


def test_the_default_delay_is_about_a_millisecond(valkey: Server, tmp_path: Path) -> None:
    with Proxy(valkey.port, 0.0005, tmp_path) as proxy:
        assert 0.001 <= round_trip(proxy.url) < 0.1


def test_what_is_large_arrives_whole_and_in_order(delayed: redis.Redis) -> None:
    value = bytes(range(256)) * 40_000
    with delayed.pipeline(transaction=False) as pipeline:
        pipeline.set("large", value)
        for number in range(1000):
            pipeline.echo(str(number))
        pipeline.get("large")
        stored, *echoes, found = pipeline.execute()
    assert stored is True
    assert echoes == [str(number).encode() for number in range(1000)]
    assert found == value


def test_a_client_that_leaves_is_told_to_redis(valkey: Server, tmp_path: Path) -> None:
    with Proxy(valkey.port, 0.0, tmp_path) as proxy:
        with redis.Redis.from_url(proxy.url, client_name="leaving", socket_timeout=30) as client:
            client.ping()
            assert "leaving" in str(valkey.command("CLIENT", "LIST"))
        wait_until(lambda: "leaving" not in str(valkey.command("CLIENT", "LIST")), 10, "the connection to be closed")
