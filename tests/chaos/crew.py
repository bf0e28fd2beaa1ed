"""The workers of a scenario, and what can be done to them."""

import random
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.chaos import journal
from tests.chaos.kinds import QUEUES
from tests.chaos.timeline import Span, Timeline
from tests.worker.fleet import WorkerProcess

WORKERS = 3
_STRICT = QUEUES
_WEIGHTED = tuple(f"{name},{weight}" for name, weight in zip(QUEUES, (6, 3, 1), strict=True))
_RANDOM = tuple(f"{name},1" for name in QUEUES)
# Beyond its timeout a stop takes the jobs' last moment (3 s), and what the machine is slow by.
_STOP_SECONDS = 30.0


class Actor:
    """One worker process and its part."""

    def __init__(self, process: WorkerProcess, number: int, timeout: float) -> None:
        self.process = process
        self.name = f"worker {number} (pid {process.pid})"
        self.timeout = timeout
        self.is_frozen = False
        self.is_leaving = False

    @property
    def pid(self) -> int:
        return self.process.pid


class Crew:
    """Starts workers, and kills, stops and freezes them. Also a context manager, which ends them all."""

    def __init__(self, urls: Sequence[str], seed: int, journal_file: Path, timeline: Timeline) -> None:
        self.actors: list[Actor] = []
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
            program=("tests.chaos.worker",),
            environment={journal.VARIABLE: str(self._journal)},
        )
        self._ending.callback(process.close)
        actor = Actor(process, number, timeout)
        self.actors.append(actor)
        self._timeline.note(f"{actor.name} starts: {' '.join((*options, *order))}")
        if jump:
            self._timeline.faults["clock moved"] += 1
        return actor

    @property
    def able(self) -> list[Actor]:
        """The workers that run, and have not been told to stop."""
        return [each for each in self.actors if each.process.is_alive and not (each.is_leaving or each.is_frozen)]

    def kill(self, actor: Actor) -> None:
        """SIGKILL: it is gone at once."""
        self._timeline.killed[actor.pid] = time.monotonic()
        actor.process.kill()
        self._timeline.note(f"SIGKILL {actor.name}")

    def stop(self, actor: Actor) -> None:
        """SIGTERM: it leaves within its timeout and puts back what it has not finished."""
        actor.is_leaving = True
        now = time.monotonic()
        self._timeline.stopped[actor.pid] = Span(now, now + actor.timeout)
        actor.process.signal(signal.SIGTERM)
        self._timeline.note(f"SIGTERM {actor.name}")

    def freeze(self, actor: Actor) -> None:
        """SIGSTOP: it stands still until it is thawed."""
        actor.is_frozen = True
        actor.process.signal(signal.SIGSTOP)
        self._timeline.note(f"SIGSTOP {actor.name}")

    def thaw(self, actor: Actor) -> None:
        """SIGCONT."""
        actor.is_frozen = False
        actor.process.signal(signal.SIGCONT)
        self._timeline.note(f"SIGCONT {actor.name}")

    def leave(self) -> list[str]:
        """Stop every worker; returns what was wrong with how they went."""
        for actor in self.able:
            self.stop(actor)
        wrong = []
        for actor in self.actors:
            code = actor.process.wait(_STOP_SECONDS)
            if code != (expected := -signal.SIGKILL if actor.pid in self._timeline.killed else 0):
                wrong.append(f"{actor.name} exited with {code}, not {expected}:\n{actor.process.log[-2000:]}")
        return wrong

    def save_logs(self, folder: Path) -> None:
        """Write each worker's log to a file."""
        for actor in self.actors:
            (folder / f"{actor.name.replace(' ', '-')}.log").write_text(actor.process.log, "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.close()
