"""Jobs to look at, one in each place."""

import json
from datetime import UTC, datetime
from typing import Any

from teep.config import Config, driver_for
from teep.store.running import owners
from teep.store.running.inflight import exchange
from teep.store.running.owners import Owner
from tests.support.servers import Server

JID = f"{7:024x}"
ME = "host:1:0123456789ab"
ERROR = {"error_class": "app.Timeout", "error_message": "after 30 s\nof <b>waiting</b>", "retry_count": 2}
TIMES = {"created_at": 1_700_000_000_000, "failed_at": 1_700_000_060_500, "retried_at": 1_700_000_120.25}


def job(**fields: Any) -> str:
    item = {"class": "app.resize", "args": [1, "x"], "jid": JID, "queue": "low", **fields}
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def lay(store: Server, where: str, payload: str | bytes) -> None:
    """Put a job into a set or a queue."""
    if where.startswith("queue:"):
        store.client.sadd("queues", where.removeprefix("queue:"))
        store.client.lpush(where, payload)
    else:
        store.command("ZADD", where, 1_800_000_000.5, payload)


def take(config: Config) -> None:
    """Have a process take what lies in the queue "low", and say so at a heartbeat."""
    driver = driver_for(config)
    driver.run(owners.register(Owner(ME, 1, "", 0, ("low",))))
    driver.execute(exchange(ME, {}, ["low"], 10, datetime.now(UTC).date()))


def beat(store: Server, payload: str) -> None:
    """Say that a thread of a process runs a job since some time."""
    info = {"hostname": "host", "pid": 1, "identity": ME, "started_at": 1.7e9, "queues": ["low"]}
    store.client.sadd("processes", ME)
    store.client.hset(ME, mapping={"info": json.dumps(info), "busy": 1, "beat": 1.7e9})
    work = {"queue": "low", "payload": payload, "run_at": 1_700_000_200}
    store.client.hset(f"{ME}:work", "tid1", json.dumps(work))
