"""The story of the clocks: entries that fire each second, leaders that come and go, and the account."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from teep import PeriodicSet, leader
from teep.errors import RedisError
from teep.store.periodic.entries import CatchUp
from tests.chaos.clock.account import Account
from tests.chaos.clock.watch import Watch
from tests.chaos.clock.worker import LEASE
from tests.chaos.crew import Actor
from tests.chaos.faults import crash_primary, crash_server, cut_connections, fail_over, stall_server
from tests.chaos.stage import Plot, Stage
from tests.chaos.timeline import Timeline
from tests.support.waiting import wait_until

ENTRIES = 20
_WORKERS = 3
_UP_SECONDS = 30.0
_OF_EACH: tuple[tuple[CatchUp, int], ...] = (("all", 14), ("latest", 3), ("none", 3))
_POLICIES: list[CatchUp] = [policy for policy, count in _OF_EACH for _ in range(count)]
_QUEUE = "ticks"
_Fault = Callable[[Stage, random.Random], None]


@dataclass(frozen=True)
class Result:
    """What came of it."""

    plot: Plot
    seed: int
    fired: int
    left_out: Counter[str]
    faults: Counter[str]
    terms: int
    seconds: float
    failure: str

    @property
    def summary(self) -> str:
        """One line about it."""
        left = ", ".join(f"{count} of catch_up={policy!r}" for policy, count in self.left_out.items()) or "none"
        return (
            f"clocks, {self.plot}, seed {self.seed}: {'FAILED' if self.failure else 'ok'} in {self.seconds:.0f} s:"
            f" {self.fired:,} ticks of {ENTRIES} entries by {self.terms} leaders, {self.faults.total()} faults;"
            f" left out: {left}"
        )


def play(
    plot: Plot,
    seed: int,
    seconds: float,
    folder: Path,
    tell: Callable[[str], None] = lambda _line: None,
    *,
    workers: int = _WORKERS,
) -> Result:
    """Let entries fire for some seconds while leaders come and go; `folder` gets the logs if something is wrong."""
    timeline, chance = Timeline(tell), random.Random(f"clocks of {plot} {seed}")
    policies: dict[str, CatchUp] = {f"entry-{number}": policy for number, policy in enumerate(_POLICIES)}
    with Stage(plot, seed, folder, timeline, "tests.chaos.clock.worker") as stage:
        for _ in range(workers):
            stage.crew.start()
        wait_until(lambda: leader(config=stage.config), _UP_SECONDS, "a leader")
        entries = PeriodicSet(config=stage.config)
        for name, policy in policies.items():
            entries.create(name, "* * * * * *", "Ticks", catch_up=policy, queue=_QUEUE)
        with Watch(lambda: stage.server, list(policies)) as watch:
            _storm(stage, chance, plot, seconds)
            last = int(time.time())
            problems = _come_to_rest(stage, watch, last)
        raws = stage.server.command("LRANGE", f"queue:{_QUEUE}", 0, -1)
        jobs = [job for raw in raws if (job := msgspec.json.decode(raw))["tick"] <= last]
        terms = int(stage.server.command("GET", "teep:leader:term") or 0)
        account = Account(jobs, policies, watch, last)
        problems += [*account.problems, *stage.crew.leave()]
        if problems:
            stage.crew.save_logs(folder)
    return Result(
        plot, seed, account.fired, account.left_out, timeline.faults, terms,
        time.monotonic() - timeline.origin,
        _story(plot, seed, folder, timeline, problems) if problems else "",
    )  # fmt: skip


def _storm(stage: Stage, chance: random.Random, plot: Plot, seconds: float) -> None:
    deadline, deck = time.monotonic() + seconds, list[_Fault]()
    while time.monotonic() < deadline:
        stage.rest(chance.uniform(0.5, 3.0))
        if not deck:
            deck = list(_DECKS[plot])
            chance.shuffle(deck)
        fault = deck.pop()
        fault(stage, chance)
        stage.timeline.faults[fault.__name__] += 1
        stage.crew.replace_fallen()
    stage.settle()


def _come_to_rest(stage: Stage, watch: Watch, last: int) -> list[str]:
    """Wait until every tick up to `last` is over; returns what was wrong."""
    stage.timeline.note("the storm is over")
    stage.crew.replace_fallen()
    stage.crew.start(clock=0)
    try:
        wait_until(
            lambda: all(watch.late(name, last) is not None for name in watch.came), _UP_SECONDS * 2, "all ticks"
        )
    except TimeoutError:
        behind = {name: last - max(seen, default=0) for name, seen in watch.came.items()}
        return [f"some entries have stood still for so many seconds: {behind}"]
    return []


def _leader(stage: Stage) -> Actor | None:
    """Return the worker that leads, or None if that is unknown now."""
    try:
        identity = leader(config=stage.config) or ""
    except RedisError:
        return None
    pids = {f":{actor.pid}:": actor for actor in stage.crew.able}
    return next((actor for pid, actor in pids.items() if pid in identity), None)


def kill_leader(stage: Stage, _chance: random.Random) -> None:
    """Kill the leader, and start another worker."""
    stage.crew.kill(_leader(stage) or stage.crew.eldest())
    stage.crew.start()


def stop_leader(stage: Stage, _chance: random.Random) -> None:
    """Stop the leader in an orderly way while another worker starts."""
    stage.crew.stop(_leader(stage) or stage.crew.eldest())
    stage.crew.start()


def freeze_leader(stage: Stage, chance: random.Random) -> None:
    """Let the leader stand still until another one leads; then it still takes itself for the leader."""
    actor = _leader(stage) or stage.crew.eldest()
    stage.crew.freeze(actor)
    stage.later(LEASE + chance.uniform(0.0, 2.0), lambda: stage.crew.thaw(actor))


def depose_leader(stage: Stage, _chance: random.Random) -> None:
    """Take the lease away, so that two take themselves for the leader."""
    stage.timeline.note("the lease is gone")
    stage.server.command("DEL", "teep:leader")


_ANYWHERE: tuple[_Fault, ...] = (kill_leader, kill_leader, stop_leader, freeze_leader, depose_leader, cut_connections)
_DECKS: dict[Plot, tuple[_Fault, ...]] = {
    "server": (*_ANYWHERE, crash_server, stall_server),
    "sentinel": (*_ANYWHERE, fail_over, crash_primary),
}


def _story(plot: Plot, seed: int, folder: Path, timeline: Timeline, problems: list[str]) -> str:
    lines = [f"the clocks of seed {seed} on {plot} failed; the workers' logs are in {folder}", *problems]
    return "\n".join([*lines, "the timeline (seconds):", *map(timeline.line, timeline.events)])
