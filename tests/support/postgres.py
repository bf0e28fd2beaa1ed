"""A throwaway PostgreSQL cluster: on a unix socket alone, without fsync, in a directory of its own."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from tests.support.waiting import wait_until

_START_SECONDS = 30.0


def _program(name: str) -> Path:
    """A program of the newest PostgreSQL here: Debian keeps most of them out of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = debian[-1] if debian else shutil.which(name)
    if found is None:
        raise RuntimeError("These tests need PostgreSQL: apt-get install postgresql")
    return Path(found)


class Postgres:
    """A running cluster with the database "postgres". Also a context manager, which closes it."""

    user = "postgres"

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="teep-pg-"))
        # PostgreSQL refuses to run as root; Debian's package brings a user for it.
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._identity = {"user": self.user, "group": self.user, "extra_groups": []}
            shutil.chown(self.directory, self.user, self.user)
        data = self.directory / "data"
        self._run("initdb", "-D", data, "-U", self.user, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        with (self.directory / "log").open("wb") as log:
            options = ("-c", "listen_addresses=", "-c", "fsync=off", "-k", self.directory)
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", data, *options],
                cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._identity,
            )  # fmt: skip
        atexit.register(self.close)
        wait_until(self._answers, _START_SECONDS, lambda: f"PostgreSQL; its log:\n{self.log}")

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text("utf-8", "replace")

    def query(self, sql: str) -> str:
        """Run SQL on the database "postgres", and return what it answers, as text."""
        where = ("-h", str(self.directory), "-U", self.user, "-d", "postgres")
        asking = [str(_program("psql")), *where, "-qAtX", "-c", sql]
        done = subprocess.run(asking, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def close(self) -> None:
        """Stop it and remove its directory."""
        atexit.unregister(self.close)
        self._process.send_signal(signal.SIGQUIT)  # at once: nobody needs the data
        self._process.wait(_START_SECONDS)
        shutil.rmtree(self.directory)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start; its log:\n{self.log}")
        asking = [str(_program("pg_isready")), "-q", "-h", str(self.directory)]
        return subprocess.run(asking, check=False).returncode == 0

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [_program(program), *arguments],
            cwd=self.directory, capture_output=True, text=True, check=False, **self._identity,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
