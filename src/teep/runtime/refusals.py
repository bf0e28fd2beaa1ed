"""Single commands that Redis refuses: each is logged once, and tried again at growing intervals."""

from collections.abc import Iterable

from teep.clock import monotonic

_FIRST_PAUSE = 0.5
# Seconds after which a reason that did not come up again counts as new.
_FORGOTTEN = 60.0


class Refusals:
    """The reasons of refusals since the last success. Not thread-safe.

    `pause` is how long (seconds) to wait before the next try; 0 if nothing is refused.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._reasons: dict[str, float] = {}
        self._until = 0.0
        self.pause = 0.0

    def note(self, reasons: Iterable[str]) -> list[str]:
        """Note that a try was refused; returns the reasons that are new.

        The part after a semicolon, such as a number of jobs, does not count in the comparison.
        """
        now = monotonic()
        noted = {reason.partition(";")[0]: reason for reason in reasons}
        new = [reason for what, reason in noted.items() if now - self._reasons.get(what, -_FORGOTTEN) >= _FORGOTTEN]
        self._reasons |= dict.fromkeys(noted, now)
        if now >= self._until:
            self.pause = min(self.pause * 2 or _FIRST_PAUSE, self._longest)
            self._until = now + self.pause
        return new

    def over(self) -> None:
        """Note that nothing is refused any more."""
        self._reasons.clear()
        self.pause = self._until = 0.0

    @property
    def waits(self) -> bool:
        """Whether it is too early for the next try."""
        return monotonic() < self._until
