"""A Redis command as a value: what to send, how to read the reply, and whether sending it twice is harmless.

A plan awaits it, and a driver carries it out. Its `keys` are those that it touches, told from
its values for a namespace or a cluster.
"""

from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from typing import Any, Generic, TypeVar

from teep.wire.keys import Key

T = TypeVar("T")

Arg = bytes | str | int
Plan = Coroutine[Any, Any, T]

_FIRST = slice(1, 2)
_FIRST_TWO = slice(1, 3)
_ALL = slice(1, None)
_NONE = slice(0, 0)
# Where the keys stand among a command's words, if not only its first argument is one. An EVALSHA counts its own.
_KEYS: Mapping[Arg, slice] = {
    **dict.fromkeys(("BLMOVE", "COPY"), _FIRST_TWO),
    **dict.fromkeys(("BGREWRITEAOF", "FLUSHALL", "FLUSHDB", "INFO", "PING", "SCAN", "TIME"), _NONE),
    **dict.fromkeys(("EXISTS", "MGET", "UNLINK"), _ALL),
    "BRPOP": slice(1, -1),
    "MEMORY": slice(2, 3),
    "MSET": slice(1, None, 2),
}


class Command(Generic[T]):
    """One command: `args` as sent, `read` from reply to result, `idempotent` if a repeat is harmless.

    `block` is how long (seconds) the server may hold the command back; drivers wait that much longer.
    """

    __slots__ = ("args", "block", "idempotent", "read")

    def __init__(self, *args: Arg, read: Callable[[Any], T], idempotent: bool = False, block: float = 0.0) -> None:
        self.args = args
        self.read = read
        self.idempotent = idempotent
        self.block = block

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that it touches, in order, as `COMMAND GETKEYS` tells them. A SCAN has none, but a pattern."""
        return tuple(Key(str(key)) for key in self.args[_KEYS.get(self.args[0], _FIRST)])

    def __await__(self) -> "Generator[Command[T], T, T]":
        return (yield self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({b' '.join(map(_shown, self.args)).decode(errors='replace')})"


class Pipeline(Command[list[Any]]):
    """Several commands in one round trip, each with its own outcome; the first error among them is raised.

    `idempotent`: whether all of them are, if that is known.
    """

    __slots__ = ("commands",)

    def __init__(
        self, commands: Iterable[Command[Any]], read: Callable[[Any], Any] = list, idempotent: bool | None = None
    ) -> None:
        self.commands = tuple(commands)
        if idempotent is None:
            idempotent = all(command.idempotent for command in self.commands)
        super().__init__(read=read, idempotent=idempotent)

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(key for command in self.commands for key in command.keys)


class MultiExec(Pipeline):
    """Several commands in MULTI and EXEC. They must not be scripts, which are atomic by themselves."""

    __slots__ = ()


def _shown(arg: Arg) -> bytes:
    raw = arg if isinstance(arg, bytes) else str(arg).encode()
    return raw if len(raw) <= 40 else raw[:40] + b"..."
