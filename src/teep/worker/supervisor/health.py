"""The health of a supervisor's workers, as `/live` and `/ready` show it."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from teep.config import Config
from teep.worker.health.health import Report
from teep.worker.health.watchdog import LAST_RESORT, STUCK
from teep.worker.supervisor.child import Child
from teep.worker.supervisor.slots import Slot

# Workers report once a second. One that has not for so many seconds counts as not taking jobs.
_SILENT = 5.0


def report_on(config: Config, slots: Sequence[Slot], leaving: Sequence[Child], now: float) -> Report:
    """Sum up the workers.

    Ready: a worker takes jobs in each place. A worker keeps serving until its successor is ready.
    Live: no place is held by a worker that its watchdog should have ended, and did not; the supervisor replaces all
    others. `now` is when the supervisor last listened to them, since a later silence is not their fault.
    """
    places = [
        _of_place(config, slot, f"place {number} of {len(slots)}", now) for number, slot in enumerate(slots, start=1)
    ]
    coming = [slot.coming for slot in slots if slot.coming is not None and slot.serving is not None]
    others = [_entry(child, "starting", now) for child in coming] + [
        _entry(child, "leaving", now) for child in leaving
    ]
    return Report.of([*places, Report(live=True, ready=True, processes=tuple(others))])


def _of_place(config: Config, slot: Slot, name: str, now: float) -> Report:
    child = slot.serving or slot.coming
    if child is None:
        wait = slot.backoff.until - now
        why = f"{name} has no worker" + (f"; the next one starts in {ceil(wait)} s" if wait > 0 else "")
        return Report(live=True, ready=False, why=(why,))
    if not child.is_up:
        why, entry = f"{child} is starting", _entry(child, "starting", now)
        return Report(live=True, ready=False, why=(why,), processes=(entry,))
    return _of_server(config, child, now)


def _of_server(config: Config, child: Child, now: float) -> Report:
    silence = now - child.heard_at
    silent, lost = silence > _SILENT, now - child.live_at > _limit(config)
    why = [
        *child.report.why,
        *([f"it has said nothing for {silence:.0f} s, as when a job holds its interpreter"] if silent else []),
        *(["its watchdog should have ended it by now"] if lost else []),
    ]
    return Report(
        live=not lost,
        ready=child.report.ready and not silent,
        why=tuple(f"{child}: {sentence}" for sentence in why),
        processes=(_entry(child, "serving", now),),
    )


def _limit(config: Config) -> float:
    """Return the seconds without a sign of life after which a worker's own watchdog can help no more."""
    return config.watchdog + config.timeout + LAST_RESORT if config.watchdog else STUCK


def _entry(child: Child, state: str, now: float) -> dict[str, Any]:
    figures = next(iter(child.report.processes), {"identity": child.identity})
    silence = round(max(0.0, now - child.heard_at), 3)
    return {"pid": child.pid, "state": state, **figures, "seconds_since_report": silence}
