"""The words of the filter bar, and what they ask of a job: the same in the web page, the terminal and the shell.

    class:Import* error:Timeout older:1h "connection reset"

A word with a name asks for that field; all others together are a string anywhere in the job's JSON. A value with a
space stands in quotes. Names may be globs, as in `where`.
"""

import json
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple, cast

from teep.api.jobs.selection.filters import Conditions
from teep.errors import TeepError

NAMES = ("class", "error", "message", "tag", "queue", "jid", "bid", "args", "older", "newer")

LONGEST = 4_000
"""Characters of a filter: to read one takes time by the square of its length."""

_WORD = re.compile(r'\s*(?:([a-z]+):(?!:))?(?:"((?:[^"\\]|\\.)*)"|(\[.*?\](?=\s|$))|(\S*))')
_BARE = re.compile(r'[^\s"\\:\[][^\s"\\]*')
_SPAN = re.compile(r"([0-9]{1,12}(?:\.[0-9]+)?)(ms|s|m|min|h|d|w)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_REST = re.compile(r",?\s*\.\.\.\s*\]$")


class Parsed(NamedTuple):
    """A filter as it was written, the conditions that it is, and sentences about what could not be read."""

    text: str
    conditions: Conditions
    problems: list[str]

    @property
    def is_any(self) -> bool:
        """Whether it lets every job pass."""
        return not self.conditions and not self.problems


class _UnreadableError(TeepError):
    """A value that means nothing; it becomes one of the problems."""


def parse(text: str, *, arguments: bool = True) -> Parsed:
    """Read a filter. Without `arguments` it may not ask for them: where they are hidden, a count would tell them."""
    text = text.strip()
    if len(text) > LONGEST:
        return Parsed(text[:LONGEST], Conditions(), [f"the filter is too long; it may have {LONGEST} characters"])
    conditions: dict[str, Any] = {}
    problems: list[str] = []
    free: list[str] = []
    position = 0
    while position < len(text) and (word := _WORD.match(text, position)) and word.end() > position:
        position = word.end()
        name, quoted, listed, plain = word.groups()
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else listed or plain or ""
        if name is None or not (name in _READERS or get_close_matches(name, NAMES, 1)):
            free.append(f"{name}:{value}" if name else value)
        elif (problem := _take(conditions, name, value, is_quoted=quoted is not None)) is not None:
            problems.append(problem)
    if any(free):
        conditions["match"] = " ".join(word for word in free if word)
    if not arguments:
        problems += [_HIDDEN[name] for name in conditions if name in _HIDDEN]
    if text and not conditions and not problems:
        problems.append("the filter is empty; write a word, or a name such as class:Import*")
    return Parsed(text, cast("Conditions", conditions), problems)


def written(name: str, value: str) -> str:
    """Return a word of a filter as it is written."""
    return f"{name}:{value if _BARE.fullmatch(value) else quoted(value)}"


def quoted(value: str) -> str:
    """Return a value in quotes, so that nothing in it is read as a name or an end. Alone it is free text."""
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


def of_errors(conditions: Conditions) -> str | None:
    """Return the filter that `ErrorGroup.conditions` are; None if it is too long."""
    names = (("class", "klass"), ("error", "error_class"), ("message", "error_message"))
    text = " ".join(written(word, str(conditions.get(condition))) for word, condition in names)
    return text if len(text) <= LONGEST else None


def _take(conditions: dict[str, Any], name: str, value: str, *, is_quoted: bool) -> str | None:
    """Read one word into the conditions; returns what is wrong with it."""
    if name not in _READERS:
        (near,) = get_close_matches(name, NAMES, 1)
        return f"there is no filter {name}: — did you mean {near}:?"
    condition, read = _READERS[name]
    if not value and not (is_quoted and name == "message"):  # some errors say nothing
        return f"{name}: says nothing; write for example {_EXAMPLES[name]}"
    if condition in conditions:
        return f"{name}: stands there twice; a job has to meet all words, so keep one of them"
    try:
        conditions[condition] = read(value)
    except _UnreadableError as error:
        return f"{name}: cannot be {value!r}: {error}; write for example {_EXAMPLES[name]}"
    return None


def seconds(value: str) -> float:
    """Read a span of time, such as `10m`.

    Raises:
        TeepError: it is none.
    """
    span = _SPAN.fullmatch(value)
    if span is None:
        raise _UnreadableError("it is a number and a unit of ms, s, m, h, d or w")
    return float(span[1]) * _SECONDS[span[2] or "s"]


def _arguments(value: str) -> list[Any]:
    """Read `[42, "eu"]`, `[42, ...]`, or the first argument alone."""
    if not value.startswith("["):
        try:
            return [json.loads(value), ...]
        except ValueError:
            return [value, ...]
    try:
        read: list[Any] = json.loads(_REST.sub("]", value))
    except (ValueError, RecursionError) as error:
        raise _UnreadableError("it is no JSON array") from error
    return [*read, ...] if _REST.search(value) else read


def _several(value: str) -> list[str]:
    return [part for part in value.split(",") if part]


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "class": ("klass", str),
    "error": ("error_class", str),
    "message": ("error_message", str),
    "tag": ("tag", str),
    "queue": ("queue", str),
    "jid": ("jids", _several),
    "bid": ("bid", str),
    "args": ("args", _arguments),
    "older": ("older_than", seconds),
    "newer": ("newer_than", seconds),
}
# What is said of conditions that arguments meet, where those are hidden.
_HIDDEN = {
    "args": "args: asks for arguments, which are hidden here",
    "match": "words without a name ask for arguments, too, which are hidden here; write a name: class:Import*",
}
_EXAMPLES = {
    "class": "class:Import*",
    "error": "error:TimeoutError",
    "message": 'message:"timed out after # s"',
    "tag": "tag:eu",
    "queue": "queue:default",
    "jid": "jid:0198c3…",
    "bid": "bid:0198c3…",
    "args": 'args:[42,"eu"]',
    "older": "older:1h",
    "newer": "newer:30m",
}
