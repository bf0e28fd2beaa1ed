"""Processes as their heartbeats would write them, of teep and of Sidekiq."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.servers import Server
from tests.web.conftest import payload

RUBY = {"capsules": None, "version": "7.3.10", "weights": [{"default": 1, "low": 2}], "queues": ["default", "low"]}


def capsule(*queues: str, concurrency: int = 5, mode: str = "strict", weight: int = 0) -> dict[str, Any]:
    return {"concurrency": concurrency, "mode": mode, "weights": dict.fromkeys(queues, weight)}


def beat(
    store: Server, identity: str, work: Sequence[Mapping[str, Any]] = (), *, info: Any = None, **fields: Any
) -> None:
    """Write a process with its running jobs; `work` has the fields of each job, and its entry's other fields."""
    host, pid, *_ = [*identity.split(":"), "1"]
    told = {
        "hostname": host, "pid": pid, "tag": "shop", "labels": [], "identity": identity, "embedded": False,
        "started_at": time.time() - 60, "concurrency": 5, "version": "teep 1.0",
        "capsules": {"default": capsule("default")},
    }  # fmt: skip
    told |= info or {}
    usual: dict[Any, Any] = {"busy": len(work), "beat": time.time(), "quiet": "false", "rss": 1000, "rtt_us": 70}
    values: dict[Any, Any] = {name: value for name, value in (usual | fields).items() if value is not None}
    store.client.sadd("processes", identity)
    store.client.hset(identity, mapping={**values, "info": json.dumps(told)})
    for number, given in enumerate(work):
        job = dict(given)
        place = {"queue": job.pop("queue", "default"), "run_at": job.pop("run_at", int(time.time()) - 10 - number)}
        tid, raw = job.pop("tid", f"t{number}"), job.pop("raw", None)
        told = {"progress": job.pop("progress")} if "progress" in job else {}
        raw = payload(number, **job) if raw is None else raw
        store.client.hset(f"{identity}:work", tid, json.dumps(place | {"payload": raw} | told))
