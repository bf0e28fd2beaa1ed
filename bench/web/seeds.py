"""The state of Redis: a fleet at work, and many jobs in the queue and in each set."""

import json
import time
from typing import Any

from bench.api import seeds
from bench.server import Server

KLASS = seeds.KLASSES[0]
HOST = "host-10"
_SLICE = 100


def everything(server: Server, jobs: int, processes: int = 50) -> None:
    """`jobs` jobs in the queue and in each set, and processes with ten running jobs each."""
    server.client.flushall()
    server.client.mset({"stat:processed": 123_456, "stat:failed": 789})
    seeds.queue(server, jobs, name="default")
    for key in ("retry", "schedule", "dead"):
        seeds.sorted_set(server, key, jobs, failed=key != "schedule")
    fleet(server, processes)


def fleet(server: Server, processes: int) -> None:
    """Processes with ten running jobs each."""
    now = time.time()
    for start in range(0, processes, _SLICE):
        with server.client.pipeline(transaction=False) as pipe:
            for number in range(start, min(start + _SLICE, processes)):
                identity, fields, work = _process(number, now)
                pipe.sadd("processes", identity)
                pipe.hset(identity, mapping=fields)
                pipe.hset(f"{identity}:work", mapping=work)
            pipe.execute()


def _process(number: int, now: float) -> tuple[str, dict[Any, Any], dict[Any, Any]]:
    host, pid = f"host-{number % 100}", 4000 + number
    identity = f"{host}:{pid}:0123456789ab"
    info = {
        "hostname": host, "started_at": now - 1000, "pid": pid, "tag": "shop", "concurrency": 10,
        "queues": ["default", "low"], "weights": [{"default": 0, "low": 0}], "labels": [], "identity": identity,
        "version": "8.1.7", "embedded": False,
        "capsules": {"default": {"concurrency": 10, "mode": "strict", "weights": {"default": 0, "low": 0}}},
    }  # fmt: skip
    fields = {"info": json.dumps(info), "busy": 10, "beat": now, "quiet": "false", "rss": 50_000, "rtt_us": 90,
              "concurrency": 10}  # fmt: skip
    work = {f"t{thread}": _work(number * 10 + thread, int(now) - thread) for thread in range(10)}
    return identity, fields, work


def _work(number: int, since: int) -> str:
    job = {
        "retry": True, "queue": "default", "class": KLASS, "args": [number, "tenant-42"],
        "jid": seeds.ordered_jid(number), "created_at": since, "enqueued_at": since,
    }  # fmt: skip
    return json.dumps({"queue": "default", "payload": json.dumps(job), "run_at": since})
