"""The thread driver: runs plans on redis-py's blocking connections."""

import os
import select
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import redis
from redis import exceptions as redis_errors

from teep.drivers.answers import raise_ours
from teep.drivers.connections import pools
from teep.drivers.packing import pack
from teep.drivers.plans import run_plan
from teep.drivers.request import LOST, Request
from teep.wire.command import Command, Plan

T = TypeVar("T")

_drivers: "weakref.WeakSet[Driver]" = weakref.WeakSet()


class Driver:
    """Carries out commands on a pool of connections; safe to share between threads and across fork.

    Costs one round trip per command. Commands whose repeat is harmless are sent again up to three times when
    the connection fails; others raise `RedisUnavailable` at once.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = pools.sync_pool(url)
        self._idle: list[Any] = []
        _drivers.add(self)

    def forked(self) -> None:
        """Begin anew, in a fork: connections are the parent's, and one of its threads may hold the pool's lock."""
        self._pool, self._idle = pools.sync_pool(self.url), []

    def run(self, plan: Plan[T]) -> T:
        """Run a plan and return its result."""
        return run_plan(plan, self)

    def execute(self, command: Command[T]) -> T:
        """Carry out one command on any free connection.

        Raises:
            RedisUnavailable: no connection, or lost before the answer.
            RedisRefused: the server answered that it does not take this now.
            RedisCommandError: the server answered with an error.
        """
        talk = Request(command)
        return self._finish(talk, self._attempt(talk))

    def send(self, command: Command[T]) -> Callable[[], T]:
        """Send a command and return at once, with a function that waits for the reply; call it once.

        If the connection fails meanwhile, that function sends again or raises, as `execute` does.
        """
        talk = Request(command)
        try:
            connection = self._take()
        except LOST as error:
            return partial(self._finish, talk, error)
        try:
            expected = self._write(connection, talk)
        except LOST as error:
            self._idle.append(connection)
            return partial(self._finish, talk, error)
        except BaseException:
            # Interrupted halfway through a command: this connection must not be used as it is.
            connection.disconnect()
            self._idle.append(connection)
            raise
        return lambda: self._finish(talk, self._talk(connection, talk, expected))

    def connection(self) -> redis.Connection:
        """Return a connected connection of the pool, for a caller that drives it by hand; `release` it afterwards."""
        try:
            return self._pool.get_connection()
        except LOST as error:
            raise_ours(error, self.url)

    def release(self, connection: redis.Connection) -> None:
        self._pool.release(connection)

    def close(self) -> None:
        """Close every connection. Idempotent; a later command opens new ones."""
        self._pool.disconnect()

    def _finish(self, talk: Request[T], error: Exception | None) -> T:
        """Return a conversation's result; if `error` broke it, go on with it on other connections."""
        while error is not None:
            pause = talk.wait_after_loss(error)
            if pause is None:
                raise_ours(error, self.url)
            time.sleep(pause)
            error = self._attempt(talk)
        return talk.result()

    def _attempt(self, talk: Request[T]) -> Exception | None:
        """Have a conversation on one connection; return the error that broke it, if one did."""
        try:
            connection = self._take()
        except LOST as error:
            return error
        return self._talk(connection, talk, 0)

    def _talk(self, connection: Any, talk: Request[T], expected: int) -> Exception | None:
        """Send and receive until all is settled; `expected` replies belong to what has been sent already."""
        try:
            while not self._turn(connection, talk, expected):
                expected = 0
                pause = talk.wait_after_refusal()
                if pause is None:
                    break
                if pause:
                    # A refusing server may have been demoted: the next connection asks again which server leads.
                    connection.disconnect()
                    time.sleep(pause)
        except LOST as error:
            return error
        except BaseException:
            # Interrupted between a command and its reply: the next user would get this one's reply.
            connection.disconnect()
            raise
        finally:
            self._idle.append(connection)
        return None

    def _take(self) -> Any:
        """Return a connection that is free, and that holds nothing of an earlier use.

        To the pool they stay in use, so that its `disconnect` closes them too. Handing one out and taking it back
        would cost redis-py a tenth of the time that a push takes.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._pool.get_connection()
        if connection.pid != os.getpid():  # forked: they are the parent's
            self._idle.clear()
            return self._pool.get_connection()
        if connection.is_connected and _is_stale(connection):
            connection.disconnect()
        return connection

    def _turn(self, connection: Any, talk: Request[T], expected: int) -> bool:
        expected = expected or self._write(connection, talk)
        block = talk.block
        return talk.receive([read_reply(connection, block) for _ in range(expected)])

    @staticmethod
    def _write(connection: Any, talk: Request[T]) -> int:
        """Send what is to be sent now; returns how many replies will come."""
        if not connection.is_connected:
            connection.connect()
        sends = talk.to_send()
        connection.send_packed_command([pack(sends)])
        return len(sends)


def _is_stale(connection: Any) -> bool:
    """Tell whether there is something to read before anything was sent, such as that the server has closed it."""
    sock = connection._sock  # noqa: SLF001 - as for the waiter, there is no public way
    if sock is not None and hasattr(select, "poll"):  # not on Windows
        # redis-py's own check takes three times as long, so it is made only if there is something.
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        if not poll.poll(0):
            return False
    try:
        return bool(connection.can_read())
    except LOST:
        return True


def read_reply(connection: Any, block: float = 0.0) -> Any:
    """Read one reply, giving the server `block` seconds more than usual.

    An error reply is a value; a broken connection is raised, and closed.
    """
    try:
        if block:
            return connection.read_response(timeout=block + pools.ANSWER_SECONDS, disconnect_on_error=True)
        return connection.read_response(disconnect_on_error=True)
    except redis_errors.ResponseError as error:
        return error


def _begin_anew() -> None:
    for driver in list(_drivers):
        driver.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
