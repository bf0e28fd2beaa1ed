"""Walks that take the jobs chosen by a filter out of a queue or a set, in batches of one script call each.

They walk once through the jobs that are there when they start. A job that someone else takes meanwhile is skipped.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from teep.api.jobs.selection.filters import Filter
from teep.errors import NotMoved, RedisCommandError
from teep.store.jobs import jobsets, queues
from teep.store.jobs.queues import Destination
from teep.wire import commands
from teep.wire.keys import Key
from teep.wire.scripts.moves import not_moved
from teep.wire.stored import Stored

B = TypeVar("B")

# Called after each slice with the number of jobs looked at, and of all jobs. If it returns False, the walk ends.
Progress = Callable[[int, int], object]
# A job of a set, and its score.
Chosen = tuple[Stored, float]
# An action on a batch; returns how many jobs it took.
Act = Callable[[Sequence[Chosen]], Awaitable[int]]
# Jobs per script call: a few milliseconds inside Redis at the most.
_BATCH = 500


async def take_from_queue(
    queue: str,
    chosen: Filter,
    to: Destination,
    rewrite: Callable[[Stored], bytes],
    at: float,
    *,
    dry_run: bool = False,
    on_progress: Progress | None = None,
) -> int:
    """Move the chosen jobs out of a queue, oldest first, as `rewrite` returns them; returns how many.

    `at` is their score if they go into a set.
    """
    total = await queues.size(queue)
    # Jobs that are pushed meanwhile lie beyond the limit, and so do those that this call moves to the same queue.
    walk = queues.Walk(queue, end="oldest", needles=chosen.needles, limit=total)
    score = commands.score(at)
    taken = 0
    refused: list[str] = []
    beside = ""
    while (raws := await walk.next()) is not None:
        for some in _batches([job for job in map(Stored, raws) if chosen.matches(job)]):
            if dry_run:
                taken += len(some)
                continue
            moves = [(job.raw, rewrite(job), score) for job in some]
            gone = await queues.take_out(queue, walk.place, moves, to)
            walk.removed(gone.moved)
            taken += gone.moved
            refused += gone.refused.values()
            beside = gone.beside or beside
        if on_progress is not None and on_progress(min(walk.examined, total), total) is False:
            break
    if refused:
        raise not_moved(refused, taken)
    if beside:
        raise RedisCommandError(f"{beside}; {taken} jobs are gone from there all the same")
    return taken


async def delete_class(queue: str, klass: str) -> int:
    """Delete the jobs of one class from a queue; returns how many."""
    return await take_from_queue(queue, Filter.of_class(klass), queues.NOWHERE, as_it_is, 0.0)


async def take_from_set(
    key: Key, chosen: Filter, act: Act, *, dry_run: bool = False, on_progress: Progress | None = None
) -> int:
    """Act on the chosen jobs of a set, from the highest score down; returns how many.

    Raises:
        NotMoved: Redis refused some of them.
    """
    walk = jobsets.Walk(key, needles=chosen.needles)
    total = await jobsets.size(key)
    taken = 0
    refusal: NotMoved | None = None
    while (entries := await walk.next()) is not None:
        for some in _batches(chosen_of(entries, chosen)):
            try:
                taken += len(some) if dry_run else await act(some)
            except NotMoved as error:
                taken += error.moved
                refusal = refusal or error
        if on_progress is not None and on_progress(min(walk.examined, total), total) is False:
            break
    if refusal is not None:
        raise NotMoved(str(refusal), taken)
    return taken


def chosen_of(entries: Sequence[jobsets.Entry], chosen: Filter) -> list[Chosen]:
    """Return the entries of a slice of a set that a filter chooses."""
    found = [(Stored(raw), at) for raw, at in entries]
    return [entry for entry in found if chosen.matches(entry[0])]


def as_it_is(stored: Stored) -> bytes:
    """Return the bytes of a job that goes elsewhere unchanged."""
    return stored.raw


def _batches(items: list[B]) -> Iterator[list[B]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
