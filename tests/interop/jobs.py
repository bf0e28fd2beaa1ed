"""The job classes that only Python knows, the counterparts of `ruby/jobs.rb`."""

import os
from collections.abc import Iterator
from typing import Any

import redis

import teep
from tests.interop.runs import Run, begin, record_run


def _client() -> redis.Redis:
    return redis.Redis.from_url(os.environ["TEEP_REDIS_URL"])


def _record(args: tuple[Any, ...]) -> None:
    context = teep.current_job()
    assert context is not None
    with _client() as client:
        record_run(client, Run(context.payload["class"], context.jid, list(args)))


@teep.job(name="python.Echo")
def echo(*args: Any) -> None:
    """Echo."""
    _record(args)


@teep.job(name="python.AsyncEcho", queue="low", retry=3, tags=["interop"])
async def async_echo(*args: Any) -> None:
    """Echo, on the event loop."""
    _record(args)


@teep.job(name="python.Named")
def named(first: int, second: int = 2, *, locale: str = "en") -> None:
    """Echo what came by which way."""
    _record((first, second, locale))


@teep.job(name="python.SecretEcho", encrypt=True)
def secret_echo(name: str, secret: Any) -> None:
    """Echo the secret too."""
    _record((name, secret))


@teep.job(name="python.Fail", retry=2, backtrace=True, tags=["é"], retry_queue="low", retry_in=lambda *_: 3600)
def fail(message: str = "boom", *_rest: Any, **_more: Any) -> None:
    """Fail always."""
    raise ValueError(message)


@teep.job(name="python.Fragile", retry=0)
def fragile(message: str = "boom") -> None:
    """Die at the first failure."""
    raise ValueError(message)


@teep.job(name="python.Slow")
def slow(*args: Any) -> None:
    """Say that it has begun, then run until it is released."""
    context = teep.current_job()
    assert context is not None
    with _client() as client:
        begin(client, context.jid)
    _record(args)


class WalkJob(teep.IterableJob, name="WalkJob"):
    """Go through the numbers below the argument, as Ruby's class does."""

    def build_enumerator(self, count: int, *, cursor: int | None) -> Iterator[tuple[int, int]]:
        return self.array_enumerator(range(count), cursor=cursor)

    def each_iteration(self, number: int, count: int) -> None:
        with _client() as client:
            client.rpush(f"interop:walked:{self.jid}", number)
            if number == 3 and client.incr(f"interop:held:{self.jid}") == 1:
                begin(client, str(self.jid))

    def on_complete(self) -> None:
        if not self.cancelled:
            _record(tuple(self.arguments))


# The names of Ruby's classes, so that a job which failed in one language is retried in the other.


@teep.job(name="FailJob", retry=2)
def ruby_fail_job(message: str = "boom") -> None:
    """Succeed where Ruby's class fails."""
    _record((message,))


@teep.job(name="EchoJob")
def ruby_echo_job(*args: Any) -> None:
    """Fail where Ruby's class succeeds."""
    raise ValueError("Python cannot do this one")
