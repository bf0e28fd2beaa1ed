"""The account of batches: each event once and never before its time, and none that waits for ever."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from teep.store.batches import EVENTS, Event
from tests.chaos.batches.holding import unheld
from tests.chaos.batches.made import NEVER, Ends, Made, Node
from tests.chaos.batches.nodes import Child, Nodes
from tests.chaos.causes import Causes
from tests.chaos.journal import Run
from tests.chaos.life import Life

_WAITING: tuple[Event, ...] = ("complete", "success", "finish")
# By how much the clock of an event and that of the end of a job may differ (seconds).
_SLACK = 0.05
# Seconds within which the end of a batch's last job ends the batch, on a busy machine; later the leader's look does.
_ENDED_WITHIN = 3.0
# Seconds after the end of a job within which its workflow hears of that.
_TOLD_WITHIN = 2.0
# How often a job that is rescued keeps the moment at which it was queued; then it waits in the scheduled set.
_LAST_CHANCE = 2


@dataclass
class Account:
    """What is known of each batch, held against the runs of its jobs and of its callbacks.

    1. Each batch that is there has finished, and completed before. One whose jobs all succeeded, and its children's,
       had its success, and no other did; one of which a job died heard of the first death.
    2. No event came before its time: by the moment at which its callback was queued, each job had come to the end
       that it waits for, each child had finished, and each block was closed that sent its jobs in several steps, or
       its lease had ended.
    3. Each callback that was pushed was pushed once, and ran.
    4. Nobody was told that a batch had finished that had not.
    5. A batch finished with its last job, not by the leader's look, if no block broke off and Redis refused nothing.

    Behind Sentinel a failover may make Redis forget an event, which then comes once more, and what came before it.
    """

    made: Mapping[str, Made]
    lives: Mapping[int, Life]
    causes: Causes
    offset: float
    """What the epoch seconds are ahead of the monotonic ones."""
    there: Collection[str] = ()
    """The bids of the batches that Redis holds at the end."""
    may_forget: bool = False
    problems: list[str] = field(default_factory=list)
    offending: set[int] = field(default_factory=set)
    stuck: int = 0
    _wrong: set[str] = field(default_factory=set)

    @property
    def undecided(self) -> set[int]:
        """The numbers of callbacks and nodes, which only Redis pushes, if it does."""
        return self._callbacks.keys() | self._nodes_by_number.keys()

    def tally(self) -> Counter[str]:
        """Return what there was, by what it is called in the printed account."""
        counted = Counter[str](batches=len(self.made), stuck=self.stuck)
        for batch in self.made.values():
            numbers = [node.number for node in batch.nodes.values()]
            counted["workflows"] += bool(numbers)
            counted["nodes"] += len(numbers)
            counted["nodes that were never pushed"] += sum(not self.lives[number].runs for number in numbers)
            counted["child batches"] += batch.parent is not None
            counted["blocks that broke off"] += sum(each.body is None for each in batch.fillings)
            counted["invalidated, or not confirmed"] += batch.is_unsure
            counted["refused more jobs, as they had finished"] += bool(batch.closed)
            counted["jobs of batches"] += len(self._members(batch))
            for event in EVENTS:
                counted[f"events {event}"] += self.at(batch, event) != NEVER
        return counted

    def __post_init__(self) -> None:
        self._children: dict[str, list[Made]] = {bid: [] for bid in self.made}
        for batch in self.made.values():
            if batch.parent in self._children and self._exists(batch):
                self._children[batch.parent].append(batch)
        self._callbacks: dict[int, tuple[Made, Event]] = {
            number: (batch, event) for batch in self.made.values() for event, number in batch.callbacks.items()
        }
        self._nodes_by_number = {node.number: node for batch in self.made.values() for node in batch.nodes.values()}
        for batch in self.made.values():
            for event in EVENTS:
                self._check_once(batch, event)
            for problem in self._of(batch):
                self.complain(batch.bid, problem)

    def complain(self, bid: str, what: str) -> None:
        """Note that something is wrong with a batch."""
        batch = self.made[bid]
        self.problems.append(f"batch {bid} {what}")
        self._wrong.add(bid)
        self.offending |= set(batch.callbacks.values()) | batch.members

    def at(self, batch: Made, event: Event) -> float:
        """Return when an event was, by the moment at which its callback was queued; NEVER if it was not."""
        turns = self._turns(batch.callbacks[event])
        return turns[0] if turns else NEVER

    def _turns(self, number: int) -> list[float]:
        """Return each moment at which a job was queued for its first attempt; not those of going on after a pause."""
        runs = [run for run in self.lives[number].runs if run.attempt == 1 and run.rescues < _LAST_CHANCE]
        put_back = {later.turn for run, later in pairwise(runs) if run.outcome == "interrupted"}
        return sorted({float(run.turn) - self.offset for run in runs if run.turn not in put_back})

    def _exists(self, batch: Made) -> bool:
        """Tell whether there was such a batch, and no failover can have made Redis forget it."""
        if batch.confirmed or batch.bid in self.there:
            return True
        numbers = {*batch.members, *batch.callbacks.values()}
        return not self.may_forget and any(self.lives[number].runs for number in numbers)

    def _members(self, batch: Made) -> dict[int, Ends]:
        """Return the ends of a batch's jobs by number, those of the callbacks of its children included."""
        numbers = [number for number in batch.members if _is_there(self.lives[number])]
        callbacks = [number for child in self._children[batch.bid] for number in child.callbacks.values()]
        numbers += [number for number in callbacks if self.lives[number].runs]
        return {number: self._ends(number) for number in numbers}

    def _ends(self, number: int) -> Ends:
        """Return the ends of a job. If Redis may have refused to note that of a node, it may count as discarded."""
        life = self.lives[number]
        ends = Ends.of(life)
        if number not in self._nodes_by_number:
            return ends
        told = [run.end for run in life.runs if run.finished and run.end is not None]
        unheard = [end for end in told if self.causes.refused(end, end + _TOLD_WITHIN)]
        return ends._replace(discarded=min([ends.discarded, *unheard]))

    def _of(self, batch: Made) -> Iterator[str]:
        members = self._members(batch)
        yield from self._missing(batch, members)
        if batch.nodes:
            yield from self._nodes_of(batch)
        yield from self._early(batch, members)
        yield from self._late(batch)
        yield from self._closed_early(batch)
        yield from self._after_deletion(batch)

    def _missing(self, batch: Made, members: Mapping[int, Ends]) -> Iterator[str]:
        """Yield which events did not come, or came and should not have, unless a failover has undone why."""
        wanted: set[Event] = {"complete", "finish"}
        if self._succeeded(batch, surely=True):
            wanted.add("success")
        if not batch.is_unsure and any(ends.kinds == {"dead"} for ends in members.values()):
            wanted.add("death")
        wanted = wanted if self._exists(batch) else set()
        for event in EVENTS:
            life = self.lives[batch.callbacks[event]]
            if event in wanted and not (life.came_to_its_end or life.poisoned):
                self.stuck += event == "finish"
                yield f"had no {event}"
        if self._precedes(self.at(batch, "success"), NEVER) and not self._succeeded(batch, surely=False):
            yield "had a success, and not all of its jobs did"
        may_be_dead = any("dead" in ends.kinds for ends in members.values())
        if self._precedes(self.at(batch, "death"), NEVER) and not may_be_dead:
            yield "heard of a death, and none of its jobs died"

    def _succeeded(self, batch: Made, *, surely: bool) -> bool:
        """Tell whether all jobs of a batch and of its children have succeeded for sure, or may have."""
        members = self._members(batch)
        if batch.nodes:
            nodes = self._nodes(batch)
            if not (nodes.all_succeeded if surely else nodes.may_succeed):
                return False
        if surely and (batch.is_unsure or any(ends.kinds != {"done"} for ends in members.values())):
            return False
        if not all("done" in ends.kinds or self._may_be_forgotten(number) for number, ends in members.items()):
            return False
        return all(self._succeeded(child, surely=surely) for child in self._children[batch.bid])

    def _early(self, batch: Made, members: Mapping[int, Ends]) -> Iterator[str]:
        """Yield which events came before a job of the batch, or a child, was so far."""
        came = {event: self.at(batch, event) for event in EVENTS}
        for number, ends in members.items():
            # A block that broke off may have sent its jobs later than it says.
            before = NEVER if number in batch.unsure else self._added(number)
            dues: dict[Event, float] = {"complete": ends.tried, "success": ends.done, "finish": ends.over}
            for event, due in dues.items():
                # What is added to a batch that has completed is waited for by the other two.
                is_of_it = event != "complete" or before < came["complete"]
                if is_of_it and self._precedes(came[event], due) and not self._may_be_forgotten(number):
                    self.offending.add(number)
                    yield f"had its {event} before job {number} was so far"
        for child in self._children[batch.bid]:
            finished = self.at(child, "finish")
            for event in _WAITING:
                if self._precedes(came[event], finished) and (event != "complete" or child.made_by < came[event]):
                    yield f"had its {event} before its child {child.bid} had finished"
        first = min((ends.dead for ends in members.values()), default=NEVER)
        if self._precedes(came["death"], first):
            yield "heard of a death before there was one"
        order = [came[event] for event in _WAITING if came[event] != NEVER]
        if any(self._precedes(earlier, later) for later, earlier in pairwise(order)):
            yield "had its events in the wrong order"
        for filling in batch.fillings:
            yield from unheld(filling, min(came[event] for event in _WAITING), self._precedes)

    def _may_be_forgotten(self, number: int) -> bool:
        """Tell whether a failover may have made Redis forget that there was a job, before it had come to its end."""
        life = self.lives[number]
        return self.may_forget and self.causes.failed_over(life.job.span.begin, Ends.of(life).over)

    def _added(self, number: int) -> float:
        """Return when a job was one of its batch at the latest; a callback of a child is that once it is pushed."""
        if number in self._callbacks:
            return self.at(*self._callbacks[number])
        return self.lives[number].job.span.end

    def _precedes(self, event: float, due: float) -> bool:
        """Tell whether an event came before something that it had to wait for, and no failover excuses it."""
        if event + _SLACK >= due or event == NEVER:
            return False
        return not self.causes.failed_over(event, due)

    def _check_once(self, batch: Made, event: Event) -> None:
        turns = self._turns(batch.callbacks[event])
        if len(turns) > 1 and not self.causes.failed_over(turns[0], turns[-1]):
            self.complain(batch.bid, f"had its {event} {len(turns)} times")

    def _nodes_of(self, batch: Made) -> Iterator[str]:
        """Yield what is wrong with the nodes of a workflow."""
        is_sure = not batch.is_unsure and self._exists(batch)
        for number, what in self._nodes(batch).problems(
            is_sure=lambda number: is_sure and not self._may_be_forgotten(number)
        ):
            self.offending.add(number)
            yield what
        for name, node in batch.nodes.items():
            turns = self._turns(node.number)
            if len(turns) > 1 and not self._is_delayed(node) and not self.causes.failed_over(turns[0], turns[-1]):
                yield f"had node {name} pushed {len(turns)} times"

    def _nodes(self, batch: Made) -> Nodes:
        numbers = {name: node.number for name, node in batch.nodes.items()}
        ends = {number: self._ends(number) for number in numbers.values()}
        children = {
            name: [self._child(child) for child in self._children[batch.bid] if child.parent_node == name]
            for name in batch.nodes
        }
        delayed = {node.number for node in batch.nodes.values() if self._is_delayed(node)}
        return Nodes(batch, ends, lambda number: self._pushed_at(number, number in delayed), children, self._precedes)

    def _is_delayed(self, node: Node) -> bool:
        """Tell whether a node waits in the scheduled set, for its delay or for its limit."""
        return node.is_delayed or self.lives[node.number].job.limited

    def _child(self, batch: Made) -> Child:
        return Child(
            batch.bid,
            batch.made_by,
            self.at(batch, "finish"),
            may_fall=not self._succeeded(batch, surely=True),
            must_fall=not self._succeeded(batch, surely=False),
        )

    def _pushed_at(self, number: int, is_delayed: bool) -> float:
        """Return when a job was pushed; one that is delayed went by the clock of a worker, so that is when it ran."""
        runs = self.lives[number].runs
        turns = self._turns(number)
        if not runs:
            return NEVER
        return runs[0].start if is_delayed or not turns else min(turns[0], runs[0].start)

    def _late(self, batch: Made) -> Iterator[str]:
        """Yield that a batch finished only some time after all that it had to wait for."""
        finished = self.at(batch, "finish")
        lives = [self.lives[number] for number in self._members(batch)]
        is_open = batch.is_unsure or any(life.poisoned for life in lives)
        if finished == NEVER or is_open or self.causes.refused(batch.at, finished):
            return
        runs = [run for life in lives for run in life.runs if run.start <= finished]
        ends = [life.job.deleted.end for life in lives if life.job.deleted is not None]
        ends += [self.at(child, "finish") for child in self._children[batch.bid]]
        ends += [filling.body for filling in batch.fillings if filling.body is not None]
        since = [self.causes.awake(run.pid, run.last, finished) for run in runs]
        since += [self.causes.answered(end, finished) for end in ends if end <= finished]
        if min(since, default=0.0) > _ENDED_WITHIN and not self.causes.failed_over(batch.at, finished):
            yield f"finished {min(since):.3f} s after all that it waited for"

    def _closed_early(self, batch: Made) -> Iterator[str]:
        finished = self.at(batch, "finish")
        for at in batch.closed if self._exists(batch) else ():  # one that was never made takes no jobs, either
            if finished > at + _SLACK and not self.causes.failed_over(batch.at, at):
                yield f"counted as finished {finished - at:.3f} s before it had"

    def _after_deletion(self, batch: Made) -> Iterator[str]:
        for number in batch.members:
            life = self.lives[number]
            deleted = life.job.deleted if life.job.confirmed else None
            if deleted is not None and any(self._is_after(run, deleted.end) for run in life.runs):
                yield f"had job {number} run after it was deleted"

    def _is_after(self, run: Run, deleted: float) -> bool:
        """Tell whether a run began after its job was deleted; one that was given up may have had it in flight."""
        return run.start > deleted and not (self.causes.given_up(run) or self.causes.failed_over(deleted, run.start))

    def stories(self) -> list[str]:
        """Return the lines that tell of each batch with which something is wrong."""
        lines: list[str] = []
        for bid in sorted(self._wrong):
            batch = self.made[bid]
            lines += batch.story(self._members(batch), {event: self.at(batch, event) for event in EVENTS})
        return lines


def _is_there(life: Life) -> bool:
    return not life.job.refused and (life.job.confirmed or bool(life.runs) or life.job.deleted is not None)
