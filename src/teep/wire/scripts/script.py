"""A Lua script: a file in `lua/` with a header, what it includes, and the shape of its calls.

1. The header states what the script is for and the shape of KEYS, ARGV and what it returns.
2. A call that disagrees with its header is refused here, before it reaches Redis.

A shape is a list of names; a last `(a b)*` or `a*` stands for any number of such groups. A header line
`-- INCLUDE: name` stands for the functions in `lua/lib/<name>.lua`, which may include others.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from pkgutil import get_data
from typing import Any, NamedTuple, TypeVar

from teep.wire.command import Arg, Command
from teep.wire.keys import Key

T = TypeVar("T")

_HEADER = re.compile(r"^-- (KEYS|ARGV|RETURNS):[ ]*(.*)$", re.MULTILINE)
_INCLUDE = re.compile(r"^-- INCLUDE: ([\w/]+)$", re.MULTILINE)
_REPEATED = re.compile(r"(?:\(([^)]*)\)|(\S+))\*\s*$")


class Shape(NamedTuple):
    """How many values a call takes: `fixed`, then any number of groups of `group` (0: none)."""

    text: str
    fixed: int
    group: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        repeated = _REPEATED.search(text)
        names = text[: repeated.start()] if repeated else text
        group = len((repeated[1] or repeated[2]).split()) if repeated else 0
        return cls(text, len(names.split()), group)

    def accepts(self, count: int) -> bool:
        rest = count - self.fixed
        return rest == 0 or (rest > 0 and self.group > 0 and rest % self.group == 0)


class Script:
    """A Lua script: its source, its SHA-1 as EVALSHA wants it, and the shape of its calls."""

    def __init__(self, name: str, source: str) -> None:
        header = dict(_HEADER.findall(source))
        if header.keys() != {"KEYS", "ARGV", "RETURNS"}:
            raise ValueError(f"lua/{name}.lua needs the header lines KEYS, ARGV and RETURNS")
        self.name = name
        self.source = source
        self.keys = Shape.parse(header["KEYS"])
        self.argv = Shape.parse(header["ARGV"])

    @cached_property
    def sha(self) -> str:
        import hashlib  # noqa: PLC0415 - brings OpenSSL, which redis-py needs, but not a program that calls nothing

        return hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def check(self, keys: Sequence[Key], argv: Sequence[Arg]) -> None:
        for shape, given in ((self.keys, keys), (self.argv, argv)):
            if not shape.accepts(len(given)):
                raise ValueError(f"lua/{self.name}.lua takes ({shape.text}), not {len(given)} values")


class ScriptCall(Command[T]):
    """A call of a script. Drivers load the script if the server does not know it yet."""

    __slots__ = ("_keys", "script")

    def __init__(
        self,
        script: Script,
        keys: Sequence[Key],
        argv: Sequence[Arg],
        read: Callable[[Any], T],
        *,
        idempotent: bool = True,  # most scripts compare before they move: a repeat finds nothing left to do
    ) -> None:
        script.check(keys, argv)
        self.script = script
        self._keys = tuple(keys)
        super().__init__("EVALSHA", script.sha, len(keys), *keys, *argv, read=read, idempotent=idempotent)

    @property
    def keys(self) -> tuple[Key, ...]:
        return self._keys


@cache
def load(name: str) -> Script:
    """Return the script `lua/<name>.lua` (such as "running/exchange"), with what it includes; read once a process."""
    return Script(name, _read(name))


def _read(name: str) -> str:
    source = get_data("teep.wire", f"lua/{name}.lua")
    if source is None:
        raise ValueError(f"lua/{name}.lua cannot be read: the loader of teep's modules has no data")
    return _INCLUDE.sub(lambda line: _read(f"lib/{line[1]}"), source.decode())
