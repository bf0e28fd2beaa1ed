"""The keeper: a small process that runs the server of one data folder for as long as anyone uses it.

1. It starts the server, or adopts the one that runs already, as after the death of another keeper.
2. It starts the server again when that dies in use.
3. It stops the server, then itself, when nobody has held `users.lock` for LINGER seconds.
4. It has a standby, a second keeper that waits for `keeper.lock`, and so takes over the moment this one dies.

It runs as a file, `python -I -S keeper.py folder socket binary role`, and needs the standard library only: to
import the package would take longer than the server takes to start. `start.py` shares its functions.
"""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

LINGER = 2.0
"""Seconds that an unused server waits, so that command after command in a shell finds it running."""
TICK = 0.1
"""Seconds between two looks at the users and the server; the idle server itself wakes as often."""
PATIENCE = 10.0
"""Seconds in which a server must begin to answer, or end when told to."""
RESTARTS, RESTART_WINDOW = 5, 60.0
"""A server that dies more than RESTARTS times in RESTART_WINDOW seconds is given up."""


class ServerFailedError(Exception):
    """The server does not start, or does not stay up."""


def open_lock(folder: str, name: str) -> int:
    """Opens a lock file; the descriptor is closed in child programs, and has no lock yet."""
    return os.open(f"{folder}/{name}", os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(lock: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Takes the lock if nobody else holds it; True if it is ours now (or was)."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ping(socket_path: str) -> bytes:
    """The server's answer to a PING; empty if there is none within a second."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(socket_path)
            connection.sendall(b"PING\r\n")
            return connection.recv(64)
        except OSError:
            return b""


def is_serving(answer: bytes) -> bool:
    """Whether the answer to a PING is that of a server with its data loaded; an error such as BUSY counts."""
    return answer != b"" and not answer.startswith(b"-LOADING")


class Server:
    """The one server of the folder: a child of this keeper, or of one that died."""

    def __init__(self, folder: str, socket_path: str, binary: str) -> None:
        self._folder = folder
        self._socket = socket_path
        self._binary = binary
        self._lock = open_lock(folder, "server.lock")
        self._pid = 0
        self._restarts: list[float] = []

    def up(self) -> None:
        """Adopts the server that runs, or starts it, and waits until it serves."""
        if self._lives() and self._comes_up():
            with open(f"{self._folder}/server.pid", encoding="ascii") as file:  # noqa: PTH123 - pathlib: 10 ms
                self._pid = int(file.read())
            return
        self._start()
        if not self._comes_up():
            raise ServerFailedError("the server ended before it could serve")

    def _up_again(self) -> bool:
        """Starts the server once more; False if it ended before it could serve, which is one more loss."""
        self.stop()
        self._start()
        return self._comes_up()

    def check(self) -> None:
        """Starts the server again if it died, or lost its socket file and cannot be reached any more."""
        if self._lives() and os.access(self._socket, os.F_OK):
            return
        self._count_loss()
        while not self._up_again():
            self._count_loss()

    def _count_loss(self) -> None:
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < RESTART_WINDOW] + [now]
        if len(self._restarts) > RESTARTS:
            raise ServerFailedError(f"the server was lost {len(self._restarts)} times in {RESTART_WINDOW:.0f} s")
        log("the server was lost while in use; starting it again")

    def stop(self) -> None:
        """Ends the server, with its data safe on the disk, and returns when it is gone."""
        if not self._pid:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + PATIENCE
            if self._lives():
                os.kill(self._pid, sign)
            while self._lives() and time.monotonic() < deadline:
                time.sleep(0.005)
        with contextlib.suppress(ChildProcessError):  # an adopted server is not our child
            os.waitpid(self._pid, 0)
        self._pid = 0

    def _lives(self) -> bool:
        # The server holds the lock from its first instruction to its last. If it is dead the lock becomes ours,
        # to be handed to the next one.
        return not try_lock(self._lock)

    def _start(self) -> None:
        own = open_lock(self._folder, "server.lock")  # on which we see whether the server holds the other
        if not os.path.samestat(os.fstat(own), os.fstat(self._lock)):
            raise ServerFailedError("the data folder was removed")
        os.set_inheritable(self._lock, True)
        self._pid = os.posix_spawn(self._binary, [self._binary, *self._options()], os.environ)
        os.close(self._lock)
        self._lock = own

    def _comes_up(self) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not is_serving(answer := ping(self._socket)):
            if not self._lives():
                return False
            if answer:  # it is loading its data, which takes as long as it takes
                deadline = time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise ServerFailedError(f"the server did not answer within {PATIENCE:.0f} seconds")
            time.sleep(0.002)
        return True

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": self._socket,
            "unixsocketperm": "600",
            "dir": self._folder,
            "pidfile": f"{self._folder}/server.pid",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "aof-load-truncated": "yes",
            "auto-aof-rewrite-percentage": "100",
            "auto-aof-rewrite-min-size": "64mb",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]


class Standby:
    """The second keeper, which takes over when this one is killed."""

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, "-I", "-S", __file__, *arguments, "standby"]
        self._pid = os.posix_spawn(sys.executable, command, os.environ)

    def stop(self) -> None:
        """Ends it, so that it does not start the server that is about to be stopped."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


class Keeper:
    """Runs the server of one folder; at most one keeper a folder is beyond `elect`."""

    def __init__(self, folder: str, socket_path: str, binary: str) -> None:
        self._arguments = [folder, socket_path, binary]
        self._folder = folder
        self._lock = open_lock(folder, "keeper.lock")
        self._users = open_lock(folder, "users.lock")
        self._server = Server(folder, socket_path, binary)

    def elect(self, *, wait: bool) -> bool:
        """Becomes the folder's keeper; False if there is one already, unless told to wait for its death."""
        if wait:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return wait or try_lock(self._lock)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Keeps the server up until nobody uses it. Raises ServerFailedError, OSError."""
        standby: Standby | None = None
        try:
            self._server.up()
            on_ready()
            standby = Standby(self._arguments)
            self._serve_users()
        finally:
            if standby:
                standby.stop()
            self._server.stop()
            os.close(self._lock)  # before users.lock, which goes with the process: its next holder finds no keeper

    def _serve_users(self) -> None:
        last_used = time.monotonic()
        while True:
            if self._is_evicted():  # the users of the path now have a keeper and a server of their own
                raise ServerFailedError("the data folder was removed")
            if not try_lock(self._users):
                last_used = time.monotonic()
            elif time.monotonic() - last_used >= LINGER:
                return  # with the lock: the next user waits until the server is gone, and starts another
            else:
                fcntl.flock(self._users, fcntl.LOCK_UN)
            self._server.check()
            time.sleep(TICK)

    def _is_evicted(self) -> bool:
        try:
            there = os.stat(f"{self._folder}/keeper.lock")  # noqa: PTH116 - as above
        except FileNotFoundError:
            return True
        return not os.path.samestat(os.fstat(self._lock), there)


def log(sentence: str) -> None:
    """Writes a line to the server's log, in the manner of the server."""
    sys.stderr.write(f"{os.getpid()}:K {time.strftime('%d %b %Y %H:%M:%S')} * {sentence}\n")
    sys.stderr.flush()


def detach() -> Callable[[], None]:
    """Goes on in a child, and returns a function that tells the waiting parent to end in success.

    The starter thus waits for a short-lived child only, and never has a keeper among its own.
    """
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os._exit(0 if os.read(reader, 1) else 1)
    os.close(reader)

    def on_ready() -> None:
        with contextlib.suppress(BrokenPipeError):  # the starter was killed; others may be waiting
            os.write(writer, b"!")
        os.close(writer)

    return on_ready


def be_ordinary() -> None:
    """Resets all that may be inherited from the starter: signals ignored or blocked, umask, working directory."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o077)
    os.chdir("/")


def main() -> None:
    """The process: `keeper.py folder socket binary first|standby`; `first` ends when the server serves."""
    *arguments, role = sys.argv[1:]
    folder, socket_path, binary = arguments
    be_ordinary()
    on_ready = detach() if role == "first" else (lambda: None)
    keeper = Keeper(folder, socket_path, binary)
    if not keeper.elect(wait=role == "standby"):
        log("there is a keeper already")
        on_ready()
        return
    try:
        keeper.run(on_ready)
    except (ServerFailedError, OSError) as exc:
        log(f"giving up: {exc}")
        sys.exit(1)


if __name__ == "__main__":
    main()
