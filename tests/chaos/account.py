"""The account: every confirmed job ran to its end, and what Redis holds and counts agrees with the journal."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos import items, lateness, limits, locks
from tests.chaos.causes import FAILOVER, STOPPED, Causes
from tests.chaos.journal import Run
from tests.chaos.kinds import ATTEMPTS, Fate
from tests.chaos.life import Life, Range
from tests.chaos.picture import Picture
from tests.chaos.pushed import Pushed
from tests.chaos.timeline import Timeline

INTENDED = "tests.chaos.jobs.Intended"
POISON = "teep.errors.PoisonJob"
UNEXPLAINED = "unexplained"


@dataclass
class Account:
    """What the journal says of each job, held against what was pushed and what Redis shows.

    1. A confirmed job ran to its end: succeeded, or failed at its last attempt and is dead. One that was not
       confirmed may be missing, whole.
    2. An attempt that ran more than once has a cause for each repeat.
    3. `stat:processed` counts each attempt once, however often it ran, and `stat:failed` those that failed. Behind
       Sentinel a job that was not confirmed may have run on a server whose word did not count in the end.
    4. The dead set has exactly the jobs that were to die, once each, and nothing is anywhere else.
    5. Of iterable jobs no item is left out (`items.py`), of unique ones none is let in beside another and none kept
       out for nothing (`locks.py`), expiring ones are dropped only when it is too late (`lateness.py`), and no more
       run than their limit lets through (`limits.py`). None leaves its lock or its place behind.
    6. A job that was rescued too often is dead of another error than its own; how much of it was counted is open.
    """

    pushed: dict[int, Pushed]
    runs: Sequence[Run]
    picture: Picture
    causes: Causes
    may_forget: bool
    workers: frozenset[int] = frozenset()
    problems: list[str] = field(default_factory=list)
    offending: set[int] = field(default_factory=set)
    repeats: Counter[str] = field(default_factory=Counter)
    poisoned: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.poisoned = {number for number, error in self.picture.dead.items() if error == POISON}
        runs: dict[int, list[Run]] = defaultdict(list)
        for run in self.runs:
            runs[run.number].append(run)
        self.lives = {
            number: Life(number, job, runs.get(number, ()), number in self.poisoned)
            for number, job in self.pushed.items()
        }
        for number in runs.keys() - self.pushed.keys():
            self._complain("was never pushed", number)
        self._check_lives()
        for what, number in locks.problems(self.lives, self.causes, may_forget=self.may_forget):
            self._complain(what, number)
        for what, number in limits.problems(self.lives, self.causes):
            self._complain(what, number)
        self._check_counters()
        self._check_places()

    @property
    def lost(self) -> int:
        """How many confirmed jobs did not run to their end."""
        return sum(life.job.is_due and not life.is_complete for life in self.lives.values())

    @property
    def expired(self) -> int:
        """How many jobs were dropped as too late."""
        return sum(life.was_late for life in self.lives.values())

    @property
    def refused(self) -> int:
        """How many jobs were not pushed, as another one had the lock."""
        return sum(job.refused for job in self.pushed.values())

    @property
    def iterable(self) -> int:
        """How many jobs had items."""
        return sum(bool(job.items) for job in self.pushed.values())

    def history(self, number: int, timeline: Timeline) -> list[str]:
        """Return the lines that tell of one job: how it was pushed, each run, and the faults near."""
        lines = [f"job {number}: {self.pushed.get(number)}"]
        for run in (run for run in self.runs if run.number == number):
            start, end = (None if at is None else f"{at - timeline.origin:.3f}" for at in (run.start, run.end))
            lines.append(f"  attempt {run.attempt} in pid {run.pid}: {start} to {end}, {run.outcome} (jid {run.jid})")
            for name, steps in (
                ("begun with", [run.first] if run.first else []),
                ("did", run.did),
                ("saved", run.saved),
            ):
                if steps:
                    lines.append(f"    {name} " + ", ".join(f"{i} at {at - timeline.origin:.3f}" for i, at in steps))
            lines += [f"    {line}" for line in timeline.near(run.start, run.end or run.start)]
        return lines

    def _check_lives(self) -> None:
        for number, life in self.lives.items():
            if self._must_end(life) and not life.is_complete:
                self._complain("did not run to its end", number)
            if life.attempt > ATTEMPTS[life.job.fate]:
                self._complain(f"came to attempt {life.attempt}", number)
            self._check_repeats(life)
            for problem in (*items.problems(life, self.causes, self.repeats), *lateness.problems(life, self.causes)):
                self._complain(problem, number)

    def _check_repeats(self, life: Life) -> None:
        for runs in life.rounds():
            causes, unexplained = self.causes.of(runs)
            self.repeats.update(causes)
            if unexplained:
                self.repeats[UNEXPLAINED] += unexplained
                what = f"ran {len(runs)} times at attempt {runs[0].attempt}, and nothing explains it"
                self._complain(what, life.number)

    def _must_end(self, life: Life) -> bool:
        return life.job.is_due or (bool(life.runs) and not self.may_forget and life.job.deleted is None)

    def _check_counters(self) -> None:
        shares = {"processed": Life.processed, "failed": Life.failed, "expired": Life.expired}
        counted = self.picture.counted
        for name, share in shares.items():
            expected = Range()
            for life in self.lives.values():
                if life.job.is_due or life.runs:
                    own = share(life, self.causes)
                    expected += own if self._must_end(life) else Range(0, own.most)
            if counted[name] not in expected:
                self.problems.append(f"stat:{name} is {counted[name]}, not {expected}")

    def _check_places(self) -> None:
        dead = self.picture.dead
        for number, life in self.lives.items():
            is_dead = life.job.fate is Fate.DIES and self._must_end(life) and not life.was_dropped
            if is_dead and number not in dead:
                self._complain("is not in the dead set", number)
        for number, error in dead.items():
            if error != POISON and (error != INTENDED or self.pushed[number].fate is not Fate.DIES):
                self._complain(f"died of {error}", number)
        for number, places in self.picture.doubles().items():
            self._complain(f"lies in {' and '.join(places)}", number)
        if left := self.picture.left():
            self.problems.append(f"left over: {left}")
        if self.picture.owners:
            self.problems.append(f"still registered as owners of jobs in flight: {self.picture.owners}")
        if strangers := {run.pid for run in self.runs} - self.workers:
            self.problems.append(f"ran jobs, and are no workers: pids {sorted(strangers)}")
        self._check_left_behind()

    def _check_left_behind(self) -> None:
        numbers = {run.jid: run.number for run in self.runs}
        for lock, jid in self.picture.locks.items():
            self._complain(f"has left its lock {lock}", numbers.get(jid, -1))
        for jid in self.picture.iterations:
            number = numbers.get(jid)
            if number is None:
                self.problems.append(f"a place is kept of {jid}, which is unknown")
            elif number not in self.picture.dead and not self._is_excused(number):
                self._complain("has left its place", number)

    def _is_excused(self, number: int) -> bool:
        """Tell whether a run may have saved its place when the job was over elsewhere, or is unknown to Redis.

        That takes a run that was given up, or stopped in the midst of an item, or a failover that forgot the job.
        """
        life = self.lives[number]
        if self.may_forget and not life.job.confirmed:
            return True
        return any(
            self.causes.given_up(run)
            or self.causes.why(run) in (FAILOVER, STOPPED)
            or self.causes.failed_over(run.start, run.last)
            for run in life.runs
        )

    def _complain(self, what: str, number: int) -> None:
        self.offending.add(number)
        self.problems.append(f"job {number} {what}")
