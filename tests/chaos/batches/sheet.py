"""What is pushed in one go: a batch or a workflow with all that is in it."""

import time
from dataclasses import dataclass, field
from typing import NamedTuple

from teep import Batch, Client, Config, Workflow
from teep.store.batches import EVENTS, Event
from tests.chaos.batches.flows import Flow, signed
from tests.chaos.batches.made import Filling, Made, Node
from tests.chaos.batches.plans import Plan
from tests.chaos.kinds import Fate, Lot

_LATE = Lot("chaos", "default", Fate.SUCCEEDS, 0.0, (0.0,))
_MORE = Lot("chaos", "default", Fate.SUCCEEDS, 0.0, (0.0, 0.0))


class Placed(NamedTuple):
    """A lot in a batch, with the number of its first job, when it was pushed, and the jid of a unique one."""

    lot: Lot
    bid: str
    first: int
    begin: float
    jid: str | None
    is_node: bool = False

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.lot.seconds))


@dataclass
class Sheet:
    """What is pushed in one go: batches in each other, their jobs, and the numbers of their callbacks."""

    config: Config
    next: int
    made: list[Made] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    callbacks: dict[int, Fate] = field(default_factory=dict)

    def make(self, plan: Plan | Flow) -> None:
        """Make what is planned."""
        if isinstance(plan, Flow):
            self.start(plan, None)
        else:
            self.open(plan, None)

    def open(self, plan: Plan, parent: str | None) -> None:
        """Make a batch, its jobs and its children."""
        batch = Batch(linger=plan.linger, callback_queue=plan.queue, config=self.config)
        made = self._declared(batch, plan, parent)
        filling = made.fillings[0]
        filling.every = plan.flush_every or 0
        with batch.jobs(flush_every=plan.flush_every):
            for lot in plan.lots:
                self._place(lot, made)
            for child in plan.children:
                self.open(child, batch.bid)
            for flow in plan.flows:
                self.start(flow, batch.bid)
            filling.body = time.monotonic()

    def start(self, flow: Flow, parent: str | None) -> None:
        """Start a workflow."""
        workflow, lots = flow.made(self._number, config=self.config, parent=parent)
        made = self._declared(workflow, flow, parent)
        made.nodes = _nodes_of(workflow)
        made.members |= {node.number for node in made.nodes.values()}
        self.placed += [Placed(lot, made.bid, number, made.at, None, is_node=True) for number, lot in lots.items()]
        workflow.start()
        made.fillings[0].body = time.monotonic()

    def append(self, made: Made, after: str) -> None:
        """Add a node to a workflow that may have finished."""
        workflow = Workflow(bid=made.bid, config=self.config)
        number, now = self._number(), time.monotonic()
        self.placed.append(Placed(_LATE, made.bid, number, now, None, is_node=True))
        name = f"late {number}"
        workflow.add(name, signed(_LATE, number), after=after, when="always")
        workflow.start()
        made.members.add(number)
        made.nodes[name] = Node(number, {after: "always"})

    def add(self, made: Made) -> None:
        """Add jobs to a batch that may have finished."""
        with Batch(made.bid, config=self.config).jobs():
            self._place(_MORE, made)

    def _declared(self, batch: Batch | Workflow, plan: Plan | Flow, parent: str | None) -> Made:
        """Give a batch or workflow its callbacks."""
        numbers: dict[Event, int] = {event: self._number() for event in EVENTS}
        for (event, number), fate in zip(numbers.items(), plan.fates, strict=True):
            batch.on(event, "chaos", number, 0.0, fate.value)
            self.callbacks[number] = fate
        made = Made(batch.bid, parent, numbers, plan.linger, time.monotonic(), is_unsure=plan.is_invalidated)
        made.fillings.append(Filling(made.at, is_first=True))
        self.made.append(made)
        return made

    def _place(self, lot: Lot, made: Made) -> None:
        first, begin, client = self._number(len(lot.seconds)), time.monotonic(), Client(self.config)
        payload = lot.payload(first, time.time())
        self.placed.append(Placed(lot, made.bid, first, begin, None))
        made.members |= set(self.placed[-1].numbers)
        if lot.slot is None:
            client.push_bulk(payload)
        else:
            self.placed[-1] = self.placed[-1]._replace(jid=client.push(payload))

    def _number(self, count: int = 1) -> int:
        self.next += count
        return self.next - count


def _nodes_of(workflow: Workflow) -> dict[str, Node]:
    """Return the nodes of a workflow that is not started yet, with groups told one by one."""
    groups = workflow.drafts.groups
    return {
        draft.name: Node(
            draft.item["args"][0],
            {of: policy for name, policy in draft.after.items() for of in groups.get(name, (name,))},
            is_delayed=draft.due is not None,
        )
        for draft in workflow.drafts.nodes
    }
