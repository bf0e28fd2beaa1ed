"""The last runs of each entry: 25 by their jids, each with its tick and its outcome."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from teep.wire import commands, keys
from teep.wire.scripts.step import Part


class RunRecord(NamedTuple):
    """A run of an entry: its job, its tick (None: it was asked for), when it was queued, and how it ended, if it has.

    Times are epoch seconds. `state` is "queued" (or it runs, or is retried), "done", "dead", "discarded", "expired",
    "cancelled", "deleted"; or why no job was pushed: "overlap", "unique", "stopped" by a middleware, or "missed".
    """

    jid: str
    tick: float | None
    queued_at: float
    state: str
    ended_at: float | None


def note(name: str, jid: str, run: RunRecord) -> Part:
    """Return the part of a step by which an entry remembers a run."""
    words = [_time(run.tick), _time(run.queued_at), run.state]
    if run.ended_at is not None:
        words.append(_time(run.ended_at))
    return Part("periodic.note", keys.periodic_runs(name), (jid, " ".join(words)))


def ended(name: str, jid: str, state: str, now: float) -> Part:
    """Return the part by which an entry hears how a run ended."""
    return Part("periodic.ended", keys.periodic_runs(name), (f"{jid} {state} {_time(now)}",))


def _time(moment: float | None) -> str:
    return "-" if moment is None else commands.score(moment)


async def of(name: str) -> list[RunRecord]:
    """Return the last runs of an entry, the newest first. One round trip."""
    return _runs(await commands.hgetall(keys.periodic_runs(name)))


async def of_all(names: Collection[str]) -> dict[str, list[RunRecord]]:
    """Return the last runs of several entries, by name. One round trip."""
    found = await commands.pipeline_of(commands.hgetall(keys.periodic_runs(name)) for name in names)
    return {name: _runs(fields) for name, fields in zip(names, found, strict=True)}


def _runs(fields: Mapping[str, bytes]) -> list[RunRecord]:
    return [run for jid in sorted(fields, reverse=True) if (run := _run(jid, fields[jid])) is not None]


def _run(jid: str, raw: bytes) -> RunRecord | None:
    try:
        tick, queued_at, state, *ended_at = raw.decode().split(" ")
        return RunRecord(
            jid,
            None if tick == "-" else float(tick),
            float(queued_at),
            state,
            float(ended_at[0]) if ended_at else None,
        )
    except ValueError:  # damaged: no reason to hide the others
        return None
