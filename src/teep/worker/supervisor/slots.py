"""The places of children: one that is kept filled, and all of them, with the children that have left theirs."""

import signal
from collections.abc import Iterator

from teep.worker.supervisor.child import Child

# A child that lived that long (seconds) was no part of a crash loop.
_SOUND = 30.0
_LONGEST = 30.0


class Backoff:
    """The wait before the next start: none, then 1 s, 2 s, 4 s … up to half a minute."""

    def __init__(self) -> None:
        self.until = 0.0
        self._ends = 0

    def ended(self, lived: float, now: float) -> float:
        """Note that a child has ended or is to be replaced; returns the seconds until the next may start."""
        self._ends = 1 if lived >= _SOUND else self._ends + 1
        pause = 0.0 if self._ends == 1 else min(_LONGEST, 2.0 ** (self._ends - 2))
        self.until = now + pause
        return pause


class Slot:
    """A place that a supervisor keeps filled: the child that serves there, and the one that is starting."""

    def __init__(self) -> None:
        self.serving: Child | None = None
        self.coming: Child | None = None
        self.outdated = ""  # why the serving one is to be replaced
        self.backoff = Backoff()

    def needs_child(self, now: float) -> bool:
        """Whether a child should be started, at once or as the successor of the serving one."""
        wanted = self.serving is None or bool(self.outdated)
        return wanted and self.coming is None and now >= self.backoff.until

    @property
    def is_replacing(self) -> bool:
        """Whether a successor is starting while the other still serves."""
        return self.serving is not None and self.coming is not None

    def take_over(self) -> Child | None:
        """Let the successor serve, since it is up; returns the child that it replaces."""
        replaced, self.serving, self.coming, self.outdated = self.serving, self.coming, None, ""
        return replaced

    def give_up_successor(self) -> Child:
        """End the successor, which is not up yet; the serving child goes on."""
        if self.coming is None:
            raise ValueError("no successor is coming")
        given_up, self.coming = self.coming, None
        given_up.send_signal(signal.SIGTERM)
        return given_up

    def vacate(self, child: Child) -> bool:
        """Note that a child has ended; True if it had its place here."""
        if child is self.coming:
            self.coming = None
        elif child is self.serving:
            self.serving, self.outdated = None, ""
        else:
            return False
        return True


class Children:
    """All children of a supervisor: those in a slot, and those that finish their jobs and end.

    It iterates over a copy.
    """

    def __init__(self, count: int) -> None:
        self.slots = [Slot() for _ in range(count)]
        self.leaving: list[Child] = []

    def __iter__(self) -> Iterator[Child]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())

    def all(self) -> list[Child]:
        """Return all of them."""
        return [*self.serving(), *self.coming(), *self.leaving]

    def serving(self) -> list[Child]:
        """Return those that take jobs."""
        return [slot.serving for slot in self.slots if slot.serving is not None]

    def coming(self) -> list[Child]:
        """Return those that are starting."""
        return [slot.coming for slot in self.slots if slot.coming is not None]

    def slot_of(self, child: Child) -> Slot | None:
        """Return a child's slot; None if it is leaving."""
        return next((slot for slot in self.slots if child in (slot.serving, slot.coming)), None)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to all that are up."""
        for child in self:
            if child.is_up:
                child.send_signal(number)

    def drain(self, child: Child) -> None:
        """Let a child finish its jobs and end. One that is not up yet has no jobs, and the signal simply ends it."""
        self.leaving.append(child)
        child.send_signal(signal.SIGUSR2)

    def give_up_successors(self) -> None:
        """End those that are to replace a child which still serves."""
        self.leaving += [slot.give_up_successor() for slot in self.slots if slot.is_replacing]


def in_words(count: int) -> str:
    """Return a number of workers in words."""
    return "1 worker" if count == 1 else f"{count} workers"
