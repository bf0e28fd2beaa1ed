"""What a workflow is made of, drawn from a seed: chains, and layers of nodes with edges of any policy."""

import random
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import teep
from teep.store.nodes import Policy
from tests.chaos import jobs
from tests.chaos.batches import jobs as own
from tests.chaos.kinds import ADDS, DELETED, ITERABLE, LIMITED, LINGERS, OPENS, QUEUES, Fate, Lot, deleted, special

_JOBS: Mapping[str, Any] = {
    "chaos": jobs.chaos,
    "chaos_async": jobs.chaos_async,
    LIMITED: jobs.chaos_limited,
    ITERABLE[0]: jobs.ChaosItems,
    ADDS: own.chaos_adds,
    OPENS: own.chaos_opens,
    DELETED: own.chaos_deleted,
}
_POLICIES: tuple[Policy, ...] = ("stop", "skip", "hold", "always")
Number = Callable[[], int]


class Layer(NamedTuple):
    """Nodes that come after those of the layers before: one group, or each with edges of its own."""

    group: str
    names: list[str]
    lots: list[Lot]
    after: list[dict[str, Policy]]


class Flow(NamedTuple):
    """A workflow; `is_chain`: each layer comes after the one before as in `teep.chain`, whatever its edges say."""

    layers: list[Layer]
    is_chain: bool
    linger: float
    queue: str | None
    fates: list[Fate]
    is_invalidated: bool

    @classmethod
    def draw(cls, chance: random.Random) -> "Flow":
        """Draw a workflow of up to a dozen nodes."""
        layers: list[Layer] = []
        for depth in range(chance.randint(2, 4)):
            layers.append(_layer(chance, depth, layers))
        return cls(
            layers,
            chance.random() < 0.3,
            chance.choice(LINGERS),
            chance.choice((None, *QUEUES)),
            chance.choices((Fate.SUCCEEDS, Fate.FAILS_ONCE), (9, 1), k=4),
            chance.random() < 0.06,
        )

    def made(self, number: Number, **options: Any) -> tuple[teep.Workflow, dict[int, Lot]]:
        """Return it, not started yet, and the lots of its nodes by their numbers."""
        lots: dict[int, Lot] = {}

        def signature(lot: Lot) -> Any:
            lots[this := number()] = lot
            return signed(lot, this)

        options |= {"linger": self.linger, "callback_queue": self.queue}
        if self.is_chain:
            groups = [teep.group(*map(signature, layer.lots)) for layer in self.layers]
            return teep.chain(*groups, name="chaos", **options), lots
        workflow = teep.Workflow("chaos", **options)
        for layer in self.layers:
            if layer.group:
                workflow.add_many(layer.group, map(signature, layer.lots), after=layer.after[0])
            else:
                for name, lot, after in zip(layer.names, layer.lots, layer.after, strict=True):
                    workflow.add(name, signature(lot), after=after)
        return workflow, lots


def signed(lot: Lot, number: int) -> Any:
    """Return the job of a lot with its arguments."""
    args = [number, lot.seconds[0], lot.fate.value, *([lot.items] if lot.items else [])]
    signature = _JOBS[lot.job].s(*args).set(queue=lot.queue)
    if lot.fate is Fate.DIES:
        signature = signature.set(retry=0)
    return signature.set(wait=lot.delay) if lot.delay else signature


def _layer(chance: random.Random, depth: int, before: list[Layer]) -> Layer:
    count = chance.randint(1, 3)
    lots = [_lot(chance) for _ in range(count)]
    if not before and chance.random() < 0.3:
        lots[-1] = deleted(chance, 1)
    if chance.random() < 0.5:
        names = [f"group{depth}.{place}" for place in range(1, count + 1)]
        return Layer(f"group{depth}", names, lots, [_edges(chance, before)])
    names = [f"node{depth}-{place}" for place in range(count)]
    return Layer("", names, lots, [_edges(chance, before) for _ in lots])


def _edges(chance: random.Random, before: list[Layer]) -> dict[str, Policy]:
    """Draw what a node comes after: the whole layer before, or some nodes of any."""
    if not before:
        return {}
    last = before[-1]
    names = [last.group] if last.group and chance.random() < 0.5 else chance.sample(last.names, 1)
    chosen = {*names, *(last.names if last.group in names else ())}
    others = [name for layer in before for name in layer.names if name not in chosen]
    names += chance.sample(others, min(len(others), chance.choice((0, 0, 1, 2))))
    policies = chance.choices(_POLICIES, (55, 15, 10, 20), k=len(names))
    return dict(zip(names, policies, strict=True))


def _lot(chance: random.Random) -> Lot:
    job = chance.choices((ADDS, OPENS, ITERABLE[0], LIMITED, "chaos", "chaos_async"), (10, 6, 10, 10, 32, 32))[0]
    if job in (ADDS, OPENS):
        return special(chance, job)
    fate = chance.choices(tuple(Fate), (76, 12, 12))[0]
    delay = chance.uniform(0.2, 1.5) if chance.random() < 0.1 else 0.0
    items = chance.randint(1, 20) if job in ITERABLE else 0
    seconds = chance.choice((0.0, 0.0, 0.02)) if items else chance.choice((0.0, 0.0, 0.05, 0.3))
    return Lot(job, chance.choice(QUEUES), fate, delay, (seconds,), items)
