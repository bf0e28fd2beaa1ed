"""`teep stats` and `teep queues` on real servers."""

import json
import time

from teep import Client, Config, DeadSet, RetrySet
from tests.cli.running import output, printed
from tests.support.servers import Server


def fill(server: Server) -> None:
    config = Config(redis_url=server.url)
    client = Client(config)
    for number in range(3):
        client.push({"class": "Import", "args": [number], "queue": "low"})
    client.push({"class": "Import", "args": [4], "queue": "high"})
    client.push({"class": "Later", "args": [], "queue": "low", "at": time.time() + 3600})
    RetrySet(config=config).schedule(time.time() + 60, {"class": "Import", "args": [], "jid": "1"})
    DeadSet(config=config).schedule(time.time(), {"class": "Import", "args": [], "jid": "2"})
    server.command("SET", "stat:processed", 1234567)
    server.command("SET", "stat:failed", 89)
    server.command("SADD", "paused", "low")


def test_stats_as_json(server: Server) -> None:
    fill(server)
    stats = json.loads(output("stats", "--json", "--redis-url", server.url))
    assert stats.pop("default_queue_latency") == 0
    assert stats == {
        "processed": 1234567,
        "failed": 89,
        "expired": 0,
        "scheduled_size": 1,
        "retry_size": 1,
        "dead_size": 1,
        "processes_size": 0,
        "enqueued": 4,
        "workers_size": 0,
        "queues": {"low": 3, "high": 1},
    }


def test_stats_as_a_table(server: Server) -> None:
    fill(server)
    rows = [line.split() for line in output("stats", TEEP_REDIS_URL=server.url).splitlines()]
    for row in (["processed", "1,234,567"], ["failed", "89"], ["retry", "1"], ["enqueued", "4"], ["busy", "0"]):
        assert row in rows


def test_queues_as_json(server: Server) -> None:
    fill(server)
    queues = printed("queues", "--redis-url", server.url)
    assert [0 <= queue.pop("latency") < 60 for queue in queues] == [True, True]
    assert queues == [
        {"name": "low", "size": 3, "paused": True},
        {"name": "high", "size": 1, "paused": False},
    ]


def test_queues_as_a_table(server: Server) -> None:
    fill(server)
    text = output("queues", REDIS_URL=server.url)
    assert "\033" not in text
    rows = [line.split() for line in text.splitlines() if line.strip()]
    assert rows[0] == ["queue", "size", "latency", "paused"]
    assert [(row[0], row[1], row[-1]) for row in rows[2:]] == [("low", "3", "yes"), ("high", "1", "s")]


def test_no_queues(server: Server) -> None:
    assert output("queues", "--redis-url", server.url) == "There are no queues: nothing was pushed yet.\n"
    assert printed("queues", "--redis-url", server.url) == []
