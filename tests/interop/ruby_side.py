"""Real Sidekiq, driven from Python.

`Ruby` is Sidekiq's client and data API in one long-lived Ruby process: it pushes, looks and repairs.
`RubySidekiq` is a Sidekiq worker process, which runs the job classes of `ruby/jobs.rb`:

| class | options | what it does |
|---|---|---|
| `EchoJob` | | echoes: `runs.ran()` then shows its jid and arguments |
| `LowEchoJob` | queue low, retry 3, tags ["interop"] | echoes |
| `SecretEchoJob` | encrypt true | echoes its name and its decrypted secret |
| `FailJob` | retry 2, backtrace true | raises ArgumentError(its argument, or "boom"), always |
| `FragileJob` | retry 0 | the same, so it dies at once |
| `FlakyJob` | backtrace 3 | fails the first time that its jid runs, then echoes |
| `WalkJob` | iterable, from Sidekiq 7.3 on | goes through the numbers below its argument, held at 3 |
| `SlowJob` | | begins, see `runs.wait_for_start()`; echoes after `runs.release()` |
"""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

import msgspec
import redis

from tests.interop.ruby_program import RubyProgram
from tests.interop.ruby_views import Entry, History, Job, Metrics, Process, Queue, Stats, WebPage, Work
from tests.interop.sidekiqs import Sidekiq
from tests.support.waiting import wait_until

SetName = Literal["schedule", "retry", "dead"]
T = TypeVar("T")

_RUBY = Path(__file__).parent / "ruby"
_START_SECONDS = 30.0


class RubyError(Exception):
    """What a request raised in Ruby: its class and message."""


class _Answer(msgspec.Struct, Generic[T]):
    result: T | msgspec.UnsetType = msgspec.UNSET
    error: str = ""


