"""Ruby's Marshal format 4.8, for plain values alone: those that JSON can hold too.

1. `dump` writes None, booleans, integers, floats, strings, lists, and dicts with strings as keys.
2. `load` reads the same, and symbols as strings. Nothing that names a class is ever built: it is refused unread.

The data may be secret, so no error shows any of it, nor keeps one that does as its context.
"""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from teep.errors import MalformedPayload

VERSION = b"\x04\x08"

# Behind a string: one instance variable, `E`, is true: UTF-8. If the symbol stands again, it is a link to its first.
_UTF8, _UTF8_AGAIN = b"\x06:\x06ET", b"\x06;\x00T"
# The bytes before the length of a string that comes first, and how many there are around one of up to 122 bytes.
_TEXT = VERSION + b'I"'
_AROUND_TEXT = len(_TEXT) + 1 + len(_UTF8)
_CONSTANTS: dict[bytes, Any] = {b"0": None, b"T": True, b"F": False}
_FLOAT = re.compile(rb"-?\d+(\.\d+)?(e[+-]?\d+)?")

# As deep as the JSON of a payload may be.
_MAX_DEPTH = 99
# Values that links may repeat: a few bytes of them could otherwise stand for billions.
_MAX_REPEATED = 100_000


def dump(value: Any) -> bytes:
    """Return what Ruby's `Marshal.load` reads as `value`, which must be plain JSON."""
    return VERSION + _Writer().value(value)


def load(data: bytes) -> Any:
    """Return the value that Ruby's `Marshal.dump` wrote.

    Raises:
        MalformedPayload: it is cut or altered, or holds more than plain values; the message shows none of it.
    """
    if not data.startswith(VERSION):
        raise MalformedPayload("it is not in Marshal format 4.8")
    text = _short_text(data)
    return _Reader(data, len(VERSION)).whole() if text is None else text


def _short_text(data: bytes) -> str | None:
    """Return the value if it is one string of up to 122 bytes, as most secrets are; None for anything else."""
    length = len(data) - _AROUND_TEXT
    if not (0 < length < 123 and data[len(_TEXT)] == length + 5):
        return None
    if not (data.startswith(_TEXT) and data.endswith(_UTF8)):
        return None
    try:
        return data[len(_TEXT) + 1 : -len(_UTF8)].decode()
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=256)
def integer(value: int) -> bytes:
    """Return a length, or an integer of up to 31 bits, in Marshal's own variable-length form."""
    if value == 0:
        return b"\x00"
    if -124 < value < 123:
        return (value + (5 if value > 0 else -5)).to_bytes(1, "little", signed=True)
    size = next(size for size in (1, 2, 3, 4) if -(1 << 8 * size) <= value < 1 << 8 * size)
    rest = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return (size if value > 0 else -size).to_bytes(1, "little", signed=True) + rest


def read_integer(data: bytes, at: int) -> tuple[int, int]:
    """Return the integer that `integer` wrote at a place, and the place behind it.

    Raises:
        MalformedPayload: the data ends before it does.
    """
    if at >= len(data):
        raise MalformedPayload("it is cut short")
    first = data[at] - 256 if data[at] > 127 else data[at]
    if abs(first) > 4:
        return first - (5 if first > 0 else -5), at + 1
    end = at + 1 + abs(first)
    if end > len(data):
        raise MalformedPayload("it is cut short")
    value = int.from_bytes(data[at + 1 : end], "little")
    return value - (1 << 8 * -first) if first < 0 else value, end


class _Writer:
    def __init__(self) -> None:
        self._encoding = _UTF8

    def value(self, value: Any) -> bytes:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is int:
            return _number(value)
        if kind is float:
            return b"f" + _counted(repr(value).encode())
        if kind is list:
            return b"[" + integer(len(value)) + b"".join(map(self.value, value))
        if kind is dict:
            parts = (part for pair in value.items() for part in map(self.value, pair))
            return b"{" + integer(len(value)) + b"".join(parts)
        return next(mark for mark, constant in _CONSTANTS.items() if constant is value)

    def _text(self, text: str) -> bytes:
        encoding, self._encoding = self._encoding, _UTF8_AGAIN
        return b'I"' + _counted(text.encode()) + encoding


def _counted(raw: bytes) -> bytes:
    return integer(len(raw)) + raw


def _number(value: int) -> bytes:
    if -(1 << 30) <= value < 1 << 30:
        return b"i" + integer(value)
    shorts = (value.bit_length() + 15) // 16
    sign = b"-" if value < 0 else b"+"
    return b"l" + sign + integer(shorts) + abs(value).to_bytes(2 * shorts, "little")


