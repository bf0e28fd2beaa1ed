"""What can be done to things of a list: to some, or to all that match."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from teep.errors import NotMoved, TeepError

TYPED = 1_000
"""Above so many the count is typed to confirm, as on the web page."""

Progress = Callable[[int, int], None]


class Verb(NamedTuple):
    """A verb for the things of a tab.

    `some` does it to things, with what was `prompt`ed for, and returns to how many; `every` does it to a selection.
    `key` is "" for one that only the menu has. `fits` tells whether a thing can have it done; `note` is what one
    should know before.
    """

    key: str
    name: str
    done: str
    some: Callable[[Sequence[Any], str], Awaitable[int]]
    every: Callable[[Any, Progress, str], Awaitable[int]] | None = None
    note: str = ""
    prompt: str = ""
    given: str = ""
    """What is offered as the answer to the prompt."""
    is_asked: bool = True
    """Whether one is asked before."""
    fits: Callable[[Any], bool] = lambda _: True
    weigh: Callable[[Sequence[Any]], int] = len
    """How much things are, for the question: what has very much is confirmed by typing the number."""
    unit: str = ""
    """What is weighed, if not the things themselves."""
    counts: bool = True
    """Whether what `some` returns counts the things."""


class _StoppedError(Exception):
    """Ends a verb between two slices of its walk: someone stopped it."""


class Doing:
    """A verb under way."""

    def __init__(self, name: str, done: str, wanted: int = 0) -> None:
        self.name = name
        self.is_stopped = False
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

    def progressed(self, looked_at: int, out_of: int) -> None:
        """Note how far it has come; ends it if someone has stopped it."""
        self._looked_at, self._out_of = looked_at, out_of
        if self.is_stopped:
            raise _StoppedError

    async def run(self, work: Awaitable[int]) -> int | None:
        """Carry it out; returns to how many it was done, None if it did not come to its end. `said` tells."""
        try:
            done = await work
        except _StoppedError:
            self.said = f"{self.name}: stopped after {self._looked_at:,} of {self._out_of:,} were looked at"
        except NotMoved as error:
            self.said = f"{self.name}: {error.moved:,} {self._done}; {error}"
        except TeepError as error:
            self.said = f"{self.name}: {error}"
        else:
            left = self._wanted - done
            self.said = f"{done:,} {self._done}" + (f", {left:,} were not there any more" if left > 0 else "")
            return done
        return None


async def each(things: Sequence[Any], one: Callable[[Any], Awaitable[Any]]) -> int:
    """Do something to one thing after the other; returns how many it was done to (what returns False counts not)."""
    return sum([await one(thing) is not False for thing in things])
