"""The conditions of a selection, and the check of a job against them."""

import glob
import re
import time
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import Any, Self, TypedDict, Unpack

from teep.errors import InvalidType, InvalidValue
from teep.job import Job, Verbs
from teep.job.classes import name_of
from teep.wire import partial, payload
from teep.wire.fields.messages import alike
from teep.wire.payload import Item
from teep.wire.stored import Stored

# Characters that every JSON writer writes alike, so that Redis can search for a string of them.
_ONE_SPELLING = re.compile(r"[A-Za-z0-9_:.\- ]+")
# The wildcards of a glob; a "]" that comes first in brackets is one of their characters.
_WILDCARD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")
_WORDS = {None: b"null", True: b"true", False: b"false"}


class Conditions(TypedDict, total=False):
    """The conditions of a selection, by name; `Queue.where` explains each."""

    klass: str | Verbs[...] | type[Job] | None
    error_class: str | None
    error_message: str | None
    tag: str | None
    queue: str | None
    args: Sequence[Any] | None
    match: str | None
    jids: Iterable[str | None] | None
    bid: str | Iterable[str] | None
    older_than: float | None
    newer_than: float | None


class Filter:
    """Conditions that a job must meet, all of them.

    Redis returns only payloads that hold the conditions' literal words (`needles`); `matches` then checks each.
    """

    def __init__(self, **conditions: Unpack[Conditions]) -> None:
        _check(conditions)
        klass, error_class = conditions.get("klass"), conditions.get("error_class")
        message = conditions.get("error_message")
        tag, queue, match = conditions.get("tag"), conditions.get("queue"), conditions.get("match")
        jids = conditions.get("jids")
        self._by_last_part = isinstance(klass, str)
        name = klass if klass is None or isinstance(klass, str) else glob.escape(name_of(klass))
        self._klass = _pattern(name)
        self._error_class = _pattern(error_class)
        self._message = None if message is None else _pattern(alike(message))
        self._tag = _pattern(tag)
        self._queue = _pattern(queue)
        self._args = conditions.get("args")
        self._ages = (conditions.get("older_than"), conditions.get("newer_than"))
        self._match = None if match is None else _text_pattern(match)
        self._jids = None if jids is None else frozenset(jid for jid in jids if jid is not None)
        bid = conditions.get("bid")
        self._bids = None if bid is None else frozenset([bid] if isinstance(bid, str) else bid)
        only = next(iter(self._bids)) if self._bids is not None and len(self._bids) == 1 else None
        self.needles = tuple(self._literals(name, error_class, _words_of(message), tag, queue, match, only))

    @classmethod
    def of_class(cls, name: str) -> Self:
        """Return a filter for the jobs of exactly this class."""
        chosen = cls(klass=glob.escape(name))
        chosen._by_last_part = False
        return chosen

    def matches(self, stored: Stored) -> bool:
        """Tell whether a payload meets every condition. Bytes that are no JSON object meet only `match`."""
        if self._match is not None and not self._match.search(stored.raw.decode(errors="surrogateescape")):
            return False
        return not self._needs_fields() or (bool(stored.fields) and self._fits(stored.fields))

    @property
    def is_any(self) -> bool:
        """Whether there is any condition: without one, every entry meets it."""
        return self._match is not None or self._needs_fields()

    def _needs_fields(self) -> bool:
        texts = (self._klass, self._error_class, self._message, self._tag, self._queue)
        conditions = (*texts, self._args, self._jids, self._bids, *self._ages)
        return any(condition is not None for condition in conditions)

    def _fits(self, item: Item) -> bool:
        tags = item.get("tags")
        return (
            (self._is_class(item.get("class")) or self._is_class(item.get("wrapped")))
            and _fits(self._error_class, item.get("error_class"))
            and (self._message is None or self._says(item.get("error_message")))
            and (self._tag is None or (isinstance(tags, list) and any(_fits(self._tag, tag) for tag in tags)))
            and _fits(self._queue, item.get("queue"))
            and (self._args is None or partial.matches(self._args, item.get("args"), _same))
            and (self._jids is None or item.get("jid") in self._jids)
            and (self._bids is None or (isinstance(bid := item.get("bid"), str) and bid in self._bids))
            and self._has_age(payload.latency(item, time.time()))
        )

    def _is_class(self, name: Any) -> bool:
        if self._by_last_part and isinstance(name, str) and _fits(self._klass, name.rpartition(".")[2]):
            return True
        return _fits(self._klass, name)

    def _says(self, message: Any) -> bool:
        return _fits(self._message, alike(message) if isinstance(message, str) else "")

    def _has_age(self, age: float) -> bool:
        least, limit = self._ages
        return (least is None or age >= least) and (limit is None or age < limit)

    def _literals(self, *conditions: str | None) -> Iterable[bytes]:
        for condition in conditions:
            # A match of a pattern contains the pattern's longest run of plain characters.
            yield from _plain(_WILDCARD.sub("\0", condition or ""))
        for value in partial.leaves(self._args or ()):
            yield from _written(value)
        if self._jids is not None and len(self._jids) == 1:
            (jid,) = self._jids
            if _ONE_SPELLING.fullmatch(jid):
                yield payload.jid_bytes(jid)


