"""Whether this process leads the fleet, as far as it knows."""

from abc import abstractmethod

from teep.clock import monotonic
from teep.runtime.service import OnError, Service

# Seconds until a process that does not lead looks again whether it does.
_LOOK = 0.5


class Leadership:
    """What a process believes of its leadership. Reading it takes no lock and asks Redis nothing.

    The belief ends when the lease does, so a process that was frozen does not take itself for the leader. It may be
    wrong all the same: what must happen once compares the lease with the identity in the script that does it.
    """

    def __init__(self) -> None:
        self.term = 0
        """The number of its last term: how often any process had become the leader by then."""
        self._until = 0.0

    @property
    def leads(self) -> bool:
        """Whether this process leads."""
        return monotonic() < self._until

    def renew(self, term: int, until: float) -> None:
        """Lead until then (monotonic seconds), or until the lease is renewed."""
        self.term, self._until = term, until

    def end(self) -> None:
        """Lead no more."""
        self._until = 0.0


class LeaderService(Service):
    """A service that takes its turns only while its process leads.

    It is made when the process first leads, by a factory in `hooks.leader_services`, and lives on as long as that.
    """

    def __init__(self, name: str, on_error: OnError, leadership: Leadership) -> None:
        super().__init__(name, on_error)
        self.leadership = leadership

    @abstractmethod
    def run_once(self) -> None:
        """Take one turn as the leader."""

    def turn(self) -> float:
        """Take a turn, and return the seconds until the next; if the process does not lead, only look again soon."""
        return super().turn() if self.leadership.leads else _LOOK
