"""Why a run was repeated, as far as the journal and the timeline tell.

Of the runs of one attempt one was settled. Each other one has a cause, or nothing explains the repeat.
"""

import re
from collections.abc import Sequence

from tests.chaos.journal import Remark, Run
from tests.chaos.timeline import Timeline
from tests.chaos.worker import EXPIRY

KILLED = "killed while it ran"
KILLED_UNACKNOWLEDGED = "killed before its acknowledgement"
STOPPED = "put back by a stop"
STOPPED_UNACKNOWLEDGED = "stopped before Redis could be told"
GIVEN_UP = "given up while it lived"
FAILOVER = "forgotten by a failover"

# Seconds that an acknowledgement may take while Redis answers: a tick, on a machine that is busy.
_ACKNOWLEDGED_WITHIN = 2.0
# A process is rescued some time after the moment from which on it did nothing, and finds out some time later.
_BEFORE_RESCUE, _AFTER_RESCUE = 15.0, 5.0
# Seconds for which a replica may lag behind, and a client may go on with a primary that is none.
_FAILOVER_SLACK = 2.0
_RESCUED = re.compile(r"rescued \d+ jobs of [^ ]*:(\d+):[0-9a-f]+,")

_UNSAVED = re.compile(r"job ([0-9a-f]+) goes on without a checkpoint")
_KEPT_LOCK = "a unique job starts with its lock"


class Causes:
    """Explains repeats of one scenario."""

    def __init__(self, timeline: Timeline, remarks: Sequence[Remark]) -> None:
        self._timeline = timeline
        self._rescues: dict[int, list[float]] = {}
        self._unsaved: dict[str, list[float]] = {}
        self._kept_locks: list[float] = []
        # A process that stood still for so long was given up, though its rescuer may have died unheard.
        for pid, spans in timeline.frozen.items():
            self._rescues[pid] = [span.end for span in spans if span.end - span.begin >= EXPIRY]
        for remark in remarks:
            if (found := _UNSAVED.search(remark.text)) is not None:
                self._unsaved.setdefault(found[1], []).append(remark.at)
            if _KEPT_LOCK in remark.text:
                self._kept_locks.append(remark.at)
            if (found := _RESCUED.search(remark.text)) is not None:
                pid = int(found[1])
                if remark.at < timeline.killed.get(pid, float("inf")):
                    self._rescues.setdefault(pid, []).append(remark.at)

    def of(self, runs: Sequence[Run]) -> tuple[list[str], int]:
        """Return the causes of the repeats among the runs of one attempt, and how many have none."""
        repeats = len(runs) - 1
        found = [cause for run in runs if (cause := self.why(run)) is not None][:repeats]
        return found, repeats - len(found)

    def why(self, run: Run) -> str | None:
        """Return why a run may not have been settled, or None if nothing explains that."""
        # A failover comes last: around one everything else happens, too.
        return (
            self._killed(run)
            or self._stopped(run)
            or (GIVEN_UP if self.given_up(run) else None)
            or self._failover(run)
        )

    def _killed(self, run: Run) -> str | None:
        moment = self._timeline.killed.get(run.pid)
        if moment is None:
            return None
        if run.end is None:
            return KILLED
        return KILLED_UNACKNOWLEDGED if self.answered(run.end, moment) < _ACKNOWLEDGED_WITHIN else None

    def _stopped(self, run: Run) -> str | None:
        stop = self._timeline.stopped.get(run.pid)
        if stop is None:
            return None
        if run.end is None or run.outcome == "cut" or run.end >= stop.end:
            return STOPPED
        return STOPPED_UNACKNOWLEDGED if self.answered(run.end, stop.end) < _ACKNOWLEDGED_WITHIN else None

    def given_up(self, run: Run) -> bool:
        """Tell whether its jobs were given to others while its process lived."""
        return any(
            run.start <= moment + _AFTER_RESCUE and run.last >= moment - _BEFORE_RESCUE
            for moment in self._rescues.get(run.pid, ())
        )

    def keeps_its_place(self, run: Run) -> bool:
        """Tell whether nothing may have taken its place at a limit from it while it ran."""
        stood_still = any(
            span.begin <= self.gone(run) and span.end >= run.start for span in self._timeline.frozen.get(run.pid, ())
        )
        return not (stood_still or self.given_up(run) or self.failed_over(run.start, self.gone(run)))

    def _failover(self, run: Run) -> str | None:
        return FAILOVER if self.failed_over(run.start, run.end or float("inf")) else None

    def failed_over(self, begin: float, end: float) -> bool:
        """Tell whether a failover may have made Redis forget something between two moments."""
        return any(
            begin <= span.end + _FAILOVER_SLACK and end >= span.begin - _FAILOVER_SLACK
            for span in self._timeline.failovers
        )

    def refused(self, begin: float, end: float) -> bool:
        """Tell whether Redis refused something between two moments."""
        return any(begin <= span.end and end >= span.begin for span in self._timeline.refused)

    def unsaved(self, jid: str, begin: float, end: float) -> bool:
        """Tell whether a checkpoint of this job failed between two moments."""
        return any(begin <= at <= end for at in self._unsaved.get(jid, ()))

    def kept_lock(self, at: float) -> bool:
        """Tell whether a unique job that started then may not have been able to give back its lock."""
        return any(at - 5.0 <= moment <= at + 1.0 for moment in self._kept_locks)

    def jump(self, pid: int) -> float:
        """Return by how many seconds the clock of a worker jumps."""
        return self._timeline.jumps.get(pid, 0.0)

    def awake(self, pid: int, begin: float, end: float) -> float:
        """Return for how many seconds between two moments a worker was not frozen and the server answered."""
        frozen = sum(
            max(0.0, min(end, span.end) - max(begin, span.begin)) for span in self._timeline.frozen.get(pid, ())
        )
        return self.answered(begin, end) - frozen

    def gone(self, run: Run) -> float:
        """Return when a run was over at the latest, though nobody may have known then."""
        return max(run.last, self._timeline.killed.get(run.pid, 0.0) if run.end is None else 0.0)

    def answered(self, begin: float, end: float) -> float:
        """Return for how many seconds between two moments the server answered, and everyone knew that it does."""
        return (
            end
            - begin
            - sum(
                max(0.0, min(end, span.end + slack) - max(begin, span.begin))
                for spans, slack in (
                    (self._timeline.away, 2.0),
                    (self._timeline.refused, 4.0),
                    (self._timeline.failovers, _FAILOVER_SLACK),
                )
                for span in spans
            )
        )
