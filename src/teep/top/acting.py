"""From a verb's key to its end: what it is asked for, the question, the work beside the screen, and what is told."""

from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, NamedTuple

from teep.api.jobs.selection.bounds import TYPED
from teep.top.dialogs.ask import Ask
from teep.top.dialogs.sure import Sure
from teep.top.lists.rows import Row
from teep.top.lists.text import plain
from teep.top.lists.verbs import Doing, Verb
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
            return f"{verb.name}: not possible for all that match; select rows with x or A"
        return Asked(verb, view, (), view.all_of, is_all=True)
    rows = view.targets
    if not rows:
        return f"there is nothing to {verb.name}"
    if len(rows) == 1 and view.is_gone(rows[0]):
        return f"this {view.tab.named(view)[0]} is not there any more"
    fit = [row for row in rows if verb.fits(row.thing)]
    if not fit:
        return f"{verb.name}: not possible here"
    return Asked(verb, view, fit, len(fit), is_all=False)


def question(asked: Asked, text: str = "") -> Sure:
    """Return the question before it is done. `text` is the answer to the verb's prompt."""
    verb, why = asked.verb, [_named(row) for row in asked.rows[:_NAMED]]
    if len(asked.rows) > _NAMED:
        why.append(f"and {len(asked.rows) - _NAMED:,} more")
    if verb.unit is not None:
        one, several = verb.unit
        why.append(f"{asked.weight:,} {one if asked.weight == 1 else several}.")
    if verb.note:
        why.append(verb.note)
    return Sure(verb.question(_what(asked), plain(text)), why, typed=asked.weight if asked.weight > TYPED else None)


def _what(asked: Asked) -> str:
    """Return what it is about, in words."""
    view, is_one = asked.view, asked.total == 1
    one, several = view.tab.named(view)
    what = f"{asked.total:,} {one if is_one else several}"
    if not asked.is_all:
        return what
    if not is_one:
        what = f"all {what}"
    if not view.filter.text:
        return f"{what} of {view.tab.path}"
    return f"{what} that {'matches' if is_one else 'match'} {view.filter.text}"


class Acting:
    """Carries verbs out for the app, one at a time."""

    def __init__(self, app: Shell) -> None:
        self._app = app

    def begin(self, verb: Verb) -> None:
        """Do what it takes before a verb is carried out: ask for what it needs, and whether one is sure."""
        if not self._is_free():
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
        elif view.tab.selection(view) is None:
            self._app.tell("not all that match can be selected here; select rows with x or A")
        elif self._is_free():
            doing = Doing("count", ("matches", "match"))
            self._run(doing, self._count(view, doing))

    def _is_free(self) -> bool:
        """Tell whether nothing else is under way; if something is, say so."""
        if self._app.doing is not None:
            self._app.tell("one thing at a time: Esc stops what is under way")
        return self._app.doing is None

    def _answered(self, asked: Asked, text: str | None) -> None:
        if text is not None and (text.strip() or not asked.verb.given):
            self._confirm(asked, text.strip())

    def _confirm(self, asked: Asked, text: str) -> None:
        # Where nobody has put the cursor, the list may have put another thing under it as the key was pressed.
        is_meant = asked.view.is_placed or bool(asked.view.chosen)
        if is_meant and not asked.verb.is_asked:
            self._start(asked, text)
            return
        self._app.ask(question(asked, text), lambda is_sure: self._start(asked, text) if is_sure else None)

    def _start(self, asked: Asked, text: str) -> None:
        if not self._is_free():  # a key that came between the answer and this has begun something
            return
        verb = asked.verb
        doing = Doing(verb.name, verb.done, asked.total if verb.counts else 0)
        self._run(doing, self._carry_out(asked, doing, text))

    def _run(self, doing: Doing, work: Coroutine[Any, Any, None]) -> None:
        """Begin something: from now on nothing else is begun, though the work itself comes later."""

        async def run() -> None:
            try:
                await work
            finally:
                self._app.doing = None
            self._app.tell(doing.said)
            self._app.refresh_soon()

        self._app.doing = doing
        self._app.repaint()
        self._app.run_worker(run(), exit_on_error=True)

    async def _carry_out(self, asked: Asked, doing: Doing, text: str) -> None:
        if await doing.run(_work(asked, doing, text)) is not None:
            # What was stopped half way stays selected: the same key goes on with it.
            asked.view.acted([] if doing.is_cut_short else [row.key for row in asked.rows])

    async def _count(self, view: View, doing: Doing) -> None:
        asked = view.asked
        total = await doing.run(view.tab.count(view, doing.progressed))
        if total is None or doing.is_cut_short:
            return
        doing.said = ""
        if view.asked == asked:  # else something else is shown now
            view.forget()
            view.all_of = total
            doing.said = "1 is selected" if total == 1 else f"all {total:,} are selected"


def _work(asked: Asked, doing: Doing, text: str) -> Awaitable[int]:
    if asked.is_all and asked.verb.every is not None:
        return asked.verb.every(asked.view.tab.selection(asked.view), doing.progressed, text)
    return asked.verb.some(asked.things, doing.progressed, text)


def _named(row: Row) -> str:
    return plain("  ".join(cell for cell in row.cells if cell), 200)
