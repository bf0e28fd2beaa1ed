"""Which jobs a selection takes."""

import re
import time
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import translate
from typing import Any, TypedDict, Unpack

from teep.errors import InvalidJob, UnknownCondition
from teep.wire import payload
from teep.wire.payload import Item
from teep.wire.stored import Stored

# Text that every JSON writer writes alike, so that its bytes can be looked for inside Redis.
_ONE_SPELLING = re.compile(r"[A-Za-z0-9_:.\- ]+")
# What stands for other text in a glob; a "]" that comes first in brackets is one of their characters.
_WILDCARD = re.compile(r"\[!?\]?[^\]]*\]|[*?]")


class Conditions(TypedDict, total=False):
    """What a selection asks of a job.

    `klass`, `error_class`, `tag` and `queue` are names, or globs such as "Import*". `klass` is also compared with the
    class that ActiveJob wraps. `older_than`: seconds since it was enqueued, else created. `match`: text anywhere in
    the JSON, or a glob for the whole where it has a `*`. `jids`: any of these.
    """

    klass: str | None
    error_class: str | None
    tag: str | None
    queue: str | None
    older_than: float | None
    match: str | None
    jids: Iterable[str] | None


class Filter:
    """Conditions that a job must meet, all of them.

    Redis passes on only payloads that hold the conditions' literal words (`needles`); `matches` then looks at each.
    """

    def __init__(self, **conditions: Unpack[Conditions]) -> None:
        unknown = conditions.keys() - Conditions.__annotations__.keys()
        if unknown:
            raise UnknownCondition(_unknown(sorted(unknown)))
        klass, error_class = conditions.get("klass"), conditions.get("error_class")
        tag, queue, match = conditions.get("tag"), conditions.get("queue"), conditions.get("match")
        older_than, jids = conditions.get("older_than"), conditions.get("jids")
        _check(conditions)
        self._klass = _pattern(klass)
        self._error_class = _pattern(error_class)
        self._tag = _pattern(tag)
        self._queue = _pattern(queue)
        self._older_than = older_than
        self._match = None if match is None else _text_pattern(match)
        self._jids = None if jids is None else frozenset(jids)
        self.needles = tuple(self._literals(klass, error_class, tag, queue, match))

    def matches(self, stored: Stored) -> bool:
        """Tell whether a payload meets every condition. Bytes that are no JSON object meet only `match`."""
        if self._match is not None and not self._match.search(stored.raw.decode(errors="surrogateescape")):
            return False
        return not self._needs_fields() or (bool(stored.fields) and self._fits(stored.fields))

    def _needs_fields(self) -> bool:
        conditions = (self._klass, self._error_class, self._tag, self._queue, self._older_than, self._jids)
        return any(condition is not None for condition in conditions)

    def _fits(self, item: Item) -> bool:
        tags = item.get("tags")
        return (
            (_fits(self._klass, item.get("class")) or _fits(self._klass, item.get("wrapped")))
            and _fits(self._error_class, item.get("error_class"))
            and (self._tag is None or (isinstance(tags, list) and any(_fits(self._tag, tag) for tag in tags)))
            and _fits(self._queue, item.get("queue"))
            and (self._jids is None or item.get("jid") in self._jids)
            and (self._older_than is None or payload.latency(item, time.time()) >= self._older_than)
        )

    def _literals(self, *conditions: str | None) -> Iterable[bytes]:
        for condition in conditions:
            # Of a pattern, its longest run of plain text must be there too.
            runs = _ONE_SPELLING.findall(_WILDCARD.sub("\0", condition or ""))
            if runs:
                yield max(runs, key=len).encode()
        if self._jids is not None and len(self._jids) == 1:
            (jid,) = self._jids
            if _ONE_SPELLING.fullmatch(jid):
                yield jid.encode()


def _unknown(names: list[str]) -> str:
    known = list(Conditions.__annotations__)
    near = [match for name in names for match in get_close_matches(name, known, 1)]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"where() knows {', '.join(known)}, not {', '.join(names)}{hint}"


def _check(conditions: Conditions) -> None:
    """Refuse values of the wrong kind, before a selection built on them takes the wrong jobs."""
    for name in ("klass", "error_class", "tag", "queue", "match"):
        text = conditions.get(name)
        if text is not None and not isinstance(text, str):
            raise InvalidJob(f"{name} must be a text, not {text!r}")
    age = conditions.get("older_than")
    if age is not None and (isinstance(age, bool) or not isinstance(age, (int, float)) or not age >= 0):
        raise InvalidJob(f"older_than must be seconds, 0 or more, not {age!r}")
    jids = conditions.get("jids")
    if isinstance(jids, (str, bytes)):
        raise InvalidJob(f"jids must be several jids, such as [{jids!r}], not one")


def _pattern(condition: str | None) -> re.Pattern[str] | None:
    return None if condition is None else re.compile(translate(condition))


def _text_pattern(match: str) -> re.Pattern[str]:
    """Compile `match`: a glob for the whole JSON where it has a `*`, else text anywhere in it."""
    return re.compile(rf"\A{translate(match)}" if "*" in match else re.escape(match))


def _fits(pattern: re.Pattern[str] | None, value: Any) -> bool:
    return pattern is None or (isinstance(value, str) and pattern.match(value) is not None)
