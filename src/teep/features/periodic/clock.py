"""The clock of periodic jobs: a service of the leader."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from teep.client.payloads.push import prepare
from teep.clock import monotonic
from teep.config.periodic import entries_of
from teep.errors import RedisCommandError
from teep.features.periodic.watched import Watched
from teep.runtime.component import Component
from teep.runtime.leadership import LeaderService
from teep.runtime.refusals import Refusals
from teep.store.periodic import entries, ticks
from teep.store.periodic.entries import State, Stored
from teep.telling import Logger
from teep.wire import commands, keys
from teep.wire.scripts import step
from teep.wire.scripts.step import Parts, Step, Told

logger = Logger("teep")

# Seconds between looks for entries that were changed; they share a round trip with Redis's time.
_LOOK = 1.0
# Seconds after which a tick is tried again that could not be fired.
_AGAIN = 5.0
# Ticks that are fired together.
_SLICE = 100


class _Shot(NamedTuple):
    """A tick to fire or to let pass, and the step that does it."""

    stored: Stored
    tick: float
    step: Step


class Clock(LeaderService):
    """Fires each tick of each entry once.

    1. When its process becomes the leader, it publishes the entries that this process declares, and reads all.
    2. It wakes when the next tick is due by Redis's clock, and pushes the job in the step that moves the entry on.
       What others fired or changed meanwhile makes the step do nothing, so it may be wrong about who leads.
    3. Every second it looks whether entries were changed.
    """

    def __init__(self, component: Component) -> None:
        super().__init__("periodic", component.on_error, component.leadership)
        self._config = component.config
        self._driver = component.driver
        self._declared = entries_of(component.config)
        self._watched: dict[str, Watched] = {}
        self._waiting: list[tuple[float, str]] = []  # a heap: when to look at which entry
        self._state: State | None = None
        self._damaged: set[str] = set()
        self._term: int | None = None
        self._look_at = 0.0
        self._measured = (0.0, 0.0)  # Redis's time (epoch seconds) at a monotonic time
        self._refusals = Refusals(_AGAIN)

    def run_once(self) -> None:
        if self._term != self.leadership.term:
            term = self.leadership.term
            self._look()
            self._publish(term)
            self._term = term
        self._fire(self._now())
        if monotonic() >= self._look_at:
            self._look()

    def pause(self) -> float:
        until_look = self._look_at - monotonic()
        if not self._waiting:
            return max(0.0, until_look)
        return max(0.0, min(until_look, self._waiting[0][0] - self._now()))

    def quiet(self) -> None:
        self.stop()

    def _now(self) -> float:
        """Return the time by Redis's clock: that of this machine may be wrong, or may be set."""
        at, measured = self._measured
        return at + monotonic() - measured

    def _look(self) -> None:
        asked = monotonic()
        state, at = self._driver.run(entries.look())
        answered = monotonic()
        self._measured = at, (asked + answered) / 2
        self._look_at = answered + _LOOK
        if state != self._state:
            # If others fired meanwhile, or a failover has undone what this clock fired, none goes on as it was.
            self._load(keeps=self._state is not None and state.over == self._state.over)

    def _publish(self, term: int) -> None:
        for name in self._driver.run(entries.publish(self._declared, term, self._now())):
            logger.info("the periodic job %s is gone: the last two leaders did not declare it", name)
        self._load(keeps=False)

    def _load(self, *, keeps: bool) -> None:
        """Read all entries; if it `keeps` some, those that are as they were go on."""
        known = {each.stored.raw: each.stored.entry for each in self._watched.values()}
        found = self._driver.run(entries.everything(known))
        for name in set(found.damaged) - self._damaged:
            logger.error("the entry of the periodic job %r is damaged, so it is not fired", name)
        self._damaged = set(found.damaged)
        now = self._now()
        self._watched = {
            name: (keeps and self._kept(name, stored)) or Watched(stored, now)
            for name, stored in found.entries.items()
        }
        self._waiting = [(each.next, name) for name, each in self._watched.items() if each.next is not None]
        self._waiting += [(now, name) for name, each in self._watched.items() if each.missed is not None]
        heapq.heapify(self._waiting)
        self._state = found.state
        if self._term is not None and not self._declared.keys() <= found.entries.keys():
            self._term = None  # someone has removed what is declared here: it is published again

    def _kept(self, name: str, stored: Stored) -> Watched | None:
        known = self._watched.get(name)
        is_same = known is not None and (known.stored.raw, known.stored.is_paused) == (stored.raw, stored.is_paused)
        return known if is_same else None

    def _fire(self, now: float) -> None:
        due = list(self._take(now))
        for start in range(0, len(due), _SLICE):
            shots = due[start : start + _SLICE]
            try:
                self._carry_out(shots, now)
            except BaseException:
                self._try_again((shot.stored for shot in due[start:]), now)
                raise

    def _take(self, now: float) -> Iterator[_Shot]:
        """Give what is to be done about all ticks that are due."""
        while self._waiting and self._waiting[0][0] <= now:
            _, name = heapq.heappop(self._waiting)
            watched = self._watched[name]
            stored, due = watched.stored, watched.take(now)
            if due.missed is not None:
                logger.warning("%s: its tick of %s was missed", name, _shown(due.missed))
                yield _Shot(stored, due.missed, ticks.passed(stored, due.missed, "missed", now))
                stored = stored._replace(last=due.missed)
            before = (stored.last, *due.fire)
            try:
                shots = [
                    self._shot(stored._replace(last=last), tick, now)
                    for last, tick in zip(before, due.fire, strict=False)
                ]
            except Exception as error:  # noqa: BLE001 - reported; a middleware may raise anything
                self._on_error(error, self.name)
                self._try_again([stored], now)
                continue
            yield from shots
            if watched.next is not None:
                heapq.heappush(self._waiting, (watched.next, name))

    def _shot(self, stored: Stored, tick: float, now: float) -> _Shot:
        prepared = prepare(self._config, ticks.job_of(stored.entry, tick))
        if prepared is None:
            return _Shot(stored, tick, ticks.passed(stored, tick, "stopped", now))
        queue, raw = prepared.queue, prepared.raw
        placed = (
            step.queued(keys.queues(), queue, keys.queue(queue), raw)
            if prepared.at is None
            else step.scored(keys.schedule(), commands.score(prepared.at), raw)
        )
        parts = Parts(effects=placed).joined(ticks.due(stored, tick)).joined(prepared.parts or Parts())
        return _Shot(stored, tick, Step(parts))

    def _carry_out(self, shots: Sequence[_Shot], now: float) -> None:
        try:
            told = self._driver.run(_carried_out([shot.step for shot in shots]))
        except RedisCommandError as error:
            if len(shots) > 1:  # if the first of them is refused, none is carried out
                for shot in shots:
                    self._carry_out([shot], now)
                return
            told = [Told(done=False, refused=str(error))]
        kept_out: list[_Shot] = []
        for shot, each in zip(shots, told, strict=True):
            if each.refused:
                self._refused(shot, each, now)
            elif each.guard in ("periodic.unchanged", "periodic.unpaused"):
                self._look_at, self._state = 0.0, None
            elif each.guard == "periodic.due":
                self._set_right(shot, each.word, now)
            elif each.guard:
                kept_out.append(_passed(shot, now))
            else:
                self._went_on(shot)
        if kept_out:
            self._carry_out(kept_out, now)

    def _went_on(self, shot: _Shot) -> None:
        if self._state is not None:
            self._state = self._state._replace(over=self._state.over + 1)
        watched = self._watched.get(shot.stored.entry.name)
        if watched is not None and watched.stored.raw == shot.stored.raw:
            watched.stored = watched.stored._replace(last=shot.tick)

    def _set_right(self, shot: _Shot, last: str, now: float) -> None:
        """Go on from the last tick that Redis knows: others have fired meanwhile, or a failover has undone some."""
        name = shot.stored.entry.name
        self._renew(name, shot.stored._replace(last=float(last) if last else None), now)

    def _refused(self, shot: _Shot, told: Told, now: float) -> None:
        for reason in self._refusals.note([told.refused]):
            logger.error("Redis refuses a tick of %s: %s; it is tried again", shot.stored.entry.name, reason)
        self._try_again([shot.stored], now)

    def _try_again(self, failed: Iterable[Stored], now: float) -> None:
        """Look at entries once more in some seconds, for all ticks since the last that was fired."""
        for name in {stored.entry.name for stored in failed} & self._watched.keys():
            self._renew(name, self._watched[name].stored, now, now + _AGAIN)

    def _renew(self, name: str, stored: Stored, now: float, at: float | None = None) -> None:
        """Begin anew with an entry, and look at it at a time, by default when its next tick is due."""
        self._watched[name] = each = Watched(stored, now)
        due = at or (now if each.missed is not None else each.next)
        self._waiting = [waiting for waiting in self._waiting if waiting[1] != name]
        if due is not None:
            self._waiting.append((due, name))
        heapq.heapify(self._waiting)


async def _carried_out(steps: Sequence[Step]) -> list[Told]:
    return await ticks.carry_out(steps)


def _passed(shot: _Shot, now: float) -> _Shot:
    """Return what is done about a tick whose job is kept out by a lock."""
    why = "overlap" if shot.stored.entry.overlap == "skip" else "unique"
    return shot._replace(step=ticks.passed(shot.stored, shot.tick, why, now))


def _shown(tick: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - for a line that is rare

    return datetime.fromtimestamp(tick, UTC).isoformat(sep=" ")
