"""The workers of a scenario, and what can be done to them."""

import random
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Self

from tests.chaos import journal
from tests.chaos.kinds import QUEUES
from tests.chaos.timeline import Span, Timeline
from tests.chaos.worker import NO_REDIS
from tests.worker.fleet import WorkerProcess

WORKERS = 3
_STRICT = QUEUES
_WEIGHTED = tuple(f"{name},{weight}" for name, weight in zip(QUEUES, (6, 3, 1), strict=True))
_RANDOM = tuple(f"{name},1" for name in QUEUES)
# Beyond its timeout a stop takes the jobs' last moment (3 s), and what the machine is slow by.
_STOP_SECONDS = 30.0
# What is waited for the stacks of a worker that does not stop (seconds), and shown of the log of one that went wrong.
_LAST_WORDS, _SHOWN = 2.0, 20_000
# As long as it loads its modules, a process knows no better than to die of a signal. On a busy machine that is long.
_START_SECONDS = 10.0


class Actor:
    """One worker process and its part."""

    def __init__(self, process: WorkerProcess, number: int, timeout: float) -> None:
        self.process = process
        self.name = f"worker {number} (pid {process.pid})"
        self.timeout = timeout
        self.started = time.monotonic()
        self.frozen_at: float | None = None
        self.is_leaving = False
        self.is_hurried = False
        self.is_fallen = False

    @property
    def pid(self) -> int:
        return self.process.pid


class Crew:
    """Starts workers, and kills, stops and freezes them. Also a context manager, which ends them all."""

    def __init__(
        self,
        urls: Sequence[str],
        seed: int,
        journal_file: Path,
        timeline: Timeline,
        program: str = "tests.chaos.worker",
    ) -> None:
        self.actors: list[Actor] = []
        self._program = program
        self._urls = urls
        self._journal = journal_file
        self._timeline = timeline
        self._chance = random.Random(f"crew of {seed}")
        self._ending = ExitStack()

    def start(self, clock: int | None = None) -> Actor:
        """Start a worker; how it is started is drawn, and by default also by how much (seconds) its clock jumps."""
        chance, number = self._chance, len(self.actors) + 1
        timeout = round(chance.uniform(0.2, 1.5), 1)
        jump = chance.choice((0, 0, 300, -300)) if clock is None else clock
        options = [
            f"--concurrency={chance.randint(4, 10)}",
            f"--timeout={timeout}",
            f"--clock={jump}",
            f"--clock-after={chance.uniform(0.0, 4.0):.1f}",
        ]
        order = chance.choice((_STRICT, _WEIGHTED, _RANDOM))
        process = WorkerProcess(
            self._urls[number % len(self._urls)],
            [*options, *order],
            program=(self._program,),
            environment={journal.VARIABLE: str(self._journal)},
        )
        self._ending.callback(process.kill)
        actor = Actor(process, number, timeout)
        self.actors.append(actor)
        self._timeline.note(f"{actor.name} starts: {' '.join((*options, *order))}")
        self._timeline.jumps[actor.pid] = jump
        if jump:
            self._timeline.faults["clock moved"] += 1
        return actor

    def eldest(self) -> Actor:
        """Return the worker that has been there longest: the others may only just be starting."""
        return (self.able or [self.start()])[0]

    def any_one(self, chance: random.Random) -> Actor:
        """Return any worker that runs."""
        return chance.choice(self.able or [self.start()])

    @property
    def able(self) -> list[Actor]:
        """The workers that run, and are neither leaving nor frozen."""
        return [
            each for each in self.actors if each.process.is_alive and not each.is_leaving and each.frozen_at is None
        ]

    def kill(self, actor: Actor) -> None:
        """SIGKILL: it is gone at once."""
        self._timeline.killed[actor.pid] = time.monotonic()
        actor.process.kill()
        self._timeline.note(f"SIGKILL {actor.name}")

    def stop(self, actor: Actor, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM, or `how`: it leaves within its timeout and puts back what it has not finished."""
        actor.is_leaving = True
        now = time.monotonic()
        self._timeline.stopped[actor.pid] = Span(now, now + actor.timeout)
        actor.process.signal(how)
        self._timeline.note(f"{how.name} {actor.name}")

    def interrupt(self, actor: Actor) -> None:
        """SIGINT twice: it leaves, and puts back what it has not finished, without waiting for its timeout."""
        self.stop(actor, signal.SIGINT)
        actor.is_hurried = True
        time.sleep(self._chance.uniform(0.15, 0.5))
        actor.process.signal(signal.SIGINT)

    def freeze(self, actor: Actor) -> None:
        """SIGSTOP: it stands still until it is thawed."""
        actor.frozen_at = time.monotonic()
        actor.process.signal(signal.SIGSTOP)
        self._timeline.note(f"SIGSTOP {actor.name}")

    def thaw(self, actor: Actor) -> None:
        """SIGCONT."""
        if actor.frozen_at is not None:
            span = Span(actor.frozen_at, time.monotonic())
            self._timeline.frozen.setdefault(actor.pid, []).append(span)
        actor.frozen_at = None
        actor.process.signal(signal.SIGCONT)
        self._timeline.note(f"SIGCONT {actor.name}")

    def replace_fallen(self) -> None:
        """Start another worker for each that found no Redis at its start, as what starts workers does in life."""
        for actor in list(self.actors):
            if not (actor.is_fallen or actor.process.is_alive) and actor.process.wait() == NO_REDIS:
                actor.is_fallen = True
                self._timeline.note(f"{actor.name} found no Redis")
                self.start()

    def leave(self) -> list[str]:
        """Stop every worker; returns what was wrong with how they went."""
        for actor in self.able:
            self.stop(actor)
        codes = {actor: self._await(actor) for actor in self.actors}
        return [
            f"{actor.name} exited with {code}:\n{actor.process.log[-_SHOWN:]}"
            for actor, code in codes.items()
            if code not in self._expected_codes(actor)
        ]

    def _await(self, actor: Actor) -> int | None:
        """Return a worker's exit code; None where it does not end, and its log shows what its threads do."""
        try:
            return actor.process.wait(_STOP_SECONDS)
        except TimeoutExpired:
            actor.process.signal(signal.SIGTTIN)
            with suppress(TimeoutExpired):
                actor.process.wait(_LAST_WORDS)
            return None

    def _expected_codes(self, actor: Actor) -> set[int]:
        if actor.pid in self._timeline.killed:
            return {-signal.SIGKILL}
        if actor.is_fallen:
            return {NO_REDIS}
        was_starting = self._timeline.stopped[actor.pid].begin < actor.started + _START_SECONDS
        early = {-signal.SIGTERM, -signal.SIGINT} if was_starting else set()
        # The second Ctrl-C may find it at its very end, when Python listens no more.
        return {0, *early, *({-signal.SIGINT} if actor.is_hurried else ())}

    def save_logs(self, folder: Path) -> None:
        """Write each worker's log to a file."""
        for actor in self.actors:
            (folder / f"{actor.name.replace(' ', '-')}.log").write_text(actor.process.log, "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.close()
