"""The scripts of a worker: reserving, acknowledging, giving back, rescuing, checkpoints and metrics."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from teep.wire import json
from teep.wire.command import Arg, Command
from teep.wire.commands import text
from teep.wire.keys import Key
from teep.wire.scripts.moves import Moves, read_moves
from teep.wire.scripts.script import ScriptCall, load
from teep.wire.scripts.step import Part


class Lane(NamedTuple):
    """A queue and this process's in-flight list of it, with the payloads that are done there."""

    name: str
    queue: Key
    inflight: Key
    done: Sequence[bytes]


class Lot(NamedTuple):
    """Done payloads of an in-flight list, and the parts that go along with each, of the same kinds for all.

    Each part takes one word or none.
    """

    inflight: Key
    done: list[bytes]
    along: list[tuple[Part, ...]]


class Exchanged(NamedTuple):
    """The result of an exchange: (queue name, payload) of reserved jobs, and the done ones that were not in flight.

    `refused` says by queue why Redis gave no jobs, and under "" why it did not count or list the paused queues.
    """

    reserved: list[tuple[str, bytes]]
    late: list[bytes]
    refused: dict[str, str]


def exchange(
    lanes: Sequence[Lane],
    limit: int,
    counters: tuple[Key, Key],
    paused: Key,
    ttl: int,
    lots: Sequence[Lot] = (),
) -> Command[Exchanged]:
    """Acknowledge done jobs, count them, and reserve up to `limit` jobs from the lanes in order, but paused ones.

    The parts that go along with jobs of the `lots` are carried out if these were in flight.

    Not idempotent: a repeat would reserve again. If the answer is lost, the reserved jobs lie in the
    in-flight lists.
    """
    done = [raw for lane in lanes for raw in lane.done]
    names, more = [part for lane in lanes for part in (lane.name, len(lane.done))], list[Arg]()
    touched = [*counters, paused, *(key for lane in lanes for key in (lane.queue, lane.inflight))]
    for lot in lots:
        _write_lot(lot, touched, more)
    told = [*done, *(raw for lot in lots for raw in lot.done)] if lots else done

    def read(reply: list[Any]) -> Exchanged:
        late, problem, *taken = reply
        refused = {"": text(problem)} if problem else {}
        reserved: list[tuple[str, bytes]] = []
        for lane, raws in zip(lanes, taken, strict=True):
            if isinstance(raws, bytes):
                refused[lane.name] = text(raws)
            else:
                reserved += ((lane.name, raw) for raw in raws)
        return Exchanged(reserved, [told[position - 1] for position in late], refused)

    return ScriptCall(
        load("running/exchange"), touched, (limit, ttl, len(lanes), *names, *done, *more), read, idempotent=False
    )


# Jobs of a lot that are sent together: Lua cannot hand many more values to a command at once.
_MOST = 1_000


def _write_lot(lot: Lot, touched: list[Key], words: list[Arg]) -> None:
    """Add the keys and the words of a lot to those of its script, part by part: Lua carries out many at once."""
    for start in range(0, len(lot.done), _MOST):
        raws, along = lot.done[start : start + _MOST], lot.along[start : start + _MOST]
        touched.append(lot.inflight)
        words += (len(raws), len(along[0]), *(part.name for part in along[0]), *raws)
        for column in zip(*along, strict=True):
            touched += [part.key for part in column]
            words += [word for part in column for word in part.words]


def in_flight_payloads(lists: Sequence[Key]) -> Command[list[list[bytes]]]:
    """Return the payloads of in-flight lists, each from the oldest on; a replica refuses to."""
    return ScriptCall(load("running/in_flight_payloads"), lists, (), read=list)


def give_back(inflight: Key, queue: Key, queues: Key, name: str, raws: Sequence[bytes]) -> Command[Moves]:
    """Put reserved jobs (oldest first) back into their queue; those no longer in flight are skipped."""
    return ScriptCall(load("running/give_back"), (inflight, queue, queues), (name, *raws), read=read_moves)


