"""The life of one job: how it was pushed, and all of its runs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.causes import Causes
from tests.chaos.journal import Run
from tests.chaos.kinds import ATTEMPTS, FAILURES, Fate
from tests.chaos.pushed import Pushed

# A job that was rescued so often waits in the scheduled set for another one, and so comes into its queue anew.
_LAST_CHANCE = 2


@dataclass(frozen=True)
class Range:
    """How often something was counted: once for each thing that is certain, perhaps for each that is open."""

    least: int = 0
    most: int = 0

    def __add__(self, other: "Range") -> "Range":
        return Range(self.least + other.least, self.most + other.most)

    def __contains__(self, count: int) -> bool:
        return self.least <= count <= self.most

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"

    @classmethod
    def of(cls, count: int, *, is_open: bool = False) -> "Range":
        return cls(0 if is_open else count, count)


@dataclass(frozen=True)
class Life:
    """A job and its runs, by their start. `poisoned`: it died of its rescues, whatever it had come to by then."""

    number: int
    job: Pushed
    runs: Sequence[Run]
    poisoned: bool

    def rounds(self) -> list[list[Run]]:
        """Return the runs by what was to be settled once: an attempt, or a part of one of an iterable job."""
        grouped: defaultdict[tuple[int, str], list[Run]] = defaultdict(list)
        for run in self.runs:
            grouped[run.attempt, run.turn if self.job.items else ""].append(run)
        return list(grouped.values())

    @property
    def attempt(self) -> int:
        """The last attempt that it came to."""
        return max((run.attempt for run in self.runs), default=0)

    @property
    def came_to_its_end(self) -> bool:
        """Whether a run of its last attempt ended as it should."""
        wanted = "failed" if self.job.fate is Fate.DIES else "done"
        return any(run.outcome == wanted and run.attempt == ATTEMPTS[self.job.fate] for run in self.runs) or (
            self.passed_its_failure
        )

    @property
    def passed_its_failure(self) -> bool:
        """Whether a job that was to fail once was done at its first attempt: an iterable one, of which a failover has
        forgotten the failure and not the place behind it.
        """
        early = [run for run in self.runs if run.outcome == "done" and run.attempt < ATTEMPTS[self.job.fate]]
        return bool(self.job.items and early)

    @property
    def was_late(self) -> bool:
        """Whether it was found to be too late at its last attempt. Where that was not settled, it may have run again,
        and the other way round.
        """
        return any(run.outcome == "expired" and run.attempt == self.attempt for run in self.runs)

    @property
    def was_skipped(self) -> bool:
        """Whether its last attempt was left out, as its batch was invalid."""
        return any(run.outcome == "skipped" and run.attempt == self.attempt for run in self.runs)

    @property
    def was_dropped(self) -> bool:
        """Whether its last attempt was settled without a run."""
        return self.was_late or self.was_skipped

    @property
    def is_complete(self) -> bool:
        return self.poisoned or self.came_to_its_end or self.was_dropped

    @property
    def end(self) -> float | None:
        """The first moment at which it may have been over, so far as its own runs tell."""
        last = [
            run.end
            for run in self.runs
            if run.attempt == self.attempt and run.outcome in ("done", "failed", "expired", "skipped")
        ]
        return min((end for end in last if end is not None), default=None)

    def processed(self, causes: Causes) -> Range:
        """Return how often it counted as processed."""
        attempts = ATTEMPTS[self.job.fate] if self.came_to_its_end or not self.was_dropped else self.attempt
        # That it died of its rescues may count, too.
        whole = Range.of(attempts, is_open=self.poisoned) + Range(-self.passed_its_failure, self.poisoned)
        return whole + Range(-self._taken_back(causes), 0) + self._put_back(causes)

    def failed(self, causes: Causes) -> Range:
        """Return how often it counted as failed."""
        if self.was_dropped:
            before = self.attempt - 1
            return Range(before, FAILURES[self.job.fate] if self.came_to_its_end else before) + Range(
                0, self.poisoned
            )
        is_open = self.poisoned or self.passed_its_failure
        whole = Range.of(FAILURES[self.job.fate], is_open=is_open) + Range(0, self.poisoned)
        return whole + Range(-self._taken_back(causes), 0)

    def expired(self, causes: Causes) -> Range:
        """Return how often it counted as expired."""
        count = int(self.was_late or self._taken_back(causes) > 0)
        return Range.of(count, is_open=self.came_to_its_end or self.poisoned)

    def _taken_back(self, causes: Causes) -> int:
        """Return how many attempts a failover has forgotten, so that the job was too late at an earlier one."""
        last = [run.start for run in self.runs if run.attempt == self.attempt]
        late = [
            self.attempt - run.attempt
            for run in self.runs
            if run.outcome == "expired" and any(causes.failed_over(at, run.start) for at in last if at < run.start)
        ]
        return max(late, default=0)

    def _put_back(self, causes: Causes) -> Range:
        """Return how often it was interrupted and put back, which shows in its coming into its queue anew."""
        count = Range()
        rounds = self.rounds() if self.job.items else []
        for before, after in pairwise(rounds):
            if before[0].attempt == after[0].attempt and any(run.outcome == "interrupted" for run in before):
                is_open = after[0].rescues >= _LAST_CHANCE or causes.failed_over(before[0].start, after[0].start)
                count += Range.of(1, is_open=is_open or self.poisoned)
        if self.poisoned and self.runs and self.runs[-1].outcome == "interrupted":
            count += Range(0, 1)
        return count
