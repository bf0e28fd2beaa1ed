"""Jumps, which `:` takes: to a queue, a job by its jid, or a tab, perhaps with a filter; and their completion."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from teep.config.sources.names import nearest
from teep.errors import InvalidValue

_ALSO = {"home": "dashboard", "retry": "retries", "schedule": "scheduled", "morgue": "dead", "error": "errors",
         "batch": "batches", "workflow": "workflows", "limit": "limits", "process": "busy"}  # fmt: skip


class Jump(NamedTuple):
    """Where to go: a tab with a filter, a queue, or a job."""

    tab: str = ""
    text: str = ""
    queue: str = ""
    jid: str = ""


def parse(text: str, tabs: Collection[str]) -> Jump:
    """Read a jump.

    Raises:
        InvalidValue: there is no such place; the message names the nearest one.
    """
    word, _, rest = text.strip().removeprefix(":").partition(" ")
    rest = rest.strip()
    if word == "jid":
        if not rest:
            raise InvalidValue("write the jid, such as :jid 01a20b938096d911806e2386")
        return Jump(jid=rest)
    if word == "queue" and rest:
        return Jump(tab="queues", queue=rest)
    name = "queues" if word == "queue" else _ALSO.get(word, word)
    if name in tabs:
        return Jump(tab=name, text=rest)
    near = nearest(word, [*tabs, *_ALSO, "queue", "jid"])
    raise InvalidValue(f"there is nothing called {word}" + (f"; did you mean {near}?" if near else ""))


def completed(text: str, tabs: Collection[str], queues: Iterable[str], words: Iterable[str] = ()) -> str | None:
    """Return a longer jump that begins as this one does; None if there is none."""
    first, space, rest = text.partition(" ")
    if not space:
        return _longer(text, [*(f"{name} " for name in ("queue", "jid")), *tabs, *_ALSO])
    if first == "queue":
        return _longer(text, [f"queue {name}" for name in queues])
    if first in tabs or first in _ALSO:
        found = completed_words(rest, words)
        return None if found is None else f"{first} {found}"
    return None


def completed_words(text: str, words: Iterable[str]) -> str | None:
    """Return a longer filter whose last word begins as this one's does."""
    before, space, last = text.rpartition(" ")
    found = _longer(last, words) if last else None
    return None if found is None else f"{before}{space}{found}"


def _longer(text: str, known: Iterable[str]) -> str | None:
    return next((name for name in known if name.startswith(text) and name != text), None)
