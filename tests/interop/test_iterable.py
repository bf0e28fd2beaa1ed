"""An iterable job goes on in the other language at its cursor, and is cancelled from there."""

import pytest

import teep
from tests.interop.conftest import PythonTeepFactory, RubySidekiqFactory
from tests.interop.ruby_side import Ruby
from tests.interop.runs import Run, ran, release, wait_for_runs, wait_for_start
from tests.support.servers import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.sidekiq("7.3", "8.1")  # 6.4 knows no iterable jobs

COUNT = 8


def walked(server: Server, jid: str) -> list[int]:
    """The items that a job has begun, in that order."""
    return [int(number) for number in server.command("LRANGE", f"interop:walked:{jid}", 0, -1)]


def _makes_way(ruby: Ruby, server: Server, jid: str) -> None:
    """Let the quiet side go on to its next checkpoint, and wait until the job is back in its queue."""
    release(server, jid)
    wait_until(ruby.jobs, 15, "the job to be put back")
    assert walked(server, jid) == [0, 1, 2, 3]


def _is_ended(server: Server, jid: str) -> None:
    """Wait until the other side has run the rest, each item once, and nothing of the walk is left."""
    assert wait_for_runs(server) == [Run("WalkJob", jid, [COUNT])]
    assert walked(server, jid) == list(range(COUNT))
    wait_until(lambda: not server.command("EXISTS", f"it-{jid}"), 15, "the place to be removed")


def test_what_ruby_began_python_ends(
    ruby: Ruby, ruby_sidekiq: RubySidekiqFactory, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    sidekiq = ruby_sidekiq()
    jid = ruby.perform_async("WalkJob", COUNT)
    wait_for_start(redis_server, jid)
    sidekiq.quiet()
    wait_until(lambda: ruby.processes()[0].stopping, 15, "Sidekiq to be quiet")
    _makes_way(ruby, redis_server, jid)
    python_teep()
    _is_ended(redis_server, jid)


def test_what_python_began_ruby_ends(
    ruby: Ruby,
    python: teep.Config,
    ruby_sidekiq: RubySidekiqFactory,
    python_teep: PythonTeepFactory,
    redis_server: Server,
) -> None:
    worker = python_teep()
    jid = str(teep.Client(python).push({"class": "WalkJob", "args": [COUNT]}))
    wait_for_start(redis_server, jid)
    ruby.quiet(worker.identity)
    wait_until(lambda: ruby.processes()[0].stopping, 15, "teep to be quiet")
    _makes_way(ruby, redis_server, jid)
    ruby_sidekiq()
    _is_ended(redis_server, jid)


@pytest.mark.sidekiq("8.1")  # 7.3.2 has no cancellation
def test_python_cancels_what_ruby_runs(
    ruby: Ruby, python: teep.Config, ruby_sidekiq: RubySidekiqFactory, redis_server: Server
) -> None:
    ruby_sidekiq()
    jid = ruby.perform_async("WalkJob", COUNT)
    wait_for_start(redis_server, jid)
    assert teep.Client(python).cancel(jid) is None  # it is at no teep process
    release(redis_server, jid)
    wait_until(lambda: not redis_server.command("EXISTS", f"it-{jid}"), 15, "the job to be over")
    assert (walked(redis_server, jid), ruby.stats().retry_size, ruby.jobs()) == ([0, 1, 2, 3], 0, [])


@pytest.mark.sidekiq("8.1")
def test_ruby_cancels_what_python_runs(
    ruby: Ruby, python: teep.Config, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    python_teep()
    jid = str(teep.Client(python).push({"class": "WalkJob", "args": [COUNT]}))
    wait_for_start(redis_server, jid)
    ruby.cancel(jid)
    release(redis_server, jid)
    wait_until(lambda: not redis_server.command("EXISTS", f"it-{jid}"), 15, "the job to be over")
    assert (walked(redis_server, jid), ruby.stats().retry_size, ruby.jobs()) == ([0, 1, 2, 3], 0, [])
    assert ran(redis_server) == []


@pytest.mark.sidekiq("8.1")
def test_what_ruby_cancelled_in_the_queue_does_nothing_in_python(
    ruby: Ruby, python_teep: PythonTeepFactory, redis_server: Server
) -> None:
    jid = ruby.perform_async("WalkJob", COUNT)
    ruby.cancel(jid)
    python_teep()
    wait_until(lambda: ruby.stats().processed == 1, 15, "it to be over")
    assert (walked(redis_server, jid), ran(redis_server)) == ([], [])
