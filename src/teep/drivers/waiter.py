"""Waiting on several blocking commands at once, with no polling, and with a way to end the wait.

Redis has no blocking move from many lists, so each command gets a connection of its own, and one thread waits for
all their sockets. When the first answers, the others are unblocked by CLIENT UNBLOCK, which Redis carries out
atomically: each either still had its effect, which is then returned too, or had none. A user that may not send that
(it is among the commands that an ACL calls dangerous) waits for a moment at a time instead.
"""

import contextlib
import select
import socket
import ssl
import weakref
from collections.abc import Sequence
from typing import Any, TypeVar

from teep.drivers.answers import is_refusal, raise_ours
from teep.drivers.connections import pools
from teep.drivers.packing import pack
from teep.drivers.request import LOST
from teep.drivers.sync import Driver, read_reply
from teep.errors import RedisDenied, RedisTimedOut
from teep.telling import Logger
from teep.wire.command import Command
from teep.wire.commands import shortened

T = TypeVar("T")

logger = Logger("teep")

# If nothing can be unblocked: seconds that one command may block (a wake waits for its end), and one of several
# (the answer of another waits for it, too).
_ALONE, _AMONG_OTHERS = 1.0, 0.1


class Waiter:
    """Waits for whichever of several blocking commands answers first.

    One thread at a time may wait; `wake` may be called from any thread, also when nobody waits.
    Costs each command, and a CLIENT UNBLOCK for each but the one that answered.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._lines: list[_Line] = []
        self._can_unblock: bool | None = None
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
            weakref.finalize(self, end.close)

    def wait(self, commands: Sequence[Command[T | None]]) -> list[tuple[int, T]]:
        """Send blocking commands and return (index, result) of those that had one; often one, none if woken.

        Raises:
            RedisUnavailable, RedisRefused: all connections are closed. A command may have had its effect all the
                same, so look where that would show.
        """
        try:
            lines = self._open(len(commands))
            if not self._can_unblock:
                commands = [shortened(command, _ALONE if len(lines) == 1 else _AMONG_OTHERS) for command in commands]
            for line, command in zip(lines, commands, strict=True):
                line.send(command)
            answered = self._await_first(lines, max(command.block for command in commands))
            if self._can_unblock:
                self._unblock([line for line in lines if line not in answered])
            replies = [line.read(command.block) for line, command in zip(lines, commands, strict=True)]
        except (*LOST, RedisTimedOut) as error:
            self.close()
            if isinstance(error, RedisTimedOut):
                raise
            raise_ours(error, self._driver.url)
        except BaseException:
            self.close()
            raise
        self._raise_errors(replies)
        results = [command.read(reply) for command, reply in zip(commands, replies, strict=True)]
        return [(index, result) for index, result in enumerate(results) if result is not None]

    def wake(self) -> None:
        """End the wait that goes on, or the next one, at once."""
        with contextlib.suppress(BlockingIOError):
            self._waker.send(b"\0")

    def close(self) -> None:
        """Close the connections. Idempotent; the next wait opens new ones."""
        for line in self._lines:
            line.connection.disconnect()
            self._driver.release(line.connection)
        self._lines.clear()
        self._can_unblock = None

    def _open(self, count: int) -> list["_Line"]:
        while len(self._lines) < count:
            # Kept before its first command: one that fails must not leave a connection behind, outage after outage.
            line = _Line(self._driver.connection())
            self._lines.append(line)
            line.identify()
            if self._can_unblock is None:
                self._can_unblock = self._may_unblock(line)
        return self._lines[:count]

    def _may_unblock(self, line: "_Line") -> bool:
        if not line.is_known:
            return False
        try:
            self._driver.execute(line.unblock())  # which is not blocked yet, so this only asks for permission
        except RedisDenied as error:
            logger.debug("%s; a worker's threads wait a moment at a time instead", error)
            return False
        return True

    def _await_first(self, lines: Sequence["_Line"], block: float) -> list["_Line"]:
        """Return the lines that answered first; none if woken."""
        # The next job of an idle process waits for the code after the poll, so there is as little of that as can be.
        by_descriptor = {line.socket.fileno(): line for line in lines}
        descriptors = (*by_descriptor, self._woken.fileno())
        while ready := _readable(descriptors, block + pools.ANSWER_SECONDS):
            found = [by_descriptor.get(descriptor) for descriptor in ready]
            answered = [line for line in found if line is not None and line.has_answer()]
            if None in found:
                self._woken.recv(4096)
                return answered
            if answered:
                return answered
        raise RedisTimedOut(f"Redis did not end a blocking command of {block} s")

    def _unblock(self, lines: Sequence["_Line"]) -> None:
        for line in lines:
            # Zero means that the server has not come to the blocked command yet, or that it just ended by itself.
            while not self._driver.execute(line.unblock()) and not line.connection.can_read(0):
                continue

    def _raise_errors(self, replies: Sequence[Any]) -> None:
        errors = [reply for reply in replies if isinstance(reply, Exception)]
        if errors:
            self.close()
            raise_ours(next(filter(is_refusal, errors), errors[0]))


def _readable(descriptors: Sequence[int], seconds: float) -> list[int]:
    """Wait until there is something to read, and return where."""
    if not hasattr(select, "poll"):  # Windows
        return select.select(descriptors, (), (), seconds)[0]
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(seconds * 1000)]


class _Line:
    """One connection with at most one blocked command on it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._id = 0

    def identify(self) -> None:
        """Ask the server for its id of this connection; 0 if it does not tell."""
        self.connection.send_command("CLIENT", "ID")
        reply = read_reply(self.connection)
        self._id = 0 if isinstance(reply, Exception) else int(reply)

    @property
    def is_known(self) -> bool:
        return self._id != 0

    @property
    def socket(self) -> socket.socket:
        # redis-py offers no public way to wait for several connections together.
        raw: socket.socket = self.connection._sock  # noqa: SLF001
        return raw

    def has_answer(self) -> bool:
        """Tell whether a readable socket brings a reply: with TLS it may be a record without one."""
        return not isinstance(self.socket, ssl.SSLSocket) or bool(self.connection.can_read(0))

    def send(self, command: Command[Any]) -> None:
        self.connection.send_packed_command([pack([command.args])])

    def unblock(self) -> Command[int]:
        return Command("CLIENT", "UNBLOCK", self._id, read=int, idempotent=True)

    def read(self, block: float) -> Any:
        return read_reply(self.connection, block)