def _words_of(message: str | None) -> str | None:
    """Return what a message holds whatever its numbers are, and however its words are spaced."""
    return None if message is None else re.sub("[# ]", "\0", alike(_WILDCARD.sub("\0", message)))


def _plain(text: str) -> Iterable[bytes]:
    """Yield the longest run of characters that every JSON writer writes alike."""
    if runs := _ONE_SPELLING.findall(text):
        yield max(runs, key=len).encode()


def _written(value: Any) -> Iterable[bytes]:
    """Yield a part of a plain value's JSON that every program writes alike."""
    if isinstance(value, str):
        yield from _plain(value)
    elif value is None or isinstance(value, bool):
        yield _WORDS[value]
    elif isinstance(value, int):
        yield b"%d" % value


def _same(expected: Any, actual: Any) -> bool:
    """Compare plain values as JSON does: 1, 1.0 and true are three."""
    if isinstance(expected, bool) is not isinstance(actual, bool):
        return False
    return isinstance(expected, type(actual)) and bool(expected == actual)


def _check(conditions: Conditions) -> None:
    """Refuse values of the wrong kind, before a selection built on them takes the wrong jobs."""
    for name in ("error_class", "error_message", "tag", "queue", "match"):
        text = conditions.get(name)
        if text is not None and not isinstance(text, str):
            raise InvalidType(f"{name} must be a string, not {text!r}")
    klass = conditions.get("klass")
    if not (klass is None or isinstance(klass, (str, Verbs)) or (isinstance(klass, type) and issubclass(klass, Job))):
        raise InvalidType(f"klass must be a string or a job, not {klass!r}")
    args, jids = conditions.get("args"), conditions.get("jids")
    if args is not None and not isinstance(args, (list, tuple)):
        raise InvalidType(f"args must be a list of arguments, such as [{args!r}], not {args!r}")
    bid = conditions.get("bid")
    if bid is not None and not isinstance(bid, (str, list, tuple, set, frozenset)):
        raise InvalidType(f"bid must be the bid of a batch, or several in a list, not {bid!r}")
    if isinstance(jids, (str, bytes)):
        raise InvalidType(f"jids must be several jids, such as [{jids!r}], not one")
    for name in ("older_than", "newer_than"):
        _check_age(name, conditions.get(name))


def _check_age(name: str, age: object) -> None:
    if age is None:
        return
    if isinstance(age, bool) or not isinstance(age, (int, float)):
        raise InvalidType(f"{name} must be seconds, 0 or more, not {age!r}")
    if not age >= 0:
        raise InvalidValue(f"{name} must be seconds, 0 or more, not {age!r}")


def _pattern(condition: str | None) -> re.Pattern[str] | None:
    return None if condition is None else re.compile(translate(condition))


def _text_pattern(match: str) -> re.Pattern[str]:
    """Compile `match`: a glob for the whole JSON if it has a `*`, else a string anywhere in it."""
    return re.compile(rf"\A{translate(match)}" if "*" in match else re.escape(match))


def _fits(pattern: re.Pattern[str] | None, value: Any) -> bool:
    return pattern is None or (isinstance(value, str) and pattern.match(value) is not None)
