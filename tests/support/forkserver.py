"""Programs of teep that start in some milliseconds: forked from a process that has imported what they import.

An interpreter that imports a worker takes 0.4 s of a core, and the tests start hundreds: two thirds of all that they
cost. So each process of pytest has one server, an interpreter that has imported teep and does nothing else. What it
forks is a process of its own: with its own session, working folder, variables and files, its modules imported by
itself, ending as an interpreter ends.

What differs: it is the server's child and is in `ps` under the server's name, and nothing of teep is imported while
it starts. So `Forked` has the part of `subprocess.Popen` that tests use, and tests of the start itself, or with
variables that an interpreter reads as it starts, start a real one: see `can_start`.
"""

import atexit
import builtins
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import BuiltinImporter, SourceFileLoader
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast

from teep.testing.process import WorkerProcess

ROOT = Path(__file__).parents[2]
# What commands and workers import; none of it reads a variable, defines a job or starts a thread.
_MODULES = ("teep.cli.app", "teep.worker.worker", "teep.worker.supervisor", "rich.progress", "rich.table")
# What a fork can still set for itself, of the variables that begin with PYTHON.
_SETTABLE = {"PYTHONPATH", "PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE"}
_MOST = 1 << 20
_PATIENCE = 60.0


class Forked:
    """A running fork, with that part of `subprocess.Popen` which tests use."""

    def __init__(self, pid: int, server: "ForkServer") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and self._is_over(timeout):
            os.close(self._end)
            self.returncode = int(self._server.ask({"ended": self.pid}))
        return self.returncode

    def _is_over(self, timeout: float | None) -> bool:
        look = select.poll()
        look.register(self._end, select.POLLIN)
        return bool(look.poll(None if timeout is None else max(0, timeout) * 1000))


class QuickWorker(WorkerProcess):
    """A worker process that starts as a fork, if it can."""

    def _started(
        self, command: list[str], folder: Path | None, environment: dict[str, str], log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        return cast("subprocess.Popen[bytes]", start(command, folder, environment, log, log, session=True))


def can_start(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether a fork can be this: a module, a script or a string, without what only a real start reads."""
    interpreter, first, *_ = *command, "", ""
    return (
        hasattr(os, "pidfd_open")
        and interpreter == sys.executable
        and (first in {"-m", "-c"} or first.endswith(".py"))
        and {name: value for name, value in environment.items() if _is_read_at_start(name)} == read_at_start()
        and environment.get("PYTHONWARNINGS", "") in {"", "error"}
    )


def run(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str], *, patience: float = _PATIENCE
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, as `subprocess.run` does, with nothing to read."""
    with TemporaryFile("w+") as printed, TemporaryFile("w+") as complaints:
        process = start(command, folder, environment, printed, complaints)
        try:
            code = process.wait(patience)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(command, code, _whole(printed), _whole(complaints))


def _whole(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def start(
    command: Sequence[str],
    folder: Path | None,
    environment: Mapping[str, str],
    stdout: IO[Any],
    stderr: IO[Any],
    *,
    stdin: IO[Any] | None = None,
    session: bool = False,
) -> "Forked | subprocess.Popen[bytes]":
    """Start a program, as `subprocess.Popen` does, by default with nothing to read: as a fork, if it can be one."""
    with Path(os.devnull).open("rb") as nothing:
        files = [nothing if stdin is None else stdin, stdout, stderr]
        if not can_start(command, environment):
            return subprocess.Popen(
                command, cwd=folder, env=environment, stdin=files[0], stdout=stdout, stderr=stderr,
                start_new_session=session,
            )  # fmt: skip
        words = {
            "words": command[1:],
            "folder": str(folder or Path.cwd()),
            "variables": dict(environment),
            "session": session,
        }
        pid = _server().ask(words, [each.fileno() for each in files])
    return Forked(int(pid), _server())


def read_at_start() -> dict[str, str]:
    """Return those variables, of this process and of the server, that an interpreter or the C library reads once."""
    return {name: value for name, value in os.environ.items() if _is_read_at_start(name)}


def _is_read_at_start(name: str) -> bool:
    return name.startswith(("PYTHON", "LC_", "LANG", "LD_")) and name not in _SETTABLE


class ForkServer:
    """A server of forks, as pytest's process sees it. The last argument of its command is its end of a socket."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], folder: Path | None = None) -> None:
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [*command, str(other.fileno())],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        self._lock = threading.Lock()
        atexit.register(self.close)

    def ask(self, words: Mapping[str, Any], files: Sequence[int] = ()) -> str:
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(words).encode()], files)
            answer = self._channel.recv(100).decode()
        assert answer, "the server of forks has ended; see its error above"
        return answer

    def close(self) -> None:
        self._channel.close()
        self._process.wait()


@cache
def _server() -> ForkServer:
    command = [sys.executable, "-m", "tests.support.forkserver"]
    return ForkServer(command, {**os.environ, "PYTHONPATH": str(ROOT / "src")}, ROOT)


def _serve(channel: socket.socket) -> dict[str, Any]:
    """Fork and tell of ends until pytest's process is gone; in a fork, return what it is to be."""
    while True:
        asked, files, *_ = socket.recv_fds(channel, _MOST, 3)
        if not asked:
            os._exit(0)
        words: dict[str, Any] = json.loads(asked)
        if "ended" in words:
            _, status = os.waitpid(words["ended"], 0)
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        if (pid := os.fork()) == 0:
            channel.close()
            words["files"] = files
            return words
        for file in files:
            os.close(file)
        channel.send(str(pid).encode())


def _become(words: dict[str, Any]) -> None:
    """Make this fork what a fresh interpreter with these words and variables is."""
    if words["session"]:
        os.setsid()
    for number, file in enumerate(words["files"]):
        os.dup2(file, number)
        os.close(file)
    os.chdir(words["folder"])
    variables: dict[str, str] = words["variables"]
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    sys.dont_write_bytecode = bool(variables.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:] = [
        _first_path(words),
        *filter(None, variables.get("PYTHONPATH", "").split(os.pathsep)),
        *sys.path[2:],
    ]
    if variables.get("PYTHONWARNINGS"):
        warnings.simplefilter("error")
    sys.orig_argv[:] = [sys.executable, *words["words"]]


def _first_path(words: Mapping[str, Any]) -> str:
    first = str(words["words"][0])
    if first == "-c":
        return ""
    return str(words["folder"] if first == "-m" else Path(first).resolve().parent)


def _go_on_as(words: Sequence[str]) -> None:
    """Run the program."""
    match words:
        case ["-m", module, *arguments]:
            sys.argv[:] = [module, *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", program, *arguments]:
            sys.argv[:] = ["-c", *arguments]
            exec(compile(program, "<string>", "exec"), _new_main())
        case [script, *arguments]:
            sys.argv[:] = [script, *arguments]
            file = str(Path(script).absolute())
            program = Path(file).read_text("utf-8")
            exec(compile(program, file, "exec"), _new_main(file))


def _new_main(file: str = "") -> dict[str, Any]:
    """Return the variables of a `__main__` as a string has, or a script in a file."""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __loader__=BuiltinImporter)
    if file:
        main.__dict__.update(__file__=file, __cached__=None, __loader__=SourceFileLoader("__main__", file))
    return main.__dict__


def _main() -> None:
    for module in _MODULES:
        import_module(module)
    gc.freeze()
    sys.stdout.flush()
    words = _serve(socket.socket(fileno=int(sys.argv[1])))
    _become(words)
    _go_on_as(words["words"])


if __name__ == "__main__":
    _main()
