"""How a test sees that a job has run, on whichever side: what the classes of `ruby/jobs.rb` leave in Redis."""

from typing import Any

import msgspec
import redis

from tests.support.servers import Server
from tests.support.waiting import wait_until

_RAN = "interop:ran"
_STARTED = "interop:started"


class Run(msgspec.Struct, frozen=True):
    """A job that came to its end."""

    klass: str = msgspec.field(name="class")
    jid: str
    args: list[Any]


def ran(server: Server) -> list[Run]:
    """The jobs that came to their end since the server was flushed, oldest first."""
    return [msgspec.json.decode(raw, type=Run) for raw in server.command("LRANGE", _RAN, 0, -1)]


def wait_for_runs(server: Server, count: int = 1, timeout: float = 15.0) -> list[Run]:
    """Wait until that many jobs have come to their end, and return them, oldest first."""
    wait_until(lambda: len(ran(server)) >= count, timeout, lambda: f"{count} runs; so far {ran(server)}")
    return ran(server)


def wait_for_start(server: Server, jid: str, timeout: float = 15.0) -> None:
    """Wait until a `SlowJob` has begun."""
    wait_until(lambda: jid.encode() in server.command("LRANGE", _STARTED, 0, -1), timeout, f"the start of {jid}")


def release(server: Server, jid: str) -> None:
    """Let a `SlowJob` come to its end, whether or not it has begun."""
    server.command("RPUSH", f"interop:release:{jid}", "go")


def record_run(client: redis.Redis, run: Run) -> None:
    """What a Python job calls at its end, so that `ran()` shows it beside the Ruby ones."""
    client.rpush(_RAN, msgspec.json.encode(run))


def begin(client: redis.Redis, jid: str) -> None:
    """What a slow Python job calls: say that it has begun, as `SlowJob` does, and wait for its release."""
    client.rpush(_STARTED, jid)
    client.blpop([f"interop:release:{jid}"], timeout=60)
