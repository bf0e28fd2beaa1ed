"""One scenario: jobs are pushed and run while faults go on; then all is drained, and the account drawn up."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from teep import Queue, RetrySet, ScheduledSet
from tests.chaos import faults, journal, limits
from tests.chaos.account import UNEXPLAINED, Account
from tests.chaos.batches import remains
from tests.chaos.batches.account import Account as Batches
from tests.chaos.batches.made import told
from tests.chaos.causes import Causes
from tests.chaos.crew import WORKERS
from tests.chaos.kinds import LEASE, QUEUES
from tests.chaos.picture import Picture
from tests.chaos.pusher import Pusher
from tests.chaos.stage import Plot, Stage
from tests.chaos.timeline import Timeline
from tests.support.waiting import wait_until

_UP_SECONDS = 60.0
_DRAIN_SECONDS = 60.0
_REDO_EVERY = 0.3
_HISTORIES_SHOWN = 10


@dataclass(frozen=True)
class Part:
    """Which scenario to play: everything that is drawn follows from it.

    `rounds`: how often each fault comes. `is_plain`: without batches and workflows.
    """

    plot: Plot
    seed: int
    rounds: int = 1
    is_plain: bool = False

    @property
    def replay(self) -> str:
        """The command that plays it again."""
        plain = " --plain" if self.is_plain else ""
        return f"make chaos SEED={self.seed} ARGS='--plot {self.plot} --rounds {self.rounds}{plain}'"


@dataclass(frozen=True)
class Result:
    """What came of a scenario."""

    part: Part
    kind: str
    jobs: int
    unconfirmed: int
    iterable: int
    refused: int
    expired: int
    runs: int
    faults: Counter[str]
    repeats: Counter[str]
    lost: int
    poisoned: int
    batches: Counter[str]
    seconds: float
    failure: str
    """The whole story where something was wrong, else empty."""


def play(part: Part, folder: Path, tell: Callable[[str], None] = lambda _line: None) -> Result:
    """Play a scenario. `folder` gets the journal, and the workers' logs where something is wrong.

    `tell` hears of every event as it happens.
    """
    # In the background of a script it is ignored, and so it would be in the workers until they have loaded teep.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    timeline = Timeline(tell)
    problems: list[str] = []
    with Stage(part.plot, part.seed, folder, timeline) as stage:
        pusher = Pusher(stage, part.seed, is_plain=part.is_plain)
        _open(stage, pusher)
        _storm(stage, part, problems)
        pusher.stop()
        _drain(stage, problems)
        problems += stage.crew.leave()
        _await_places(stage, problems)
        runs, remarks = journal.read(stage.journal)
        account, batches = _accounts(stage, pusher, runs, Causes(timeline, remarks), part)
        problems += [remark.text for remark in remarks if remark.text.startswith(journal.UNENDED)]
        problems += account.problems + batches.problems
        account.offending |= batches.offending
        if problems:
            stage.crew.save_logs(folder)
    return Result(
        part=part,
        kind=stage.kind,
        jobs=len(pusher.pushed.keys() - batches.undecided),
        unconfirmed=sum(not pusher.pushed[number].confirmed for number in pusher.pushed.keys() - batches.undecided),
        iterable=account.iterable,
        refused=account.refused,
        expired=account.expired,
        runs=len(runs),
        faults=timeline.faults,
        repeats=account.repeats,
        lost=account.lost,
        poisoned=len(account.poisoned),
        batches=batches.tally(),
        seconds=time.monotonic() - timeline.origin,
        failure=_story(part, folder, timeline, account, problems, batches.stories()) if problems else "",
    )


def _accounts(
    stage: Stage, pusher: Pusher, runs: list[journal.Run], causes: Causes, part: Part
) -> tuple[Account, Batches]:
    """Draw up the account of the jobs and that of the batches. At its end the dead set is empty."""
    made, may_forget = pusher.opener.made, part.plot == "sentinel"
    told(runs, made, pusher.pushed, is_lasting=not may_forget)
    picture, there = Picture.last(stage.server), remains.read(stage.server)
    workers = frozenset(actor.pid for actor in stage.crew.actors)
    account = Account(pusher.pushed, runs, picture, causes, may_forget=may_forget, workers=workers)
    batches = Batches(made, account.lives, causes, time.time() - time.monotonic(), there, may_forget=may_forget)
    for bid, what in remains.problems(stage.server, made, picture.dead_jids):
        batches.complain(bid, what)
    return account, batches


def _open(stage: Stage, pusher: Pusher) -> None:
    for _ in range(WORKERS):
        stage.crew.start()
    wait_until(lambda: stage.server.command("SCARD", "processes") == WORKERS, _UP_SECONDS, "the workers to be up")
    pusher.start()


def _storm(stage: Stage, part: Part, problems: list[str]) -> None:
    """Play the faults, and look after each whether a job is in two places."""
    for step in faults.schedule(part.plot, part.seed, part.rounds):
        stage.rest(step.pause)
        faults.BY_NAME[step.name](stage, random.Random(step.seed))
        stage.timeline.faults[step.name] += 1
        stage.crew.replace_fallen()
        picture = Picture.take(stage.server)
        doubles = picture.doubles()
        problems += [f"after {step.name} job {number} lay in {places}" for number, places in doubles.items()]
        problems += [f"after {step.name} the unique jobs {alike} were there together" for alike in picture.alike()]
    stage.settle()


def _drain(stage: Stage, problems: list[str]) -> None:
    """Wait until nothing is left to do, and no one is registered but who lives.

    A fresh worker, whose clock is right, rescues at its start what the others left.
    """
    stage.timeline.note("the storm is over")
    stage.crew.start(clock=0)
    for name in QUEUES:
        Queue(name, config=stage.config).unpause()  # once more: a failover may have forgotten it
    due = 0.0

    def is_drained() -> bool:
        nonlocal due
        if time.monotonic() >= due:
            # Nobody waits for the last retries: their time has come, also for a clock that is five minutes late.
            for jobs in (RetrySet(config=stage.config), ScheduledSet(config=stage.config)):
                jobs.where().reschedule_all(time.time() - 3600)
            due = time.monotonic() + _REDO_EVERY
        # First: a batch that finishes after this look has pushed its callbacks before the next one.
        unfinished = remains.unfinished(stage.server)
        picture = Picture.take(stage.server)
        alive = {actor.pid for actor in stage.crew.actors if actor.process.is_alive}
        is_empty = not picture.left() and all(int(owner.split(":")[1]) in alive for owner in picture.owners)
        return is_empty and not unfinished

    try:
        wait_until(is_drained, _DRAIN_SECONDS, "everything to be drained")
    except TimeoutError:
        picture = Picture.take(stage.server)
        left = f"{picture.left()}, {picture.owners} and the batches {remains.unfinished(stage.server)}"
        problems.append(f"{_DRAIN_SECONDS:.0f} s later there were still {left}")


def _await_places(stage: Stage, problems: list[str]) -> None:
    """Wait until no place of a limit is held: all who did are gone."""
    try:
        wait_until(lambda: not limits.held(stage.server), 2 * LEASE, "all places to be free")
    except TimeoutError:
        problems.append(f"places are held that nobody holds: {limits.held(stage.server)}")


def _story(
    part: Part,
    folder: Path,
    timeline: Timeline,
    account: Account,
    problems: list[str],
    batches: list[str],
) -> str:
    lines = [f"{part.replay} failed; the journal and the workers' logs are in {folder}", *problems]
    lines += ["the timeline (seconds):", *map(timeline.line, timeline.events)]
    lines += batches
    for number in sorted(account.offending)[:_HISTORIES_SHOWN]:
        lines += account.history(number, timeline)
    if account.repeats[UNEXPLAINED]:
        lines.append(f"repeats: {dict(account.repeats)}")
    return "\n".join(lines)
