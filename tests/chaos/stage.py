"""Where a scenario plays: a server alone or behind Sentinel, what can be done to it, and the crew on it."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from teep import Config
from tests.chaos.crew import Crew
from tests.chaos.timeline import Span, Timeline
from tests.support.proxy import Proxy
from tests.support.servers import KINDS, Kind, Server
from tests.support.special import Sentinel

Plot = Literal["server", "sentinel"]
PLOTS: tuple[Plot, ...] = ("server", "sentinel")

_ASIDE = "chaos:aside"
# In other commands than those that `refuse_command` takes away from this process, too.
_SET_ASIDE = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
redis.call('APPEND', KEYS[1], 'of another program')
"""
_SET_BACK = """
redis.call('UNLINK', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
"""


class Stage:
    """One scenario's server and crew. Also a context manager, which ends them all.

    A server alone writes every change to its append-only file before it answers, so that what was confirmed is
    there after a kill. Every second worker reaches it through a proxy. Behind Sentinel replication is asynchronous,
    so a failover may lose what was confirmed; `confirms` tells of what it cannot lose.
    """

    def __init__(
        self, plot: Plot, seed: int, folder: Path, timeline: Timeline, program: str = "tests.chaos.worker"
    ) -> None:
        self.kind: Kind = KINDS[seed % len(KINDS)]
        self.timeline = timeline
        self.sentinel: Sentinel | None = None
        self.proxy: Proxy | None = None
        self._ending = ExitStack()
        self._later: list[tuple[float, Callable[[], None]]] = []
        urls = self._with_sentinel() if plot == "sentinel" else self._alone()
        self.journal = folder / "journal"
        self.crew = self._ending.enter_context(Crew(urls, seed, self.journal, timeline, program))

    def _alone(self) -> list[str]:
        self._server = self._ending.enter_context(Server(self.kind, append_only=True))
        self.proxy = self._ending.enter_context(Proxy(self._server.port))
        return [self.proxy.url, self._server.url]

    def _with_sentinel(self) -> list[str]:
        self.sentinel = self._ending.enter_context(Sentinel(self.kind, down_after=2.0))
        return [f"redis+sentinel://{Sentinel.host}:{self.sentinel.port}/{Sentinel.service}/0"]

    @property
    def server(self) -> Server:
        """The server that takes writes now."""
        return self._server if self.sentinel is None else self.sentinel.primary

    @property
    def config(self) -> Config:
        """How this process reaches the server that takes writes now."""
        return Config(redis_url=self.server.url)

    def confirms(self, server: Server) -> bool:
        """Tell whether no fault of this plot can undo what `server` has confirmed until now."""
        if self.sentinel is None:
            return True
        # Both on one connection: WAIT asks for the writes of its own. Not the server's client: a fault closes that.
        never = Retry(NoBackoff(), retries=0)
        try:
            with redis.Redis.from_url(server.url, retry=never) as client, client.pipeline(transaction=False) as pipe:
                pipe.execute_command("SET", "chaos:mark", "")
                pipe.execute_command("WAIT", 1, 500)
                return bool(pipe.execute()[1] >= 1)
        except redis.RedisError:  # it is gone, or no primary any more
            return False

    def crash_server(self, seconds: float) -> None:
        """Kill the server alone, and start it again after some time."""
        with self.timeline.spanned(self.timeline.away):
            self._server.kill()
            self.timeline.note("SIGKILL the server")
            time.sleep(seconds)
            self._server.start()
            self.timeline.note("the server is back")

    def stall_server(self, seconds: float) -> None:
        """Let the server alone stand still for some time."""
        with self.timeline.spanned(self.timeline.away):
            os.kill(self._server.pid, signal.SIGSTOP)
            self.timeline.note(f"SIGSTOP the server for {seconds:.1f} s")
            time.sleep(seconds)
            os.kill(self._server.pid, signal.SIGCONT)

    def refuse_command(self, name: str, seconds: float) -> None:
        """Take the right to a command from everyone, and give it back some seconds later."""
        server, begin = self.server, time.monotonic()
        server.command("ACL", "SETUSER", "default", f"-{name}")
        self.timeline.note(f"nobody may {name.upper()}")

        def end() -> None:
            server.command("ACL", "SETUSER", "default", f"+{name}")
            self.timeline.refused.append(Span(begin, time.monotonic()))
            self.timeline.note(f"everybody may {name.upper()}")

        self.later(seconds, end)

    def replace_key(self, key: str, seconds: float) -> None:
        """Have a string in place of a key for some time."""
        with self.timeline.spanned(self.timeline.refused):
            self.server.command("EVAL", _SET_ASIDE, 2, key, _ASIDE)
            self.timeline.note(f"{key} is a string")
            time.sleep(seconds)
            self.server.command("EVAL", _SET_BACK, 2, key, _ASIDE)
            self.timeline.note(f"{key} is what it was")

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in some seconds: at the next `rest` from then on."""
        self._later.append((time.monotonic() + seconds, action))

    def rest(self, seconds: float) -> None:
        """Let some time pass, and do what falls due in it."""
        deadline = time.monotonic() + seconds
        while True:
            due = [entry for entry in self._later if entry[0] <= time.monotonic()]
            for entry in due:
                self._later.remove(entry)
                entry[1]()
            nearest = min([deadline, *(moment for moment, _ in self._later)])
            if time.monotonic() >= deadline:
                return
            time.sleep(max(0.0, nearest - time.monotonic()))

    def settle(self) -> None:
        """Wait for everything that was left for later, and do it."""
        if self._later:
            self.rest(max(moment for moment, _ in self._later) - time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.close()
