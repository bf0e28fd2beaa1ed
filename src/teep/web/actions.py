"""What a visitor does to jobs: to one, to those that are ticked, to all that match; and the record of it.

1. `must_may` checks the verb, `recorded` tells who did what: the logger `teep.web.audit`, and `config.on("audit")`.
2. What takes all that match is counted first and confirmed, of very many by typing the count; `bulks.py` does it.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from teep.api import AsyncSetSelection, AsyncSortedEntry
from teep.api.jobs.selection import words
from teep.api.jobs.selection.sweep import Progress
from teep.config.handlers import fire
from teep.web.guard.safety import Form
from teep.web.rendering import Site, Visit, printable, visit_of

audit_logger = logging.getLogger("teep.web.audit")

# No set has so many jobs that their number has more digits.
_DIGITS = 16


@dataclass(frozen=True)
class Action:
    """A verb for jobs in sets. `needs` is the verb of an `Access`; a dangerous one cannot be taken back."""

    name: str
    needs: str
    one: Callable[[AsyncSortedEntry], Awaitable[bool]]
    every: Callable[[AsyncSetSelection, Progress], Awaitable[int]]
    is_dangerous: bool = False


RETRY = Action("retry", "retry", lambda entry: entry.retry(), lambda some, told: some.retry_all(on_progress=told))
ENQUEUE = Action(
    "add_to_queue",
    "retry",
    lambda entry: entry.add_to_queue(),
    lambda some, told: some.add_all_to_queue(on_progress=told),
)
KILL = Action(
    "kill",
    "kill",
    lambda entry: entry.kill(),
    lambda some, told: some.kill_all(on_progress=told),
    is_dangerous=True,
)
DELETE = Action(
    "delete",
    "delete",
    lambda entry: entry.delete(),
    lambda some, told: some.delete_all(on_progress=told),
    is_dangerous=True,
)


def must_may(visit: Visit, verb: str) -> None:
    """Refuse what this visitor may not do.

    Raises:
        HTTPException: 403.
    """
    if not visit.access.may(verb):
        raise HTTPException(403, "verb")


def verb_of(form: Form, verbs: Iterable[str]) -> str:
    """Return the verb whose button was pressed.

    Raises:
        HTTPException: 400, none of these was.
    """
    verb = next((verb for verb in verbs if verb in form), None)
    if verb is None:
        raise HTTPException(400)
    return verb


def done_in_words(visit: Visit, verb: str, done: int, asked: int) -> str:
    """Return the sentence for the next page: how many of the jobs that were ticked a verb took."""
    if not asked:
        return visit.flash("sets.none_ticked")
    if done < asked:
        return visit.flash("done.some", done=visit.words(f"done.{verb}", count=done), gone=asked - done)
    return visit.flash(f"done.{verb}", count=done)


def typed(form: Form) -> int | None:
    """Return the number that a page has shown, if it was typed to confirm."""
    said = "".join(char for char in form.get("confirm", [""])[0] if char not in " .,'\u00a0\u202f")
    return number(form, "total") if said == form.get("total", [""])[0] else None


def number(form: Form, name: str) -> int | None:
    """Return a whole number of a form; None if it is none."""
    text = form.get(name, [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


def of_jids(jids: Iterable[str]) -> str:
    """Return the filter that selects some jobs, for the record of what was done to them; "" for none."""
    named = [printable(jid) for jid in jids if jid]
    return words.written("jid", ",".join(named)) if named else ""


def recorded(
    request: Request,
    verb: str,
    where: str,
    *,
    count: int,
    of: str = "jobs",
    filter: str = "",  # noqa: A002
    dry_run: bool = False,
) -> None:
    """Tell what was done, by which user, and to how many jobs, or queues or processes."""
    record = record_of(request, verb, where, of=of, filter=filter)
    tell(visit_of(request).site, {**record, "count": count, "dry_run": dry_run})


def record_of(
    request: Request,
    verb: str,
    where: str,
    *,
    of: str = "jobs",
    filter: str = "",  # noqa: A002
) -> dict[str, Any]:
    """Return the record of what is about to be done; `tell` takes it with the `count`."""
    return {
        "who": visit_of(request).access.who,
        "verb": verb,
        "where": where,
        "filter": filter,
        "of": of,
        "dry_run": False,
        "ip": request.client.host if request.client else "",
    }


def tell(site: Site, record: Mapping[str, Any]) -> None:
    """Log a record, and give it to the listeners. The line says, too, whether anything was done."""
    state = "only counted" if record["dry_run"] else record.get("ending", "")
    audit_logger.info(
        "%s %s in %s: %s %s%s%s",
        record["who"] or "someone",
        record["verb"],
        record["where"],
        "some" if record["count"] is None else record["count"],
        record["of"],
        f" that match {record['filter']!r}" if record["filter"] else "",
        f" ({state})" if state else "",
        extra={"teep": dict(record)},
    )
    fire(site.config, "audit", dict(record))
