"""Limits: how much of each is used and who waits; paused, changed and reset here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from teep.api.jobs.selection.words import seconds
from teep.api.limits import AsyncLimiter, AsyncLimiterSet
from teep.errors import InvalidValue
from teep.top.lists.rows import Column, Line, Listing, Row
from teep.top.lists.text import number, plain, relative, span, stamp
from teep.top.lists.verbs import Progress, Verb, each, each_of
from teep.top.lists.views import Tab, View
from teep.top.tabs.tab import facts, paged

_DIGITS = 15
"""Digits of a limit: a script's numbers are exact up to here."""


class Limits(Tab):
    name, title = "limits", "Limits"
    nouns = ("limit", "limits")
    empty = "No limit was used lately."
    columns = (
        Column("limit"), Column("kind", 10), Column("used", 16, right=True), Column("waiting", 9, right=True),
        Column("state", 18), Column("free", 10, 1),
    )  # fmt: skip

    async def is_used(self) -> bool:
        return bool(await AsyncLimiterSet(config=self.config).size())

    async def read(self, view: View) -> Listing:
        limiters = await AsyncLimiterSet(config=self.config).recent()
        rows = sorted(map(_row, limiters), key=lambda row: (-row.thing.read.waiting, row.key))
        return paged(rows, view, "limits that were used lately")

    def verbs(self, view: View) -> Sequence[Verb]:
        row = view.row
        is_paused = row is not None and not view.chosen and row.thing.read.paused_until is not None
        return RESUME if is_paused else PAUSE, CHANGE, RESET

    async def detail(self, row: Row, view: View) -> list[Line]:  # noqa: ARG002 - as of every tab
        limiter: AsyncLimiter = row.thing
        usage = limiter.read
        pairs = [
            ("kind", plain(limiter.kind)),
            ("interval", span(limiter.interval) if limiter.interval else ""),
            ("used", row.cells[2]),
            ("in code", number(usage.declared) if usage.declared != usage.limit else ""),
            ("waiting", number(usage.waiting)),
            ("free", stamp(usage.free_at) or "now"),
            ("paused until", stamp(usage.paused_until)),
            ("granted", number(usage.granted)),
            ("over limit", number(usage.over)),
            ("had to wait", number(usage.waited)),
            ("reclaimed", number(usage.reclaimed)),
        ]
        return [Line(plain(limiter.name), "title"), *facts(pairs)]


def _row(limiter: AsyncLimiter) -> Row:
    usage = limiter.read
    is_full = usage.used >= usage.limit
    state = "paused" if usage.paused_until is not None else "full" if is_full else ""
    free = relative(usage.free_at) if usage.free_at is not None and usage.free_at > datetime.now(UTC) else "now"
    cells = (
        plain(limiter.name), plain(limiter.kind), f"{usage.used:,} of {usage.limit:,}", number(usage.waiting), state,
        free,
    )  # fmt: skip
    return Row(limiter.name, cells, limiter, "warn" if state else "")


async def _pause(limiters: Sequence[AsyncLimiter], told: Progress, text: str) -> int:
    span = seconds(text)
    return await each(limiters, lambda limiter: limiter.pause(span), told)


async def _set(limiters: Sequence[AsyncLimiter], told: Progress, text: str) -> int:
    if text and not (text.isdecimal() and len(text) <= _DIGITS):
        raise InvalidValue(f"a limit is a whole number of up to {_DIGITS} digits, not {text!r:.40}")
    limit: Any = int(text) if text else None
    return await each(limiters, lambda limiter: limiter.set_limit(limit), told)


RESUME = Verb("p", "resume", ("lets jobs through again", "let jobs through again"), each_of("resume"), is_asked=False)
PAUSE = Verb(
    "p", "pause", ("lets nothing through", "let nothing through"), _pause,
    asks="Pause {what} for {text}", prompt="for how long?", given="60s",
)  # fmt: skip
CHANGE = Verb(
    "", "set another limit", ("is changed", "are changed"), _set,
    asks="Set another limit for {what}", prompt="to how many? (nothing: that of the code)",
)  # fmt: skip
RESET = Verb(
    "", "reset", ("is reset", "are reset"), each_of("reset"),
    note="What is used is forgotten, and so are all counts.",
)  # fmt: skip
