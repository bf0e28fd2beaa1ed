"""What is known of a batch: from the pusher that has made it, or from the journal of the job that has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec

from teep.store.batches import Event
from teep.store.nodes import Policy
from tests.chaos.journal import Run, Told
from tests.chaos.kinds import Fate
from tests.chaos.life import Life
from tests.chaos.pushed import Pushed
from tests.chaos.timeline import Span

NEVER = float("inf")
UNKNOWN = -NEVER


class Ends(NamedTuple):
    """When a job may have come to each end for the first time, and when it had been tried; NEVER: not at all."""

    done: float
    dead: float
    discarded: float
    tried: float

    @classmethod
    def of(cls, life: Life) -> "Ends":
        def first(*outcomes: str) -> float:
            return min((run.end or NEVER for run in life.runs if run.outcome in outcomes), default=NEVER)

        deleted = NEVER if life.job.deleted is None else life.job.deleted.begin
        dies = life.came_to_its_end and first("done") == NEVER
        dead = UNKNOWN if life.poisoned else first("failed") if dies else NEVER
        dropped = min(first("expired", "skipped"), deleted)
        return cls(first("done"), dead, dropped, min(first("done", "failed"), dropped, dead))

    @property
    def over(self) -> float:
        return min(self.done, self.dead, self.discarded)

    @property
    def kinds(self) -> set[str]:
        return {kind for kind in ("done", "dead", "discarded") if getattr(self, kind) != NEVER}


@dataclass
class Filling:
    """A block of a batch, in monotonic seconds: when it began, each push, when its body was through, and all sent.

    `every` is after how many jobs it sends some; 0 if all goes at its end.
    """

    begin: float
    every: int = 0
    is_first: bool = False
    body: float | None = None
    end: float | None = None
    failed: bool = False
    pushes: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


class Node(NamedTuple):
    """A node of a workflow: its number, and the nodes that it comes after by which policies.

    `is_delayed`: it is due some time after those, by the clock of the worker that looks for what is due.
    """

    number: int
    after: Mapping[str, Policy]
    is_delayed: bool = False


@dataclass
class Made:
    """A batch. `callbacks` has their numbers by event, `confirmed` tells whether it was certainly made whole.

    `is_unsure`: jobs of it may be skipped, missing or discarded, since it was invalidated or a block failed.
    """

    bid: str
    parent: str | None
    callbacks: Mapping[Event, int]
    linger: float
    at: float
    confirmed: bool = False
    is_unsure: bool = False
    members: set[int] = field(default_factory=set)
    fillings: list[Filling] = field(default_factory=list)
    parent_node: str | None = None
    """The node of its parent that is over only when it is."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """Those of a workflow; each comes behind those that it comes after."""
    closed: list[float] = field(default_factory=list)
    """When it was found to have finished, by those that would have added jobs."""

    @property
    def unsure(self) -> set[int]:
        """The numbers of jobs and nodes that it may not have: Redis failed, or their maker died."""
        return {number for filling in self.fillings if filling.end is None for number in filling.numbers}

    @property
    def made_by(self) -> float:
        """When Redis knew of it at the latest: with the first jobs that its block sent."""
        block = self.fillings[0]
        sent = block.pushes[block.every + 1 : block.every + 2] if block.every else []
        return min([*sent, NEVER if block.end is None else block.end])

    def story(self, members: Mapping[int, Ends], at: Mapping[Event, float]) -> list[str]:
        """Return the lines that tell of it: when its events were, what became of its jobs, and its nodes."""
        return [
            f"batch {self.bid} of {self.parent}: confirmed {self.confirmed}, unsure {self.is_unsure}, {self.at:.3f}",
            "  events: " + ", ".join(f"{e} (job {n}) at {at[e]:.3f}" for e, n in self.callbacks.items()),
            "  jobs: " + ", ".join(f"{n} {'/'.join(sorted(ends.kinds)) or 'open'}" for n, ends in members.items()),
            *(f"  {filling}" for filling in self.fillings),
            *(f"  node {name}: {node}" for name, node in self.nodes.items()),
        ]


def told(runs: Iterable[Run], made: dict[str, Made], pushed: dict[int, Pushed], *, is_lasting: bool) -> None:
    """Add the batches and jobs of which jobs have written.

    `is_lasting`: what Redis has confirmed to a job is there for good, so these jobs must run.
    """
    entries = sorted(((each, run) for run in runs for each in run.told), key=lambda pair: pair[0].at)
    open_ones: dict[tuple[str, str], Filling] = {}
    for entry, run in entries:
        _take(entry, f"{run.pid} {run.jid} {run.start}", made, pushed, open_ones, is_lasting=is_lasting)
    for (_, bid), filling in open_ones.items():
        made[bid].is_unsure = True  # it was killed in the midst of its block
        filling.failed = filling.body is not None
    for batch in made.values():
        if batch.is_unsure:
            _weaken(batch, pushed)


def _take(
    entry: Told,
    run: str,
    made: dict[str, Made],
    pushed: dict[int, Pushed],
    open_ones: dict[tuple[str, str], Filling],
    *,
    is_lasting: bool,
) -> None:
    what: dict[str, Any] = msgspec.json.decode(entry.text)
    bid = what["bid"]
    match what["did"]:
        case "open":
            made[bid] = Made(bid, what["parent"], what["callbacks"], what["linger"], entry.at)
            made[bid].parent_node = what["node"]
            pushed |= {number: Pushed(Fate.SUCCEEDS, confirmed=False) for number in what["callbacks"].values()}
        case "fill":
            filling = Filling(entry.at, what["every"], is_first=not made[bid].fillings)
            open_ones[run, bid] = filling
            made[bid].fillings.append(filling)
        case "push":
            open_ones[run, bid].pushes.append(entry.at)
            open_ones[run, bid].numbers.append(what["number"])
            made[bid].members.add(what["number"])
            if what["node"]:
                made[bid].nodes[what["node"]] = Node(what["number"], what["after"])
            pushed[what["number"]] = Pushed(Fate(what["fate"]), confirmed=False, span=Span(entry.at, entry.at))
        case "body":
            open_ones[run, bid].body = entry.at
        case "filled":
            filling = open_ones.pop((run, bid))
            filling.end = entry.at
            made[bid].confirmed |= is_lasting
            confirmed = is_lasting and not made[bid].nodes  # whether a node is pushed, its workflow decides
            for number in filling.numbers:
                span = Span(pushed[number].span.begin, entry.at)
                pushed[number] = replace(pushed[number], confirmed=confirmed, span=span)
        case "closed":
            filling = open_ones.pop((run, bid))
            filling.failed = True
            made[bid].nodes = {
                name: node for name, node in made[bid].nodes.items() if node.number not in filling.numbers
            }
            made[bid].closed.append(entry.at)
        case _:
            open_ones.pop((run, bid)).failed = True
            made[bid].is_unsure = True


def _weaken(batch: Made, pushed: dict[int, Pushed]) -> None:
    for number in batch.members:
        pushed[number] = replace(pushed[number], confirmed=False)
