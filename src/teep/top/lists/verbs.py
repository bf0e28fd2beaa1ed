"""What can be done to things of a list: to some, or to all that match."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from teep.api.jobs.selection.sweep import Progress
from teep.errors import MalformedPayload, NotMoved, TeepError

__all__ = ["Doing", "Progress", "Verb", "all_of", "each", "each_of", "together"]

# What does a verb to some things, or to a selection, with what was prompted for; returns to how many it was done.
Some = Callable[[Sequence[Any], Progress, str], Awaitable[int]]
Every = Callable[[Any, Progress, str], Awaitable[int]]


class Verb(NamedTuple):
    """A verb for the things of a tab.

    `some` does it to things, `every` to a selection: each is given a listener that returns False once it is to end.
    `key` is "" for one that only the menu has. `fits` tells whether a thing can have it done; `note` is what one
    should know before.
    """

    key: str
    name: str
    done: tuple[str, str]
    """What is said of one thing that it was done to, and of several: "is dead", "are dead"."""
    some: Some
    every: Every | None = None
    note: str = ""
    asks: str = ""
    """The question, if it is not its name and the things: {what} stands for these, {text} for what was typed."""
    prompt: str = ""
    given: str = ""
    """What is offered as the answer to the prompt."""
    is_asked: bool = True
    """Whether one is asked before, also if it is seen what it is for."""
    fits: Callable[[Any], bool] = lambda _: True
    weigh: Callable[[Sequence[Any]], int] = len
    """How much things are, for the question: what has very much is confirmed by typing the number."""
    unit: tuple[str, str] | None = None
    """What is weighed, one and several, if not the things themselves."""
    counts: bool = True
    """Whether what `some` returns counts the things."""

    def question(self, what: str, text: str) -> str:
        """Return the question before it is done to some things."""
        return (self.asks or f"{self.name.capitalize()} {{what}}").format(what=what, text=text) + "?"


class Doing:
    """A verb under way."""

    def __init__(self, name: str, done: tuple[str, str], wanted: int = 0) -> None:
        self.name = name
        self.is_stopped = False
        """Whether someone wants it to end."""
        self.is_cut_short = False
        """Whether it ended before its end, since someone wanted it to."""
        self.said = ""
        """How it went, in a sentence; "" as long as it is under way."""
        self._done = done
        self._wanted = wanted
        self._looked_at, self._out_of = 0, 0

    @property
    def told(self) -> str:
        """How far it is."""
        if not self._out_of:
            return f"{self.name} …"
        return f"{self.name} … {self._looked_at:,} of {self._out_of:,} looked at; Esc stops it"

    def progressed(self, looked_at: int, out_of: int) -> bool:
        """Note how far it has come; returns False, which ends it there, if someone has stopped it."""
        if not self.is_cut_short:  # else the first to hear of it has told how far it came
            self._looked_at, self._out_of = looked_at, out_of
            self.is_cut_short = self.is_stopped and looked_at < out_of
        return not self.is_stopped

    async def run(self, work: Awaitable[int]) -> int | None:
        """Carry it out; returns to how many it was done, None if it failed. `said` tells."""
        try:
            done = await work
        except NotMoved as error:
            self.said = f"{self.name}: {self._told_of(error.moved)}; {error}"
        except TeepError as error:
            self.said = f"{self.name}: {error}"
        else:
            self.said = self._ended(done)
            return done
        return None

    def _ended(self, done: int) -> str:
        if self.is_cut_short:
            place = f"{self._looked_at:,} of {self._out_of:,}"
            return f"{self.name}: stopped after {place}; {self._told_of(done)}"
        left = self._wanted - done
        if left <= 0:
            return self._told_of(done)
        return f"{self._told_of(done)}, {left:,} {'is gone or stays' if left == 1 else 'are gone or stay'}"

    def _told_of(self, count: int) -> str:
        one, several = self._done
        return f"{count:,} {one if count == 1 else several}"


async def together(things: Sequence[Any], one: Callable[[Any], Awaitable[int]], told: Progress) -> int:
    """Do something to one thing after the other, until the listener ends it; returns the sum of what that returns."""
    done = 0
    for looked_at, thing in enumerate(things, 1):
        done += await one(thing)
        if told(looked_at, len(things)) is False:
            break
    return done


async def each(things: Sequence[Any], one: Callable[[Any], Awaitable[Any]], told: Progress) -> int:
    """Do something to one thing after the other; returns how many it was done to.

    What returns False does not count, nor do bytes that no queue takes: they are left where they are.
    """

    async def counted(thing: Any) -> int:
        try:
            return int(await one(thing) is not False)
        except MalformedPayload:
            return 0

    return await together(things, counted, told)


def each_of(method: str) -> Some:
    """Return what calls a method of one thing after the other."""
    return lambda things, told, _: each(things, lambda thing: getattr(thing, method)(), told)


def all_of(method: str) -> Every:
    """Return what calls a method of a selection."""
    return lambda selection, told, _: getattr(selection, method)(on_progress=told)
