"""Real users of the embedded server: processes that hold a lease until they are told to leave, or killed."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
import redis

from tests.support import forkserver
from tests.support.processes import command_lines, lives
from tests.support.waiting import wait_until

USER = """
import os, signal, sys
from pathlib import Path
{prelude}
print("here", flush=True)
from teep.embedded import acquire
lease = acquire(Path(sys.argv[1]))
print(lease.pid, lease.url, flush=True)
sys.stdin.read()
"""


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return once the condition holds; fail where it does not within the seconds."""
    wait_until(condition, seconds, "what must come of it")


def processes(folder: Path, kind: str = "") -> list[int]:
    """The living keepers, standbys and servers of the folder, or those whose command line ends in `kind`."""
    return [
        pid
        for pid, command in command_lines().items()
        if (f" {folder} " in command or f":{folder}/" in command) and command.rstrip().endswith(kind)
    ]


class User:
    """A process with a lease, in a session of its own, as a terminal's."""

    def __init__(self, folder: Path, prelude: str = "") -> None:
        (read, self._leaving), (self._said, write) = pipe(), pipe()
        with read, write, open(2, "wb", closefd=False) as stderr:
            command = [sys.executable, "-c", USER.format(prelude=prelude), str(folder)]
            self.process = forkserver.start(command, None, os.environ, write, stderr, stdin=read, session=True)
        self.server = 0
        assert self._line() == "here"

    def joined(self) -> "User":
        """Waits until it has its lease."""
        pid, self.url = self._line().split()
        self.server = int(pid)
        return self

    def _line(self) -> str:
        return self._said.readline().rstrip("\n")

    @contextlib.contextmanager
    def redis(self) -> Iterator[Any]:
        """A client of the server; it retries nothing."""
        with redis.Redis.from_url(self.url, retry=None, decode_responses=True) as client:
            yield client

    def answers(self) -> bool:
        try:
            with self.redis() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def leave(self) -> None:
        assert self._end() == 0

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        os.killpg(self.process.pid, sign)
        if not self._leaving.closed:
            self._end()

    def _end(self) -> int:
        self._leaving.close()
        with self._said:
            self._said.read()
        return self.process.wait()


def pipe() -> tuple[TextIO, TextIO]:
    """The end of a pipe to read from, and the one to write to."""
    read, write = os.pipe()
    return open(read), open(write, "w")  # noqa: PTH123


class Users:
    """Starts users, and ends all that is left of them and of their servers."""

    def __init__(self) -> None:
        self._users: list[tuple[Path, User]] = []

    def __call__(self, folder: Path, *, prelude: str = "") -> User:
        """A user with its lease."""
        return self.coming(folder, prelude=prelude).joined()

    def coming(self, folder: Path, *, prelude: str = "") -> User:
        """A user that may still wait for its lease."""
        user = User(folder, prelude)
        self._users.append((folder, user))
        return user

    def end(self) -> None:
        for folder, user in self._users:
            with contextlib.suppress(ProcessLookupError):
                user.kill()
            if folder.exists():
                folder.rename(f"{folder}.gone")  # which stops the server at once
        eventually(lambda: not any(processes(folder) for folder, _ in self._users))
        eventually(lambda: not any(lives(user.server) for _, user in self._users if user.server))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def join() -> Iterator[Users]:
    users = Users()
    yield users
    users.end()
