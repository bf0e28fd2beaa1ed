"""JSON to look into, as its bytes have it: numbers of any size, empty keys, and keys that stand there twice."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from teep.web.rendering import printable

# Values of one tree that fold; what lies deeper, or comes later, is shown as a string.
_MOST_NODES = 4_000
_DEEPEST = 24
# Containers that are larger, or lie deeper, are folded at first.
_OPEN_ITEMS = 30
_OPEN_DEPTH = 2


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object's keys and values, in order."""


class Node(NamedTuple):
    """A value as a template shows it; `kind` is "object", "array", "string", "number" or "word".

    `name` is its key, in quotes, or its index; None at the top. `text` is the value, or how many `items` it has.
    """

    name: str | None
    kind: str
    text: str
    items: "list[Node]"
    is_open: bool


_DECODER = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=Number, object_pairs_hook=Pairs, strict=False
)


def read(raw: bytes) -> Any:
    """Return the JSON in some bytes; None if they are none, or nest without end."""
    try:
        return _DECODER.decode(raw.decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        return None


def fields(raw: bytes) -> dict[str, Any]:
    """Return the fields of a payload; of one that stands there twice the last, which counts; {} if it is none."""
    found = read(raw)
    return dict(found) if isinstance(found, Pairs) else {}


def plain(value: Any) -> Any:
    """Return a value of Python's as `read` gives it; what JSON does not know becomes a string."""
    return _DECODER.decode(json.dumps(value, default=str))


def written(value: Any, indent: int | None = None) -> str:
    """Return what `read` gave as JSON, with each number as it was; over several lines if `indent` is 0 or more."""
    try:
        return "".join(_write(value, indent))
    except RecursionError:
        return "…"


def _write(value: Any, indent: int | None) -> Iterator[str]:
    if isinstance(value, Number):
        yield value
    elif isinstance(value, list):
        is_object = isinstance(value, Pairs)
        start, end = "{}" if is_object else "[]"
        inner = None if indent is None else indent + 2
        yield start
        for place, item in enumerate(value):
            yield ("," if inner is not None else ", ") if place else ""
            yield "" if inner is None else "\n" + " " * inner
            yield f"{_quoted(item[0])}: " if is_object else ""
            yield from _write(item[1] if is_object else item, inner)
        yield "" if indent is None or not value else "\n" + " " * indent
        yield end
    else:
        yield json.dumps(value, ensure_ascii=False)


def _quoted(name: str) -> str:
    return printable(json.dumps(name, ensure_ascii=False))


def tree(value: Any) -> Node:
    """Return what `read` gave as it is looked into."""
    return _Builder().node(value, None, 0)


class _Builder:
    """Builds one tree, and counts its nodes."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def node(self, value: Any, name: str | None, depth: int) -> Node:
        self._left -= 1
        if isinstance(value, list) and value and depth < _DEEPEST and self._left > len(value):
            is_object = isinstance(value, Pairs)
            named = ((_quoted(key), item) for key, item in value) if is_object else enumerate(value)
            items = [self.node(item, str(name), depth + 1) for name, item in named]
            is_open = depth < _OPEN_DEPTH and len(items) <= _OPEN_ITEMS
            return Node(name, "object" if is_object else "array", str(len(items)), items, is_open)
        kind = "number" if isinstance(value, Number) else "string" if isinstance(value, str) else "word"
        return Node(name, kind, printable(written(value)), [], is_open=False)