def rescue(inflight: Key, queue: Key, moves: Sequence[tuple[bytes, bytes]]) -> Command[Moves]:
    """Put jobs (oldest first) back to the tail of their queue, each as another payload: (payload there, new one)."""
    return ScriptCall(load("running/rescue"), (inflight, queue), tuple(chain.from_iterable(moves)), read=read_moves)


def requeue(inflight: Key, queue: Key, limit: int) -> Command[int]:
    """Put up to `limit` jobs of an in-flight list back, the oldest last, so that it is the next to run."""
    return ScriptCall(load("running/requeue"), (inflight, queue), (limit,), read=int)


def forget(owners: Key, suspects: Key, inflight: Sequence[Key], identity: str) -> Command[bool]:
    """Take a process out of the registry; False if one of its in-flight lists is not empty."""
    return ScriptCall(load("running/forget"), (owners, suspects, *inflight), (identity,), read=bool)


def keep_alive(process: Key, seconds: int, beat: str) -> Command[bool]:
    """Let a process's hash live for `seconds` more, with that time of its last beat; False if it had expired."""
    return ScriptCall(load("running/keep_alive"), (process,), (seconds, beat), read=bool)


class Elected(NamedTuple):
    """The result of standing for the leader: the identity that leads now, and its term."""

    leader: str
    term: int


def lead(
    lease: Key, term: Key, preferred: Key, identity: str, milliseconds: int, *, is_preferred: bool
) -> Command[Elected]:
    """Take the leader's lease if nobody has it, or renew one's own; a preferred process gets it from any other."""
    return ScriptCall(
        load("running/lead"),
        (lease, term, preferred),
        (identity, milliseconds, int(is_preferred)),
        read=lambda reply: Elected(text(reply[0]), int(reply[1])),
    )


def resign(lease: Key, preferred: Key, identity: str) -> Command[bool]:
    """Give up the leader's lease; False if it was another's."""
    return ScriptCall(load("running/resign"), (lease, preferred), (identity,), read=bool)


class Saved(NamedTuple):
    """The result of a checkpoint: if it was written (not if another run has the job), and if it was cancelled."""

    written: bool
    cancelled: bool


def checkpoint(
    iteration: Key, executions: int, cursor: bytes, runtime: float, ttl: int, lists: tuple[Key, Key], raw: bytes
) -> Command[Saved]:
    """Save the progress of an iterable job: its run's number, its cursor's JSON, and its seconds so far.

    To have its first place saved, the job `raw` must lie in one of the lists: in flight, or put back in its queue.
    """
    return ScriptCall(
        load("running/checkpoint"),
        (iteration, *lists),
        (executions, cursor, json.ruby_float(runtime), ttl, raw),
        read=lambda reply: Saved(bool(reply[0]), bool(reply[1])),
    )


def cancel_iteration(iteration: Key, now: int, ttl: int) -> Command[int]:
    """Mark a job as cancelled at `now` for iterable jobs to see; returns when it was first (epoch seconds)."""
    return ScriptCall(load("running/cancel_iteration"), (iteration,), (now, ttl), read=int)


def add_metrics(
    written: tuple[Key, int, int],
    hashes: tuple[tuple[Key, int], tuple[Key, int]],
    fields: Iterable[tuple[str, int]],
    histograms: Mapping[Key, Iterable[tuple[int, int]]],
) -> Command[bool]:
    """Add to the hashes of a minute and of its ten minutes, and to histograms; False if that was done before.

    `written` is (key, number, seconds that the number is kept); `hashes` are (key, seconds that they are kept), the
    minute's first; `fields` (name, number to add); `histograms`, kept as the minute is, (slot, number to add) by key.
    """
    (key, number, kept), (minute, ten_minutes) = written, hashes
    added: list[tuple[int, str | int, int]] = [(0, name, by) for name, by in fields]
    for place, slots in enumerate(histograms.values(), start=1):
        added += ((place, slot, by) for slot, by in slots)
    return ScriptCall(
        load("running/add_metrics"),
        (key, minute[0], ten_minutes[0], *histograms),
        (number, kept, minute[1], ten_minutes[1], *chain.from_iterable(added)),
        read=bool,
    )
