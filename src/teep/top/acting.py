"""From a verb's key to its end: what it is asked for, the question, the work beside the screen, and what is told."""

from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple

from teep.top.dialogs.ask import Ask
from teep.top.dialogs.sure import Sure
from teep.top.lists.rows import Row
from teep.top.lists.text import plain
from teep.top.lists.verbs import TYPED, Doing, Verb
from teep.top.lists.views import View
from teep.top.shell import Shell

_NAMED = 3
"""Rows that a question names."""


class Asked(NamedTuple):
    """What is to be done, to which things, as they were when the key was pressed; or to all that match."""

    verb: Verb
    view: View
    rows: Sequence[Row]
    total: int
    is_all: bool

    @property
    def things(self) -> list[Any]:
        """What the rows are of."""
        return [row.thing for row in self.rows]

    @property
    def weight(self) -> int:
        """How much it is about."""
        return self.total if self.is_all else self.verb.weigh(self.things)


def asked_of(verb: Verb, view: View) -> Asked | str:
    """Return what a verb's key asks for now, or a sentence on why that cannot be."""
    if view.all_of is not None:
        if verb.every is None:
            return f"{verb.name} is not there for all that match; select rows with x or A"
        return Asked(verb, view, (), view.all_of, is_all=True)
    rows = view.targets
    if not rows:
        return f"there is nothing to {verb.name}"
    if len(rows) == 1 and view.is_gone(rows[0]):
        return f"this {view.tab.named(view)[0]} is not there any more"
    fit = [row for row in rows if verb.fits(row.thing)]
    if not fit:
        return f"{verb.name} is not possible here"
    return Asked(verb, view, fit, len(fit), is_all=False)


def question(asked: Asked) -> Sure:
    """Return the question before it is done."""
    verb, view = asked.verb, asked.view
    one, several = view.tab.named(view)
    what = f"{asked.total:,} {one if asked.total == 1 else several}"
    if asked.is_all:
        match = f" that match {view.filter.text}" if view.filter.text else f" of {view.tab.path}"
        title, why = f"{verb.name.capitalize()} all {what}{match}?", []
    else:
        title, why = f"{verb.name.capitalize()} {what}?", [_named(row) for row in asked.rows[:_NAMED]]
        if len(asked.rows) > _NAMED:
            why.append(f"and {len(asked.rows) - _NAMED:,} more")
    if verb.unit:
        why.append(f"{asked.weight:,} {verb.unit}.")
    if verb.note:
        why.append(verb.note)
    return Sure(title, why, typed=asked.weight if asked.weight > TYPED else None)


class Acting:
    """Carries verbs out for the app, one at a time."""

    def __init__(self, app: Shell) -> None:
        self._app = app

    def begin(self, verb: Verb) -> None:
        """Do what it takes before a verb is carried out: ask for what it needs, and whether one is sure."""
        if self._app.doing is not None:
            self._app.tell("one thing at a time: Esc stops what is under way")
            return
        asked = asked_of(verb, self._app.view)
        if isinstance(asked, str):
            self._app.tell(asked)
        elif verb.prompt:
            self._app.ask(Ask(f"{verb.prompt} ", verb.given), lambda text: self._answered(asked, text))
        else:
            self._confirm(asked, "")

    def count(self) -> None:
        """Choose all that match, and count them."""
        view = self._app.view
        if view.whole is not None:
            view.tick_whole()
            self._app.repaint()
        elif self._app.doing is None:
            self._app.run_worker(self._count(view), exit_on_error=True)

    def _answered(self, asked: Asked, text: str | None) -> None:
        if text is not None and (text.strip() or not asked.verb.given):
            self._confirm(asked, text.strip())

    def _confirm(self, asked: Asked, text: str) -> None:
        if not asked.verb.is_asked:
            self._start(asked, text)
            return
        self._app.ask(question(asked), lambda is_sure: self._start(asked, text) if is_sure else None)

    def _start(self, asked: Asked, text: str) -> None:
        self._app.run_worker(self._carry_out(asked, text), exit_on_error=True)

    async def _carry_out(self, asked: Asked, text: str) -> None:
        verb, view = asked.verb, asked.view
        doing = Doing(verb.name, verb.done, asked.total if verb.counts else 0)
        await self._run(doing, _work(asked, doing, text))
        view.acted()
        self._app.tell(doing.said)
        self._app.refresh_soon()

    async def _count(self, view: View) -> None:
        doing, asked = Doing("count", "match"), view.asked
        total = await self._run(doing, view.tab.count(view, doing.progressed))
        if total is not None and view.asked == asked:
            view.forget()
            view.all_of = total
        self._app.tell(f"all {total:,} are selected" if total is not None else doing.said)

    async def _run(self, doing: Doing, work: Awaitable[int]) -> int | None:
        self._app.doing = doing
        self._app.repaint()
        try:
            return await doing.run(work)
        finally:
            self._app.doing = None


def _work(asked: Asked, doing: Doing, text: str) -> Awaitable[int]:
    if asked.is_all and asked.verb.every is not None:
        return asked.verb.every(asked.view.tab.selection(asked.view), doing.progressed, text)
    return asked.verb.some(asked.things, text)


def _named(row: Row) -> str:
    return plain("  ".join(cell for cell in row.cells if cell), 200)
