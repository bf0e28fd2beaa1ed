"""A child's place among its siblings."""

import signal

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
