"""What a worker process shows of itself in Redis: the shape that Sidekiq's API and Web UI read."""

import asyncio
import os
import threading
import time
from typing import Any

import msgspec
import pytest

import teep
from teep.worker import Worker
from tests.support import golden
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.every_server


def _hash(fleet: Fleet, identity: str) -> dict[str, str]:
    fields = fleet.server.command("HGETALL", identity)
    return {str(name, "utf-8"): str(value, "utf-8") for name, value in fields.items()}


def _await_hash(fleet: Fleet, worker: Worker) -> dict[str, str]:
    return wait_until(lambda: _hash(fleet, worker.identity), SOON, "the process hash")


def test_an_idle_process_shows_what_sidekiq_8_shows(fleet: Fleet) -> None:
    recording = golden.load("8.1.7", "21-process-idle")
    (recorded,) = recording.hashes.values()
    before = time.time()
    worker = fleet.start(concurrency=2, queues=["critical,2", "default,1"], tag="labtag", labels=["one"])
    shown = _await_hash(fleet, worker)
    assert {name.encode() for name in shown} == recorded.keys()
    assert before <= float(shown["beat"]) <= time.time()
    assert "." in shown["beat"]
    assert (shown["busy"], shown["quiet"], shown["concurrency"]) == ("0", "false", "2")
    assert 10_000 < int(shown["rss"]) < 2_000_000
    assert 0 < int(shown["rtt_us"]) < 5_000_000
    assert fleet.server.command("SMEMBERS", "processes") == {worker.identity.encode()}
    assert 50 < fleet.server.command("TTL", worker.identity) <= 60


def test_the_info_is_readable_by_every_sidekiq(fleet: Fleet) -> None:
    worker = fleet.start(concurrency=2, queues=["critical,2", "default,1"], tag="labtag", labels=["one"])
    info: dict[str, Any] = msgspec.json.decode(_await_hash(fleet, worker)["info"])
    (recorded,) = golden.load("8.1.7", "21-process-idle").hashes.values()
    sidekiq_8: dict[str, Any] = msgspec.json.decode(recorded[b"info"])
    # Sidekiq before 8.1.2 reads the concurrency here.
    assert info.keys() == sidekiq_8.keys() | {"concurrency"}
    assert {name: type(value) for name, value in info.items() if name in sidekiq_8} == {
        name: type(value) for name, value in sidekiq_8.items()
    }
    for field in ("capsules", "queues", "weights", "tag"):
        assert info[field] == sidekiq_8[field], field
    assert (info["concurrency"], info["labels"], info["embedded"]) == (2, ["one"], True)
    assert info["identity"] == worker.identity
    assert worker.identity.split(":")[:2] == [info["hostname"], str(info["pid"])]
    assert info["pid"] == os.getpid()
    nonce = worker.identity.split(":")[2]
    assert len(nonce) == 12
    assert int(nonce, 16) >= 0


@pytest.mark.parametrize(
    ("queues", "mode", "weights"),
    [(["a", "b"], "strict", {"a": 0, "b": 0}), (["a,1", "b,1"], "random", {"a": 1, "b": 1})],
)
def test_the_capsule_shows_its_mode_and_weights(
    fleet: Fleet, queues: list[str], mode: str, weights: dict[str, int]
) -> None:
    worker = fleet.start(concurrency=4, queues=queues)
    info: dict[str, Any] = msgspec.json.decode(_await_hash(fleet, worker)["info"])
    assert info["capsules"] == {"default": {"concurrency": 4, "mode": mode, "weights": weights}}
    assert info["weights"] == [weights]


def test_running_jobs_are_in_the_work_hash_under_both_names(fleet: Fleet) -> None:
    go = threading.Event()

    @teep.job(name="held")
    def held(_number: int) -> None:
        go.wait(SOON)

    @teep.job(name="async_held")
    async def async_held() -> None:
        await asyncio.to_thread(go.wait, SOON)

    before = int(time.time())
    fleet.push(held, 1)
    fleet.push(async_held)
    raws = sorted(fleet.queue())
    worker = fleet.start(concurrency=3, heartbeat_interval=0.1)
    try:
        wait_until(lambda: _hash(fleet, worker.identity).get("busy") == "2", SOON, "two busy")
        recorded = golden.load("8.1.7", "22-busy").hashes
        (sidekiq_8,) = (fields for key, fields in recorded.items() if key.endswith(":work"))
        shape = {frozenset(msgspec.json.decode(value)) for value in sidekiq_8.values()}
        for suffix in ("work", "workers"):
            key = f"{worker.identity}:{suffix}"
            entries: dict[bytes, Any] = {
                thread_id: msgspec.json.decode(value)
                for thread_id, value in fleet.server.command("HGETALL", key).items()
            }
            assert {frozenset(entry) for entry in entries.values()} == shape
            assert sorted(entry["payload"].encode() for entry in entries.values()) == raws
            assert all(type(entry["run_at"]) is int and entry["run_at"] >= before for entry in entries.values())
            assert {entry["queue"] for entry in entries.values()} == {"default"}
            assert all(thread_id.isascii() and b":" not in thread_id for thread_id in entries)
            assert 50 < fleet.server.command("TTL", key) <= 60
        info = teep.WorkSet(config=fleet.config)
        assert sorted(work.job.klass for _, _, work in info) == ["async_held", "held"]
    finally:
        go.set()
    wait_until(lambda: _hash(fleet, worker.identity).get("busy") == "0", SOON, "none busy")
    assert fleet.server.command("EXISTS", f"{worker.identity}:work", f"{worker.identity}:workers") == 0


def test_a_clean_exit_leaves_the_set_at_once_and_the_hash_to_expire(fleet: Fleet) -> None:
    worker = fleet.start()
    _await_hash(fleet, worker)
    worker.stop()
    assert fleet.server.command("SMEMBERS", "processes") == set()
    assert fleet.server.command("KEYS", "*work*") == []
    assert fleet.server.command("EXISTS", "teep:inflight") == 0
    assert 0 < fleet.server.command("TTL", worker.identity) <= 60


def test_a_quiet_process_says_so_and_starts_nothing(fleet: Fleet) -> None:
    ran = threading.Event()

    @teep.job(name="job")
    def job() -> None:
        ran.set()

    worker = fleet.start(heartbeat_interval=0.1)
    _await_hash(fleet, worker)
    worker.quiet()
    fleet.push(job)
    wait_until(lambda: _hash(fleet, worker.identity)["quiet"] == "true", SOON, "the process to show that it is quiet")
    beat = _hash(fleet, worker.identity)["beat"]
    wait_until(lambda: _hash(fleet, worker.identity)["beat"] != beat, SOON, "another beat")
    assert len(fleet.queue()) == 1
    assert not ran.is_set()