class Ruby:
    """A Sidekiq's client and data API on the Redis at `url`. One start serves a whole session.

    Each request is one call of the Sidekiq method that it names, and raises RubyError with what Ruby raised.
    Not for use by several threads at once. A context manager.
    """

    def __init__(self, sidekiq: Sidekiq, url: str) -> None:
        self._process = RubyProgram(sidekiq, "ruby", str(_RUBY / "rpc.rb"), url=url, answers=True)
        self.sidekiq = sidekiq
        self.version = self._ask(_Answer[str], "sidekiq_version")
        """Sidekiq's, such as "6.4.1"."""

    def close(self) -> None:
        """End the Ruby process."""
        self._process.end(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # Pushing

    def push(self, item: Mapping[str, Any]) -> str | None:
        """`Sidekiq::Client.push`: a job of any class, also one that Ruby does not have. Returns the jid."""
        return self._ask(_Answer[str | None], "push", item)

    def push_bulk(self, items: Mapping[str, Any]) -> list[str]:
        """`Sidekiq::Client.push_bulk`: "args" is a list of argument lists, "at" a time or one for each."""
        return self._ask(_Answer[list[str]], "push_bulk", items)

    def perform_async(self, klass: str, *args: Any) -> str:
        """Push a job of a class of `ruby/jobs.rb`, with that class's options. Returns the jid."""
        return self._ask(_Answer[str], "perform_async", klass, args)

    def perform_in(self, seconds: float, klass: str, *args: Any) -> str:
        """The same, due so many seconds from now."""
        return self._ask(_Answer[str], "perform_in", klass, seconds, args)

    def perform_at(self, at: float, klass: str, *args: Any) -> str:
        """The same, due at an epoch second."""
        return self._ask(_Answer[str], "perform_at", klass, at, args)

    def perform_bulk(self, klass: str, args: Sequence[Sequence[Any]]) -> list[str]:
        """The same for each list of arguments."""
        return self._ask(_Answer[list[str]], "perform_bulk", klass, args)

    # Looking

    def stats(self) -> Stats:
        """`Sidekiq::Stats.new`."""
        return self._ask(_Answer[Stats], "stats")

    def history(self, days: int) -> History:
        """`Sidekiq::Stats::History.new(days)`."""
        return self._ask(_Answer[History], "history", days)

    def queues(self) -> list[Queue]:
        """`Sidekiq::Queue.all`: by name."""
        return self._ask(_Answer[list[Queue]], "queues")

    def jobs(self, queue: str = "default") -> list[Job]:
        """The jobs of a queue, newest first."""
        return self._ask(_Answer[list[Job]], "queue_jobs", queue)

    def find_job(self, queue: str, jid: str) -> Job | None:
        """`Sidekiq::Queue#find_job`."""
        return self._ask(_Answer[Job | None], "queue_find", queue, jid)

    def entries(self, name: SetName) -> list[Entry]:
        """The jobs of a set, highest score first."""
        return self._ask(_Answer[list[Entry]], "entries", name)

    def scan(self, name: SetName, match: str) -> list[Entry]:
        """`Sidekiq::SortedSet#scan`: the jobs of a set whose payload contains `match`, in any order."""
        return self._ask(_Answer[list[Entry]], "scan", name, match)

    def processes(self) -> list[Process]:
        """`Sidekiq::ProcessSet.new`: by identity, and cleaned of dead processes first."""
        return self._ask(_Answer[list[Process]], "processes")

    def works(self) -> list[Work]:
        """`Sidekiq::Workers.new`: what runs right now, as of the last heartbeats, oldest first."""
        return self._ask(_Answer[list[Work]], "works")

    def web_page(self, path: str) -> WebPage:
        """A page of Sidekiq's Web UI, such as "/busy"."""
        return self._ask(_Answer[WebPage], "web_page", path)

    def web_routes(self) -> set[str]:
        """The pages and actions of Sidekiq 8's Web UI, such as "get /busy"."""
        return self._ask(_Answer[set[str]], "web_routes")

    def metrics(self, klass: str) -> Metrics:
        """`Sidekiq::Metrics::Query` about a job class, for the last hour."""
        return self._ask(_Answer[Metrics], "metrics", klass)

    # Repairing

    def delete_job(self, queue: str, jid: str) -> bool:
        """Delete a job from a queue; False where it is not there."""
        return self._ask(_Answer[bool], "queue_delete", queue, jid)

    def clear_queue(self, queue: str) -> None:
        """`Sidekiq::Queue#clear`."""
        self._ask(_Answer[None], "queue_clear", queue)

    def delete(self, name: SetName, jid: str) -> None:
        """Delete an entry of a set. This and the next four raise RubyError where the jid is not in the set."""
        self._ask(_Answer[None], "change_entry", name, jid, "delete")

    def reschedule(self, name: SetName, jid: str, at: float) -> None:
        """Move an entry within its set, to an epoch second."""
        self._ask(_Answer[None], "change_entry", name, jid, "reschedule", at)

    def add_to_queue(self, name: SetName, jid: str) -> None:
        """Move an entry to its queue as it is."""
        self._ask(_Answer[None], "change_entry", name, jid, "add_to_queue")

    def retry(self, name: SetName, jid: str) -> None:
        """Move an entry to its queue, with one failure less to its account."""
        self._ask(_Answer[None], "change_entry", name, jid, "retry")

    def kill(self, name: SetName, jid: str) -> None:
        """Move an entry to the dead set."""
        self._ask(_Answer[None], "change_entry", name, jid, "kill")

    def reschedule_each(self, name: SetName, first: float) -> None:
        """Move each entry within its set, to epoch seconds that begin with `first`: the highest score first."""
        self._ask(_Answer[None], "reschedule_each", name, first)

    def retry_all(self, name: Literal["retry", "dead"]) -> None:
        """`retry` for each entry of the set."""
        self._ask(_Answer[None], "change_set", name, "retry_all")

    def kill_all(self) -> None:
        """Move the whole retry set to the dead set."""
        self._ask(_Answer[None], "change_set", "retry", "kill_all")

    def enqueue_due(self) -> None:
        """Move what is due in the retry and scheduled sets to its queues, as the poller of a Sidekiq process does."""
        self._ask(_Answer[None], "enqueue_due")

    def clear(self, name: SetName) -> None:
        """Remove every entry of a set."""
        self._ask(_Answer[None], "change_set", name, "clear")

    def quiet(self, identity: str) -> None:
        """`Sidekiq::Process#quiet!`: the process obeys at its next heartbeat."""
        self._ask(_Answer[None], "signal", identity, "quiet!")

    def stop(self, identity: str) -> None:
        """`Sidekiq::Process#stop!`: the process obeys at its next heartbeat."""
        self._ask(_Answer[None], "signal", identity, "stop!")

    def cancel(self, jid: str) -> None:
        """`Sidekiq::Client#cancel!`, of Sidekiq 8: an iterable job stops before its next item."""
        self._ask(_Answer[None], "cancel", jid)

    # Encrypted arguments, see `ruby/encryption.rb`

    def encrypt(self, value: Any, version: int, form: Literal["marshal", "json"]) -> str:
        """The envelope that Ruby makes of a value."""
        return self._ask(_Answer[str], "encrypt", value, version, form)

    def decrypt(self, envelope: str) -> Any:
        """The value in an envelope, which Ruby would write byte for byte alike."""
        return self._ask(_Answer[Any], "decrypt", envelope)

    def _ask(self, answer: type[_Answer[T]], method: str, *args: object) -> T:
        self._process.write_line(json.dumps({"method": method, "args": args}))
        decoded = msgspec.json.decode(self._process.read_line(), type=answer)
        if isinstance(decoded.result, msgspec.UnsetType):
            raise RubyError(decoded.error)
        return decoded.result


class RubySidekiq:
    """A real Sidekiq process that works the queues, ready when this returns. A context manager, which stops it.

    `shutdown_timeout`: how long, in seconds, running jobs may go on after TERM before they are pushed back.
    Its heartbeat and its poller for due jobs are quicker than Sidekiq's own, see `ruby/jobs.rb`.
    """

    def __init__(
        self,
        sidekiq: Sidekiq,
        url: str,
        queues: Sequence[str] = ("default",),
        concurrency: int = 2,
        *,
        shutdown_timeout: int = 5,
    ) -> None:
        arguments = ["sidekiq", "-r", str(_RUBY / "jobs.rb"), "-c", str(concurrency), "-t", str(shutdown_timeout)]
        arguments += [part for queue in queues for part in ("-q", queue)]
        self._process = RubyProgram(sidekiq, *arguments, url=url)
        try:
            self.identity = self._await_identity(url)
            """Its member of `processes`: "hostname:pid:nonce"."""
        except BaseException:
            self._process.end(signal.SIGKILL)
            raise

    @property
    def log(self) -> str:
        """What Sidekiq has logged so far."""
        return self._process.log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.has_ended

    def quiet(self) -> None:
        """Have it take no more jobs (TSTP), at once rather than at a heartbeat."""
        os.kill(self.pid, signal.SIGTSTP)

    def stop(self) -> None:
        """Stop it in an orderly way (TERM), and return when it has ended."""
        self._process.end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it as a crash would (KILL)."""
        self._process.end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _await_identity(self, url: str) -> str:
        with redis.Redis.from_url(url, decode_responses=True) as client:

            def identity() -> str | None:
                self._process.check()
                own = f":{self.pid}:"
                return next((str(name) for name in client.smembers("processes") if own in str(name)), None)

            found = wait_until(identity, _START_SECONDS, lambda: f"a heartbeat of Sidekiq; its log:\n{self.log}")
            return str(found)
