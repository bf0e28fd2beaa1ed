"""The conversation of a command and the server, without the I/O.

1. It says what to send: at first everything, later only what is not settled.
2. It takes the replies: a result, an error, or a reason to send that part again (NOSCRIPT: load the script;
   READONLY, LOADING and their like: the server did nothing, so wait and ask again, perhaps another server).
3. It says whether a lost connection allows sending again: only if everything unsettled is idempotent.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar, cast

from redis import exceptions as redis_errors

from teep.drivers.answers import is_final, is_refusal, raise_ours
from teep.wire.command import Command, MultiExec, Pipeline
from teep.wire.scripts.script import ScriptCall

T = TypeVar("T")
Args = tuple[Any, ...]

# The errors of redis-py if a connection failed; any of them may come while one is made.
LOST = (redis_errors.RedisError, OSError)

# Seconds before each further try. Together they bridge a failover's first moments; longer outages are the
# caller's to wait out (the worker does so without end).
PAUSES = (0.0, 0.1, 0.4)


class Request(Generic[T]):
    """One command's way to its result, over as many sends as it takes."""

    def __init__(self, command: Command[T]) -> None:
        self._command = command
        self._atomic = isinstance(command, MultiExec)
        self._parts: tuple[Command[Any], ...] = command.commands if isinstance(command, Pipeline) else (command,)
        self._replies: list[Any] = []
        self._unsettled: Sequence[int] = range(len(self._parts))
        self._to_load: set[int] = set()
        self._loaded: set[int] = set()
        self._refusal: Exception | None = None
        self._is_clean = False  # no error has come
        self._in_doubt = False
        self._failures = 0

    @property
    def block(self) -> float:
        """How long (seconds) the server may hold the answer back."""
        return self._command.block

    def to_send(self) -> list[Args]:
        """Return the commands to send now, in one write; one reply belongs to each."""
        self._in_doubt = True
        self._refusal = None
        if self._atomic:
            return [("MULTI",), *(part.args for part in self._parts), ("EXEC",)]
        if not self._replies:
            return [part.args for part in self._parts]
        sends: list[Args] = []
        for index in self._unsettled:
            if index in self._to_load:
                sends.append(("SCRIPT", "LOAD", self._script(index).script.source))
            sends.append(self._parts[index].args)
        return sends

    def receive(self, replies: list[Any]) -> bool:
        """Take the replies to what was sent, errors among them as values. True if nothing is left to send."""
        self._in_doubt = False
        if self._atomic:
            return self._receive_exec(replies)
        if not self._replies:
            if not any(map(_is_error, replies)):  # nearly always: nothing is left to look at
                self._replies, self._unsettled, self._is_clean = replies, (), True
                return True
            self._replies = [None] * len(self._parts)
        answers = iter(replies)
        still: list[int] = []
        for index in self._unsettled:
            if index in self._to_load:
                next(answers)  # a failed load shows again in the call's own answer
                self._loaded.add(index)
            if not self._settle(index, next(answers)):
                still.append(index)
        self._to_load -= self._loaded
        self._unsettled = still
        return not still

    def wait_after_refusal(self) -> float | None:
        """Return the seconds to wait before sending the rest, or None if it is time to give up."""
        return 0.0 if self._refusal is None else self._next_pause()

    def wait_after_loss(self, error: Exception) -> float | None:
        """Return the seconds to wait before connecting and sending again, or None if it must not be sent again."""
        harmless = not self._in_doubt or is_refusal(error) or all(self._parts[i].idempotent for i in self._unsettled)
        if not harmless or is_final(error):
            return None
        if isinstance(error, redis_errors.TimeoutError) and self._failures:
            return None  # a server that is silent twice has cost its caller two full timeouts already
        return self._next_pause()

    def _next_pause(self) -> float | None:
        self._failures += 1
        return PAUSES[self._failures - 1] if self._failures <= len(PAUSES) else None

    def result(self) -> T:
        """Return the command's result. Raises the first error among the replies."""
        if not self._is_clean:
            self._raise_first()
        if isinstance(self._command, Pipeline):
            values = [part.read(reply) for part, reply in zip(self._parts, self._replies, strict=True)]
            return cast("T", self._command.read(values))
        return self._command.read(self._replies[0])

    def _raise_first(self) -> None:
        if self._refusal is not None:
            raise_ours(self._refusal)
        for reply in filter(_is_error, self._replies):
            raise_ours(reply)

    def _settle(self, index: int, reply: Any) -> bool:
        if isinstance(reply, redis_errors.NoScriptError) and index not in self._loaded:
            self._to_load.add(index)
            return False
        if isinstance(reply, Exception) and is_refusal(reply):
            self._refusal = reply
            return False
        self._replies[index] = reply
        return True

    def _receive_exec(self, replies: list[Any]) -> bool:
        outcome = replies[-1]
        if isinstance(outcome, Exception):
            cause = next((reply for reply in replies if isinstance(reply, Exception)), outcome)
            if is_refusal(cause):
                self._refusal = cause
                return False
            raise_ours(cause)
        self._replies = list(outcome)
        self._unsettled = []
        return True

    def _script(self, index: int) -> ScriptCall[Any]:
        part = self._parts[index]
        if not isinstance(part, ScriptCall):
            raise TypeError(f"{part!r} is no script, yet the server answered NOSCRIPT")
        return part


def _is_error(reply: Any) -> bool:
    return isinstance(reply, Exception)
