"""Every operation that is measured: the state of Redis before it, the request to each side, and the goal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.api import seeds
from bench.figures import short
from bench.server import Server

_DEAD_KEPT = 9_999
"""Both sides trim the dead set to one less than 10,000."""


NOT_COMPARED = object()
"""The result of an operation that tells nothing on one side; instead the state that it `leaves` is compared."""


@dataclass(frozen=True, slots=True)
class Goal:
    """All figures to reach: times faster than Ruby, and teep's own limits."""

    ratio: float | None = None
    round_trips: int | None = None
    seconds: float | None = None
    megabytes: float | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. `name` and arguments are the request to the programs of both sides.

    `expected`: the answer that both must give.
    `repeat`: how often within a round, by teep and by Ruby; quick operations are repeated for the clock's sake.
    `leaves`: the sizes of all lists and sets afterwards, if it changes them; it is then seeded anew each time.
    `visits`: in a round; more if it is over quickly, and so is easily disturbed by the machine's other work.
    `ruby_rounds`: in how many rounds Ruby takes part, if it takes too long for all.
    `alone`: teep's figure only. `memory`: it is measured by its peak memory, in a process of its own.
    """

    title: str
    name: str
    args: Sequence[Any]
    seed: Callable[[Server], None]
    goal: Goal
    expected: Any = NOT_COMPARED
    repeat: tuple[int, int] = (1, 1)
    leaves: Mapping[str, int] | None = None
    visits: int = 1
    ruby_rounds: int | None = None
    alone: bool = False
    memory: bool = False


def operations(scale: float = 1.0) -> list[Operation]:
    """All of them, in the order of the table. `scale` makes everything smaller, for a test of the harness."""

    def scaled(jobs: int) -> int:
        # Even, since every second job has the other class.
        return max(200, round(jobs * scale / 2) * 2)

    many = scaled(100_000)
    return [
        *_finding(many),
        *_moving(scaled(20_000)),
        *_walking(many),
        *_stats(),
        *_pushing(scaled(10_000), many),
        *_million(scaled(1_000_000)),
    ]


def _finding(jobs: int) -> list[Operation]:
    of = short(jobs)
    ordered = partial(seeds.queue, jobs=jobs)
    shuffled = partial(seeds.queue, jobs=jobs, jid=seeds.random_jid)
    retries = partial(seeds.sorted_set, key="retry", jobs=jobs, failed=True)
    oldest, random, absent = seeds.ordered_jid(0), seeds.random_jid(0), seeds.ordered_jid(-1)
    return [
        _find(f"find_job, oldest of {of}", oldest, ordered, Goal(ratio=100), oldest, (50, 1)),
        _find(f"find_job, absent, {of}", absent, ordered, Goal(ratio=5), None, (5, 1)),
        _find(f"find_job, random jid, {of}", random, shuffled, Goal(ratio=5), random, (5, 1)),
        Operation(
            f"find_job in a set, {of}", "find_in_retry_set", [absent], retries, Goal(ratio=3), None, (2, 1), visits=3
        ),
    ]


def _find(
    title: str, jid: str, seed: Callable[[Server], None], goal: Goal, expected: str | None, repeat: tuple[int, int]
) -> Operation:
    return Operation(title, "find_in_queue", ["bulk", jid], seed, goal, expected, repeat)


def _moving(jobs: int) -> list[Operation]:
    of, goal, queued = short(jobs), Goal(ratio=10), {"queue:default": jobs}
    retries = partial(seeds.sorted_set, key="retry", jobs=jobs, failed=True)
    scheduled = partial(seeds.sorted_set, key="schedule", jobs=jobs, failed=False)
    dead = {"dead": min(jobs, _DEAD_KEPT)}
    return [
        Operation(f"retry_all, {of}", "retry_all", [], retries, goal, leaves=queued, ruby_rounds=2),
        Operation(f"kill_all, {of}", "kill_all", [], retries, goal, leaves=dead, ruby_rounds=2),
        Operation(f"add_to_queue of all, {of}", "enqueue_all", [], scheduled, goal, leaves=queued, ruby_rounds=2),
    ]


def _walking(jobs: int) -> list[Operation]:
    of, half = short(jobs), jobs // 2
    seed = partial(seeds.queue, jobs=jobs)
    chosen = seeds.KLASSES[0]
    return [
        Operation(
            f"iterate {of}, jid and class",
            "iterate",
            ["bulk", chosen],
            seed,
            Goal(ratio=1.5),
            expected=[half, seeds.ordered_jid(0)],
        ),
        Operation(
            f"delete_by_class, {short(half)}/{of}",
            "delete_by_class",
            ["bulk", chosen],
            seed,
            Goal(ratio=20),
            expected=half,
            leaves={"queue:bulk": half},
            ruby_rounds=1,
        ),
    ]


def _stats() -> list[Operation]:
    queues, processes = 1_000, 50
    seed = partial(seeds.fleet, queues=queues, processes=processes)
    counters = [123_456, 789, 50, 50, 50, processes]
    waiting = 100 + sum(1 + number % 3 for number in range(queues))
    running = sum(number % 10 for number in range(processes))
    return [
        Operation("Stats, fast", "stats_fast", [], seed, Goal(round_trips=1), counters, (100, 100), visits=3),
        Operation(
            f"Stats, slow, {queues:,} queues",
            "stats_slow",
            [],
            seed,
            Goal(ratio=2, round_trips=2),
            [waiting, running],
            (10, 10),
            visits=3,
        ),
    ]


def _pushing(singles: int, bulk: int) -> list[Operation]:
    return [
        Operation(
            f"perform_async, {short(singles)}",
            "perform_async",
            [singles],
            seeds.nothing,
            Goal(ratio=1.2),
            leaves={"queue:default": singles},
            visits=3,
        ),
        Operation(
            f"perform_bulk of {short(bulk)}",
            "perform_bulk",
            [bulk],
            seeds.nothing,
            Goal(ratio=2),
            expected=bulk,
            leaves={"queue:default": bulk},
            visits=3,
        ),
    ]


def _million(jobs: int) -> list[Operation]:
    of, oldest = short(jobs), seeds.ordered_jid(0)
    seed = partial(seeds.queue, jobs=jobs)
    return [
        Operation(
            f"find_job, oldest of {of}",
            "find_in_queue",
            ["bulk", oldest],
            seed,
            Goal(seconds=0.01),
            oldest,
            (50, 1),
            alone=True,
        ),
        Operation(
            f"iterate {of}, peak memory",
            "iterate",
            ["bulk", seeds.KLASSES[0]],
            seed,
            Goal(megabytes=60),
            [jobs // 2, oldest],
            alone=True,
            memory=True,
        ),
    ]
