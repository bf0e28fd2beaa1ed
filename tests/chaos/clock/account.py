"""The account: each tick of each entry lies in the queue once, but for those that it does not catch up with."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clock.watch import Watch
from tests.chaos.clock.worker import ON_TIME

# What a look from beside may be late by, on a busy machine (seconds).
_SLACK = 1.0


@dataclass
class Account:
    """What was fired, held against the seconds that passed.

    1. No tick was fired twice: neither by two leaders, nor by one that was frozen, nor after a failover.
    2. An entry that catches up with all of its ticks has fired each second from its first to its last.
    3. Another one may have left out ticks that were late: of those it fires the newest, or none.
    """

    jobs: list[dict[str, Any]]
    policies: Mapping[str, str]
    watch: Watch
    last: int
    problems: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        fired: dict[str, Counter[int]] = {name: Counter() for name in self.policies}
        for job in self.jobs:
            fired[job["periodic"]][int(job["tick"])] += 1
        self.fired = sum(map(Counter.total, fired.values()))
        for name, ticks in fired.items():
            self._check(name, ticks)

    def _check(self, name: str, ticks: Counter[int]) -> None:
        if not ticks:
            self.problems.append(f"{name} was never fired")
            return
        for tick, count in ticks.items():
            if count > 1:
                self.problems.append(f"{name} was fired {count} times for {tick}")
        policy = self.policies[name]
        for tick in range(min(ticks), self.last + 1):
            if tick in ticks:
                continue
            self.left_out[policy] += 1
            late = self.watch.late(name, tick)
            if policy == "all" or late is None or late < ON_TIME - _SLACK:
                self.problems.append(f"{name} ({policy}) was not fired for {tick}, which was over {late} s later")
