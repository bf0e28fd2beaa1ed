"""The queues that a capsule serves, and the order in which it looks into them."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from teep.errors import ConfigurationError


class _Unsaid(tuple[str, ...]):
    """The queues of a configuration that names none. Equal to the tuple; a worker adds those of its jobs."""

    __slots__ = ()


UNSAID: Sequence[str] = _Unsaid(("default",))
"""The queues of a configuration that names none."""

Mode = Literal["strict", "weighted", "random"]


class QueueOrder(NamedTuple):
    """Queues with their weights. No weights: strict order; all 1: random order; else weighted, as in Sidekiq."""

    mode: Mode
    weights: Mapping[str, int]

    @classmethod
    def parse(cls, specs: Iterable[str]) -> "QueueOrder":
        """Read `"name"` and `"name,weight"` entries.

        Raises:
            ConfigurationError: an entry has no name, or a weight below 1; or there are no entries.
        """
        weights: dict[str, int] = {}
        for spec in specs:
            name, _, weight = spec.partition(",")
            if not name.strip():
                raise ConfigurationError(f"the queue {spec!r} has no name; write NAME or NAME,WEIGHT")
            if weight and (not weight.strip().isdecimal() or int(weight) < 1):
                raise ConfigurationError(f"the weight of queue {spec!r} must be a whole number from 1")
            weights[name.strip()] = int(weight or 0)
        if not weights:
            raise ConfigurationError("at least one queue is needed, such as queues=['default']")
        return cls(
            _mode(weights.values()),
            {name: weight or 1 for name, weight in weights.items()} if any(weights.values()) else weights,
        )

    def names(self) -> list[str]:
        """Return the queues in the order of the next look: shuffled anew each time unless strict."""
        listed = list(self.weights)
        if self.mode == "strict" or len(listed) == 1:
            return listed
        # A queue's chance to come first is its share of the weights (Efraimidis and Spirakis' keys).
        return sorted(listed, key=lambda name: random.random() ** (1 / self.weights[name]), reverse=True)


def are_said(queues: Sequence[str]) -> bool:
    """Tell whether a configuration names its queues, even if it names the default one only."""
    return not isinstance(queues, _Unsaid)


def _mode(weights: Iterable[int]) -> Mode:
    distinct = set(weights)
    if distinct == {0}:
        return "strict"
    return "random" if distinct == {1} else "weighted"
