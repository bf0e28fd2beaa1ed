"""Firing ticks: the job of a tick, and the step that pushes it once."""

from collections.abc import Sequence

from teep.store.feature import Pushing
from teep.store.periodic import runs
from teep.store.periodic.entries import Entry, Stored
from teep.store.periodic.runs import RunRecord
from teep.wire import commands, keys
from teep.wire.command import Command
from teep.wire.payload import Item
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step, Told

FIELD, TICK = "periodic", "tick"
"""The fields of a payload: the name of its entry, and the tick (epoch seconds) that it is for."""

_LOCK = "unique_lock"
# Seconds after which the lock of an entry without overlap is let go, should its job have been lost.
_LONGEST = 86_400


def jid_of(name: str, tick: float) -> str:
    """Return the jid of a tick's job, the same in each process: 12 hex digits of its time, and 12 of a digest."""
    return f"{int(tick * 1000):012x}{_digest(f'{name} {tick!r}')[:12]}"


def spread(name: str, tick: float, jitter: float) -> float:
    """Return when a tick's job is to be queued: later by up to `jitter` seconds, the same in each process."""
    part = int(_digest(f"jitter {name} {tick!r}")[:8], 16) / 0xFFFFFFFF
    return tick + jitter * part


def job_of(entry: Entry, tick: float | None = None) -> Item:
    """Return the payload to push for a tick, or for a run that someone asks for."""
    item = {**entry.job, FIELD: entry.name}
    if entry.overlap == "skip":
        item[_LOCK] = _lock(entry.name)
    if tick is None:
        return item
    item |= {TICK: int(tick) if tick == int(tick) else tick, "jid": jid_of(entry.name, tick)}
    return item | {"at": spread(entry.name, tick, entry.jitter)} if entry.jitter else item


def _lock(name: str) -> str:
    """Return the digest that names the lock of an entry without overlap."""
    return _digest(f"periodic {name}")


def _digest(words: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - brings OpenSSL, which most programs do not need yet

    return sha256(words.encode()).hexdigest()


def of_push(item: Item, pushing: Pushing) -> Parts:
    """Return the parts of the push of an entry's job: its entry remembers the run, and has a lock if it needs one."""
    name, jid, tick = item[FIELD], item["jid"], item.get(TICK)
    run = RunRecord(
        jid,
        float(tick) if isinstance(tick, (int, float)) else None,
        max(pushing.now, item.get("at") or 0.0),
        "queued",
        None,
    )
    remembered = Parts(along=(runs.note(name, jid, run),))
    if _LOCK not in item or item[_LOCK] != _lock(name):
        return remembered
    lock = keys.unique(_lock(name))
    return remembered.joined(
        Parts(
            guards=(Part("unique.free_or_mine", lock, (jid,)),),
            effects=(Part("unique.lock", lock, (jid, _LONGEST * 1000)),),
        )
    )


def due(each: Stored, tick: float) -> Parts:
    """Return the parts that fire a tick: the entry is as it was read and goes on, and its last tick is that one."""
    name = each.entry.name
    return Parts(
        guards=(
            Part("periodic.unchanged", keys.periodic(), (name, each.raw)),
            Part("periodic.unpaused", keys.periodic_paused(), (name,)),
            Part(
                "periodic.due", keys.periodic_last(), (name, "" if each.last is None else commands.score(each.last))
            ),
        ),
        effects=(Part("periodic.fired", keys.periodic_last(), (name, commands.score(tick))),),
    )


def passed(each: Stored, tick: float, state: str, now: float) -> Step:
    """Return the step that lets a tick pass without a job, and notes why."""
    name = each.entry.name
    run = RunRecord(jid_of(name, tick), tick, now, state, now)
    return Step(due(each, tick).joined(Parts(along=(runs.note(name, run.jid, run),))))


def carry_out(steps: Sequence[Step]) -> Command[list[Told]]:
    """Fire ticks, each independently of the others. A repeat is harmless, for each tick is fired once."""
    return step.carry_out(steps, repeatable=True)
