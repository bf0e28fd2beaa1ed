"""The account: every confirmed job ran to its end, and what Redis holds and counts agrees with the journal."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.causes import Causes
from tests.chaos.journal import Run
from tests.chaos.kinds import ATTEMPTS, FAILURES, Fate
from tests.chaos.picture import Picture
from tests.chaos.pusher import Pushed
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
    5. A job that was rescued too often is dead of another error than its own; how much of it was counted is open.
    """

    pushed: dict[int, Pushed]
    runs: Sequence[Run]
    picture: Picture
    causes: Causes
    may_forget: bool
    problems: list[str] = field(default_factory=list)
    offending: set[int] = field(default_factory=set)
    repeats: Counter[str] = field(default_factory=Counter)
    poisoned: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._by_job: dict[int, dict[int, list[Run]]] = defaultdict(lambda: defaultdict(list))
        for run in self.runs:
            self._by_job[run.number][run.attempt].append(run)
        self.poisoned = {number for number, error in self.picture.dead.items() if error == POISON}
        self._check_jobs()
        self._check_repeats()
        self._check_counters()
        self._check_places()

    @property
    def lost(self) -> int:
        """How many confirmed jobs did not run to their end."""
        return sum(job.confirmed and not self._is_complete(number) for number, job in self.pushed.items())

    def history(self, number: int, timeline: Timeline) -> list[str]:
        """Return the lines that tell of one job: how it was pushed, each run, and the faults near."""
        runs = [run for run in self.runs if run.number == number]
        lines = [f"job {number}: {self.pushed.get(number)}"]
        for run in runs:
            start, end = (None if at is None else f"{at - timeline.origin:.3f}" for at in (run.start, run.end))
            lines.append(f"  attempt {run.attempt} in pid {run.pid}: {start} to {end}, {run.outcome} (jid {run.jid})")
            lines += [f"    {line}" for line in timeline.near(run.start, run.end or run.start)]
        return lines

    def _is_complete(self, number: int) -> bool:
        if number in self.poisoned:
            return True
        fate = self.pushed[number].fate
        last = self._by_job.get(number, {}).get(ATTEMPTS[fate], [])
        wanted = "failed" if fate is Fate.DIES else "done"
        return any(run.outcome == wanted for run in last)

    def _check_jobs(self) -> None:
        for number, job in self.pushed.items():
            if (job.confirmed or (number in self._by_job and not self.may_forget)) and not self._is_complete(number):
                self._complain("did not run to its end", number)
        for number, attempts in self._by_job.items():
            if number not in self.pushed:
                self._complain("was never pushed", number)
            elif max(attempts) > ATTEMPTS[self.pushed[number].fate]:
                self._complain(f"came to attempt {max(attempts)}", number)

    def _check_repeats(self) -> None:
        for number, attempts in self._by_job.items():
            for attempt, runs in attempts.items():
                causes, unexplained = self.causes.of(runs)
                self.repeats.update(causes)
                if unexplained:
                    self.repeats[UNEXPLAINED] += unexplained
                    self._complain(f"ran {len(runs)} times at attempt {attempt}, and nothing explains it", number)

    def _check_counters(self) -> None:
        for name, counted, of_fate in (
            ("processed", self.picture.processed, ATTEMPTS),
            ("failed", self.picture.failed, FAILURES),
        ):
            least = most = 0
            for number, job in self.pushed.items():
                share = of_fate[job.fate]
                most += share if job.confirmed or number in self._by_job else 0
                is_open = number in self.poisoned or (not job.confirmed and self.may_forget)
                least += share if not is_open and (job.confirmed or number in self._by_job) else 0
            # A job may die of its rescues after it has failed; that it died of them may count, too.
            most += len(self.poisoned)
            if not least <= counted <= most:
                expected = least if least == most else f"{least} to {most}"
                self.problems.append(f"stat:{name} is {counted}, not {expected}")

    def _check_places(self) -> None:
        dead = self.picture.dead
        for number, job in self.pushed.items():
            is_due = job.fate is Fate.DIES and (job.confirmed or (number in self._by_job and not self.may_forget))
            if is_due and number not in dead:
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

    def _complain(self, what: str, number: int) -> None:
        self.offending.add(number)
        self.problems.append(f"job {number} {what}")
