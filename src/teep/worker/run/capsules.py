"""The capsules of one worker, which start, quiet and stop together."""

from collections.abc import Mapping
from typing import Self

from teep.clock import monotonic
from teep.config import CapsuleConfig
from teep.runtime.component import Component
from teep.worker.run.capsule import LAST_MOMENT, Capsule
from teep.worker.run.processor import Shared
from teep.worker.signals import Presses


class Capsules(tuple[Capsule, ...]):
    """All capsules of a worker; none before it has started."""

    __slots__ = ()

    @classmethod
    def of(cls, component: Component, configs: Mapping[str, CapsuleConfig], shared: Shared) -> Self:
        """Return the capsules of a worker that starts, by their configurations."""
        return cls(Capsule(component, name, own, shared) for name, own in configs.items())

    @property
    def are_quiet(self) -> bool:
        """Whether none of them takes jobs any more."""
        return all(capsule.fetcher.quiet.is_set() for capsule in self)

    @property
    def are_busy(self) -> bool:
        """Whether any of them runs a job."""
        return any(capsule.busy for capsule in self)

    @property
    def settled(self) -> int:
        """How many ended jobs they have reported to Redis."""
        return sum(capsule.fetcher.settled for capsule in self)

    def start(self) -> None:
        """Begin to take jobs."""
        for capsule in self:
            capsule.start()

    def quiet(self) -> None:
        """Take no more jobs. Running ones go on."""
        for capsule in self:
            capsule.quiet()

    def cancel(self, jid: str) -> None:
        """Cancel the job, whichever of them runs it or will."""
        for capsule in self:
            capsule.cancel(jid)

    def stop(self, deadline: float, presses: Presses) -> bool:
        """Stop until the deadline (monotonic seconds), at once if `presses` say so; True if every job ended."""
        # One after the other: all have the same deadline, and Python starts no thread at a process's end.
        for capsule in self:
            capsule.stop(deadline, presses)
        last = monotonic() + LAST_MOMENT
        ended = [capsule.join(last, presses) for capsule in self]  # each is waited for, whatever the others did
        return all(ended)

    def disown(self) -> None:
        """Let go of them, in a fork."""
        for capsule in self:
            capsule.disown()
