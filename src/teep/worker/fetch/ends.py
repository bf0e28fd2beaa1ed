"""The ends of jobs that Redis has not been told of yet."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from teep.store.running.outcome import Outcome, over, size
from teep.store.running.oversize import PORTION
from teep.worker.fetch.unit import UnitOfWork

T = TypeVar("T")
Ended = tuple[UnitOfWork, Outcome]


@dataclass(slots=True)
class Batch:
    """Ends that Redis is told of together.

    `done` are jobs to acknowledge, and so are those of `along`, with whose success further parts go along. `others`
    take an atomic step each.
    """

    done: list[UnitOfWork]
    along: list[UnitOfWork]
    others: list[Ended]

    def __len__(self) -> int:
        return len(self.done) + len(self.along) + len(self.others)

    @property
    def acknowledged(self) -> list[UnitOfWork]:
        """The jobs that an exchange acknowledges."""
        return [*self.done, *self.along] if self.along else self.done

    @property
    def may_be_joined(self) -> bool:
        """Whether the others fit into one message with the rest: a server may hang up on a large one."""
        return not self.others or sum(size(outcome) for _, outcome in self.others) <= PORTION

    def drop(self, is_gone: Callable[[UnitOfWork], bool]) -> None:
        """Leave out the ends of jobs that are no longer ours."""
        self.done = [job for job in self.done if not is_gone(job)]
        self.along = [job for job in self.along if not is_gone(job)]
        self.others = [end for end in self.others if not is_gone(end[0])]

    def set_large_apart(self) -> None:
        """Move large jobs to the others, which are told one by one: a server may have hung up on them."""
        large = [job for job in self.acknowledged if _is_large(job)]
        if large:
            self.done = [job for job in self.done if not _is_large(job)]
            self.along = [job for job in self.along if not _is_large(job)]
            self.others = [apart(job) for job in large] + self.others


class Ends:
    """The ends of a capsule's jobs, sorted as in `Batch`; any thread may append to them."""

    def __init__(self) -> None:
        self.done: deque[UnitOfWork] = deque()
        self.along: deque[UnitOfWork] = deque()
        self._others: deque[Ended] = deque()

    def add(self, job: UnitOfWork, outcome: Outcome) -> None:
        """Note a job's outcome that takes a step of its own."""
        self._others.append((job, outcome))

    def add_others(self, ended: Sequence[Ended]) -> None:
        """Note ends that take an atomic step each."""
        self._others.extend(ended)

    def take(self) -> Batch:
        """Take all ends."""
        return Batch(drain(self.done), drain(self.along), drain(self._others))

    def put_back(self, batch: Batch) -> None:
        """Put a batch back, before ends that came meanwhile."""
        self.done.extendleft(reversed(batch.done))
        self.along.extendleft(reversed(batch.along))
        self._others.extendleft(reversed(batch.others))

    def first(self) -> object:
        """Return an end that has waited longest, or None if there is none."""
        return first(self.done) or first(self.along) or first(self._others)


def apart(job: UnitOfWork) -> Ended:
    """Return the end of a job that succeeded as a step of its own."""
    return job, over(job.queue, job.raw, "done", along=job.along)


def drain(items: "deque[T]") -> list[T]:
    """Take everything out. Items that threads append meanwhile stay."""
    return [items.popleft() for _ in range(len(items))]


def first(items: "deque[T]") -> T | None:
    """Return the first item, or None if there is none; threads may take it meanwhile."""
    try:
        return items[0]
    except IndexError:
        return None


def by_queue(jobs: Iterable[UnitOfWork]) -> dict[str, list[bytes]]:
    """Return the payloads of jobs, by queue."""
    found: dict[str, list[bytes]] = {}
    for job in jobs:
        found.setdefault(job.queue, []).append(job.raw)
    return found


def _is_large(job: UnitOfWork) -> bool:
    return len(job.raw) > PORTION