Read = Callable[["_Reader"], Any]


def _numbered(read: Read) -> Read:
    """Number each value that is read, from its beginning on, so that a link may name it."""

    def numbered(reader: "_Reader") -> Any:
        number, before = len(reader.shared), reader.count
        reader.shared.append(None)
        value = read(reader)
        reader.shared[number] = (value, reader.count - before)
        return value

    return numbered


class _Reader:
    """Reads one value, from a place in the data on."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at
        self._depth = 0
        self._symbols: list[str] = []
        self.count = 0
        # The values that a link may name, each with how many it holds; None while it is being read.
        self.shared: list[tuple[Any, int] | None] = []

    def whole(self) -> Any:
        value = self._value()
        if self._at != len(self._data):
            raise MalformedPayload("something follows its end")
        return value

    def _value(self) -> Any:
        self.count += 1
        mark = self._take(1)
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark not in _READERS:
            raise MalformedPayload("it holds something else than plain values")
        return _READERS[mark](self)

    def fixnum(self) -> int:
        value, self._at = read_integer(self._data, self._at)
        return value

    @_numbered
    def bignum(self) -> int:
        sign = self._take(1)
        if sign not in (b"+", b"-"):
            raise MalformedPayload("an integer in it has no sign")
        value = int.from_bytes(self._take(2 * self._length()), "little")
        return -value if sign == b"-" else value

    @_numbered
    def real(self) -> float:
        written = self._take(self._length())
        value = float(written) if _FLOAT.fullmatch(written) else math.nan
        if not math.isfinite(value):
            raise MalformedPayload("a float in it is no finite number")
        return value

    @_numbered
    def text(self) -> str:
        return self._utf8()

    def symbol(self) -> str:
        text = self._utf8()
        self._symbols.append(text)
        return text

    def symbol_link(self) -> str:
        return self._symbols[self._below(len(self._symbols))]

    def with_encoding(self) -> str:
        """Read a string or symbol that names its encoding: UTF-8 (`E` is true) or ASCII (`E` is false)."""
        text: str = self._one_of(b'"', b":")
        if self._length() != 1 or self._one_of(b":", b";") != "E" or self._take(1) not in (b"T", b"F"):
            raise MalformedPayload("a string in it has another encoding than UTF-8 or ASCII")
        return text

    @_numbered
    def array(self) -> list[Any]:
        self._enter()
        values = [self._value() for _ in range(self._length())]
        self._depth -= 1
        return values

    @_numbered
    def table(self) -> dict[str, Any]:
        self._enter()
        pairs = {self._key(): self._value() for _ in range(self._length())}
        self._depth -= 1
        return pairs

    def link(self) -> Any:
        """Read a link to an earlier value."""
        shared = self.shared[self._below(len(self.shared))]
        if shared is None:
            raise MalformedPayload("it holds itself")
        value, count = shared
        self.count += count
        if self.count > len(self._data) + _MAX_REPEATED:
            raise MalformedPayload("it repeats too many values")
        return value

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise MalformedPayload("it is cut short")
        return self._data[start : self._at]

    def _length(self) -> int:
        """Read how many bytes or values follow; each value takes a byte at least."""
        return self._below(len(self._data) - self._at)

    def _below(self, end: int) -> int:
        number = self.fixnum()
        if not 0 <= number < end:
            raise MalformedPayload("a length or link in it cannot be")
        return number

    def _utf8(self) -> str:
        raw = self._take(self._length())
        with suppress(UnicodeDecodeError):
            return raw.decode()
        raise MalformedPayload("a string in it is not UTF-8")

    def _one_of(self, *marks: bytes) -> Any:
        mark = self._take(1)
        if mark not in marks:
            raise MalformedPayload("it holds something else than plain values")
        return _READERS[mark](self)

    def _key(self) -> str:
        key = self._value()
        if type(key) is not str:
            raise MalformedPayload("a key of a hash in it is neither a string nor a symbol")
        return key

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise MalformedPayload(f"it is nested more than {_MAX_DEPTH} levels deep")


_READERS: dict[bytes, Read] = {
    b"i": _Reader.fixnum,
    b"l": _Reader.bignum,
    b"f": _Reader.real,
    b'"': _Reader.text,
    b"I": _Reader.with_encoding,
    b":": _Reader.symbol,
    b";": _Reader.symbol_link,
    b"[": _Reader.array,
    b"{": _Reader.table,
    b"@": _Reader.link,
}
