"""Removing jobs for good, each in one step with the parts that go along with its end, such as freeing its lock.

Most jobs have no such parts, and are removed many at a time. `lua/moving/drop.lua` leaves a slice alone if it
finds some in it that have; these are then removed by steps of their own, before the rest of the slice.
"""

from collections.abc import Sequence
from typing import Literal

from teep.errors import RedisCommandError
from teep.store import features
from teep.store.running import oversize
from teep.wire import commands, scripts
from teep.wire.keys import Key
from teep.wire.scripts import Cut, step
from teep.wire.scripts.moves import not_moved
from teep.wire.scripts.step import Parts, Place, Step, Told

Kind = Literal["list", "zset"]

# Jobs that are removed at a time: a few milliseconds inside Redis.
SLICE = 5_000


async def remove(kind: Kind, key: Key, raws: Sequence[bytes]) -> int:
    """Remove jobs by their exact bytes; returns how many were there. One round trip, more if they are large.

    Raises:
        NotMoved: Redis refused some, which stay.
        RedisCommandError: it refused the parts that go along with some, which are removed all the same.
    """
    steps: list[Step] = []
    plain: list[bytes] = []
    for raw in raws:
        along = features.on_end(raw, "deleted")
        if along or kind == "list":
            steps.append(Step(Parts(along=along), Place(kind, key), raw))
        else:
            plain.append(raw)
    count = await commands.zrem(key, *plain) if plain else 0
    told: list[Told] = []
    for some in oversize.portions(steps, _size):
        told += await step.carry_out(some, repeatable=True)
    count += sum(each.done for each in told)
    if refused := [each.refused for each in told if each.refused]:
        raise not_moved(refused, count)
    if beside := [each.beside for each in told if each.beside]:
        raise RedisCommandError(f"{beside[0]}; the job is removed all the same")
    return count


async def remove_lowest(key: Key, *cuts: Cut, listed: tuple[Key, str] | None = None) -> int:
    """Remove jobs from the lowest up to a rank or score; returns how many. See `scripts.drop`.

    One round trip, one more per 5000 jobs, and two more for a slice with jobs that have parts which go along.
    """
    removed = 0
    left: Sequence[Cut] = cuts
    while left:
        told = await commands.pipeline_of(scripts.drop(key, cut, SLICE, features.needles(), listed) for cut in left)
        for (kind, _), (gone, special) in zip(left, told, strict=True):
            removed += gone
            if special:
                removed += await remove("list" if kind == "list" else "zset", key, special)
        left = [cut for cut, (gone, special) in zip(left, told, strict=True) if special or gone == SLICE]
    return removed


def _size(each: Step) -> int:
    return len(each.raw)
