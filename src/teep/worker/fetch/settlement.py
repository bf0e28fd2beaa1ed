"""What Redis answers about the ends of jobs: settled, too late, buried in the dead set instead, or refused.

An end that Redis refuses is kept, and its job stays in flight. One of those kept is sent again at growing intervals;
once Redis has taken it, so are all others.
"""

from collections import deque
from collections.abc import Callable, Iterable

from teep.errors import RedisCommandError
from teep.runtime.notices import Died
from teep.runtime.refusals import Refusals
from teep.store.running.inflight import Buried
from teep.store.running.outcome import Outcome
from teep.telling import Logger
from teep.wire.scripts.step import DONE, Told
from teep.worker.fetch.ends import Ended, Ends, drain
from teep.worker.fetch.mirror import InFlightMirror
from teep.worker.fetch.unit import UnitOfWork

logger = Logger("teep.fetcher")

LONGEST_PAUSE = 15.0
"""The most seconds between two tries of a command that Redis refuses."""

Warn = Callable[[Iterable[str], UnitOfWork], None]


class Settlement:
    """What became of the ends that Redis was told of. Not thread-safe: the fetcher's lock guards it.

    `warn` logs why Redis refused something beside the end of a job.
    """

    def __init__(self, ends: Ends, mirror: InFlightMirror, warn: Warn) -> None:
        self._ends = ends
        self._mirror = mirror
        self._warn = warn
        self._refused: deque[Ended] = deque()
        self._probe: UnitOfWork | None = None  # the job of one of them, which is sent again
        self._refusals = Refusals(LONGEST_PAUSE)
        self.settled = 0
        """How many ended jobs have been reported to Redis."""
        self.buried: deque[Died] = deque()
        """Jobs that came to the dead set instead of elsewhere, and that death handlers are still to hear of."""

    @property
    def late(self) -> int:
        """How many outcomes came too late: another worker already had the job."""
        return self._mirror.late

    def acknowledged(self, jobs: list[UnitOfWork], late: Iterable[bytes]) -> None:
        """Note jobs that an exchange acknowledged, and those of them that were no longer in flight."""
        self.settled += len(jobs)
        self._mirror.disown(jobs)
        for raw in late:
            self._mirror.note_late(raw)

    def note(self, ended: list[Ended], told: list[Told]) -> bool:
        """Note what Redis answered about ends that took a step each; tells whether the dead set may have grown."""
        done = [job for (job, _), what in zip(ended, told, strict=True) if what is DONE and job is not self._probe]
        self.settled += len(done)
        self._mirror.disown(done)
        for (job, outcome), what in zip(ended, told, strict=True) if len(done) < len(ended) else ():
            if what.refused:
                self._keep(job, outcome, what.refused)
            elif what is not DONE or job is self._probe:
                self._note_told(job, what)
        died = bool(self.buried) or any(outcome.end == "dead" for _, outcome in ended)
        ended.clear()  # they have been sent: if the rest fails, they must not be sent again
        return died

    def due(self) -> list[Ended]:
        """Return the refused end that is to be sent again now, if any is."""
        if not self._refused or self._refusals.waits:
            return []
        end = self._refused.popleft()
        self._probe = end[0]
        return [end]

    def take_refused(self) -> list[Ended]:
        """Return all refused ends, to send them a last time."""
        return drain(self._refused)

    def clear(self) -> None:
        """Forget the refused ends: their jobs are no longer in flight."""
        self._refused.clear()

    def drop(self, is_gone: Callable[[UnitOfWork], bool]) -> None:
        """Forget the refused ends of jobs that are no longer ours."""
        self._refused = deque(end for end in self._refused if not is_gone(end[0]))

    def _note_told(self, job: UnitOfWork, what: Told) -> None:
        self.settled += 1
        self._mirror.disown((job,))
        if not what.done:
            self._mirror.note_late(job.raw)
        if what.beside:
            self._warn([what.beside], job)
        if isinstance(what, Buried):
            self.buried.append(Died(job.stored(), RedisCommandError(what.beside)))
        if job is self._probe:
            self._ends.add_others(drain(self._refused))
            self._refusals.over()

    def _keep(self, job: UnitOfWork, outcome: Outcome, why: str) -> None:
        """Keep an outcome that Redis refused for a later exchange."""
        self._refused.append((job, outcome))
        for reason in self._refusals.note([why]):
            logger.error(
                "Redis refuses the end of a job: %s; the job stays in flight until Redis takes it: rename or remove"
                " the key if it is of another type, give this user the right if that is missing",
                reason,
                extra=job.named(),
            )
