"""The tests' own tools work."""

import os
import time

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.conftest import ServerFactory
from tests.support import golden
from tests.support.servers import KINDS, Kind, Server
from tests.support.special import AclServer, Sentinel, TlsServer
from tests.support.waiting import wait_until


def test_a_session_server_is_empty_and_reachable_both_ways(server: Server) -> None:
    assert server.command("DBSIZE") == 0
    for url in (server.url, server.unix_url):
        with redis.Redis.from_url(url) as client:
            client.set("left", "behind")


def test_a_fresh_server_survives_kill_9_with_its_data(fresh_server: ServerFactory) -> None:
    server = fresh_server(append_only=True)
    server.command("SET", "key", "value")
    url, pid = server.url, server.pid
    server.kill()
    with pytest.raises(redis.ConnectionError):
        server.command("PING")
    server.restart()
    assert (server.url, server.command("GET", "key")) == (url, b"value")
    assert server.pid != pid


def test_a_closed_server_leaves_no_files_behind() -> None:
    server = Server("valkey")
    pid = server.pid
    server.close()
    assert not server.directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_cannot_start_shows_its_log() -> None:
    with pytest.raises(RuntimeError, match="no-such-option"):
        Server("redis", options=("--no-such-option", "1"))


def test_tls(tls_server: TlsServer) -> None:
    with redis.Redis.from_url(tls_server.url) as client:
        assert client.execute_command("PING")


def test_acl(acl_server: AclServer) -> None:
    for url in (acl_server.url, acl_server.unix_url):
        with redis.Redis.from_url(url) as client:
            assert client.execute_command("ACL", "WHOAMI") == b"teep"
    # redis-py takes a refused password for a broken connection and would try again for seconds.
    once = Retry(NoBackoff(), retries=0)
    with redis.Redis(port=acl_server.port, retry=once) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


@pytest.mark.slow("a Sentinel makes another server the primary, twice")
def test_sentinel_fails_over_in_order_and_after_a_crash(sentinel: Sentinel) -> None:
    first, second = sentinel.primary, sentinel.replica
    first.command("SET", "key", "value")
    assert sentinel.failover() is second
    assert second.command("GET", "key") == b"value"
    with pytest.raises(redis.ReadOnlyError):
        first.command("SET", "key", "to the old primary")
    assert sentinel.crash_primary() is first
    first.command("SET", "key", "after the crash")


@pytest.mark.parametrize(("version", "step"), golden.all_steps())
@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_is_restored_byte_for_byte(
    kind: Kind, version: str, step: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue("valkey" if kind == "valkey" else "redis_server")
    server.flushall()
    recording = golden.load(version, step)
    golden.restore(server, recording)
    assert {key.decode(): server.command("TYPE", key).decode() for key in server.command("KEYS", "*")} == (
        recording.types
    )
    for key, string in recording.strings.items():
        assert server.command("GET", key) == string
    for key, fields in recording.hashes.items():
        assert server.command("HGETALL", key) == fields
    for key, raws in recording.lists.items():
        assert server.command("LRANGE", key, 0, -1) == raws
    for key, members in recording.sets.items():
        assert server.command("SMEMBERS", key) == members
    for key, scored in recording.zsets.items():
        assert {raw: float(server.command("ZSCORE", key, raw)) for raw in scored} == scored
        assert server.command("ZRANGE", key, 0, -1) == list(scored)
    for key, ttl in recording.ttls.items():
        assert ttl - 5000 <= server.command("PTTL", key) <= ttl


def test_every_payload_is_found() -> None:
    payloads = golden.all_payloads()
    assert {payload.version for payload in payloads} == set(golden.VERSIONS)
    assert {payload.key for payload in payloads} >= {"queue:default", "schedule", "retry", "dead"}
    assert any(payload.raw == b"this is not JSON {" for payload in payloads)


def test_waiting_ends_at_its_deadline_in_words() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"not within 0\.05 s: the impossible"):
        wait_until(lambda: False, 0.05, "the impossible")
    assert time.monotonic() - started < 10
