"""What is known of a batch: from the pusher that has made it, or from the journal of the job that has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from teep.store.batches import Event
from tests.chaos.journal import Run, Told
from tests.chaos.kinds import Fate
from tests.chaos.pushed import Pushed
from tests.chaos.timeline import Span

NEVER = float("inf")


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
    closed: list[float] = field(default_factory=list)
    """When it was found to have finished, by those that would have added jobs."""

    @property
    def made_by(self) -> float:
        """When Redis knew of it at the latest: with the first jobs that its block sent."""
        block = self.fillings[0]
        sent = block.pushes[block.every + 1 : block.every + 2] if block.every else []
        return min([*sent, NEVER if block.end is None else block.end])


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
            pushed |= {number: Pushed(Fate.SUCCEEDS, confirmed=False) for number in what["callbacks"].values()}
        case "fill":
            filling = Filling(entry.at, what["every"], is_first=not made[bid].fillings)
            open_ones[run, bid] = filling
            made[bid].fillings.append(filling)
        case "push":
            open_ones[run, bid].pushes.append(entry.at)
            open_ones[run, bid].numbers.append(what["number"])
            made[bid].members.add(what["number"])
            pushed[what["number"]] = Pushed(Fate(what["fate"]), confirmed=False, span=Span(entry.at, entry.at))
        case "body":
            open_ones[run, bid].body = entry.at
        case "filled":
            filling = open_ones.pop((run, bid))
            filling.end = entry.at
            made[bid].confirmed |= is_lasting
            for number in filling.numbers:
                pushed[number] = replace(
                    pushed[number], confirmed=is_lasting, span=Span(pushed[number].span.begin, entry.at)
                )
        case "closed":
            open_ones.pop((run, bid)).failed = True
            made[bid].closed.append(entry.at)
        case _:
            open_ones.pop((run, bid)).failed = True
            made[bid].is_unsure = True


def _weaken(batch: Made, pushed: dict[int, Pushed]) -> None:
    for number in batch.members:
        pushed[number] = replace(pushed[number], confirmed=False)
