"""The clock of periodic jobs: a service of the leader."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from teep.client.payloads.push import prepare
from teep.clock import monotonic
from teep.config.periodic import entries_of
from teep.errors import InvalidSchedule, RedisCommandError
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
        self._fence = component.fence
        self._declared = entries_of(component.config)
        self._watched: dict[str, Watched] = {}
        self._waiting: list[tuple[float, str]] = []  # a heap: when to look at which entry
        self._state: State | None = None
        self._problems: set[str] = set()  # the names of the entries that cannot be fired here
        self._term: int | None = None
        self._look_at = 0.0
        self._measured = (0.0, 0.0)  # Redis's time (epoch seconds) at a monotonic time
        self._refusals = Refusals(_AGAIN)

    def run_once(self) -> None:
        if self._term != self.leadership.term:
            self._look()
            self._publish(self.leadership.term)
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
        for name in self._driver.run(entries.publish(self._declared, self._fence, term, self._now())):
            logger.info("the periodic job %s is gone: the last two leaders did not declare it", name)
        self._term = term
        self._load(keeps=False)

    def _load(self, *, keeps: bool) -> None:
        """Read all entries; if it `keeps` some, those that are as they were go on."""
        known = {each.stored.raw: each.stored.entry for each in self._watched.values()}
        found = self._driver.run(entries.everything(known))
        problems = dict.fromkeys(found.damaged, "its entry is damaged")
        watched: dict[str, Watched] = {}
        for name, stored in found.entries.items():
            if not entries.is_text(name):
                problems[name] = "its name is no UTF-8"
                continue
            try:
                watched[name] = (keeps and self._kept(name, stored)) or Watched(stored)
            except InvalidSchedule as error:
                problems[name] = str(error)
        for name in problems.keys() - self._problems:
            logger.error("the periodic job %r is not fired: %s", name, problems[name])
        self._problems = set(problems)
        self._watched = watched
        self._waiting = []
        for name, each in watched.items():
            self._await(name, each, each.next)
        self._state = found.state
        if self._term is not None and not self._declared.keys() <= found.entries.keys():
            # Someone has removed what is declared here, or this process leads no longer: it is published again.
            self._term = None

    def _kept(self, name: str, stored: Stored) -> Watched | None:
        known = self._watched.get(name)
        is_same = known is not None and (known.stored.raw, known.stored.is_paused) == (stored.raw, stored.is_paused)
        return known if is_same else None

    def _await(self, name: str, watched: Watched, at: float | None) -> None:
        """Look at an entry at a time, and not at the one that it waited for until now."""
        watched.look_at = at
        if at is not None:
            heapq.heappush(self._waiting, (at, name))

    def _fire(self, now: float) -> None:
        taken = self._take(now)
        while shots := list(islice(taken, _SLICE)):
            try:
                self._carry_out(shots, now)
            except Exception:
                self._try_again((shot.stored for shot in shots), now)
                raise

    def _take(self, now: float) -> Iterator[_Shot]:
        """Give what is to be done about all ticks that are due."""
        while self._waiting and self._waiting[0][0] <= now:
            at, name = heapq.heappop(self._waiting)
            watched = self._watched[name]
            if watched.look_at != at:
                continue
            try:
                shots = self._shots(watched, now)
            except Exception as error:  # noqa: BLE001 - reported; a middleware may raise anything
                self._on_error(error, self.name)
                self._try_again([watched.stored], now)
                continue
            self._await(name, watched, watched.next)
            yield from shots

    def _shots(self, watched: Watched, now: float) -> list[_Shot]:
        """Return what is to be done about the ticks of an entry that are due. Each builds on the one before it."""
        stored, due, shots = watched.stored, watched.take(now), list[_Shot]()
        if due.missed is not None:
            logger.warning("%s: ticks were missed, the first of them at %s", stored.entry.name, _shown(due.missed))
            shots.append(_Shot(stored, due.missed, ticks.passed(stored, due.missed, "missed", now)))
            stored = stored._replace(last=due.missed)
        for tick in due.fire:
            shots.append(self._shot(stored, tick, now))
            stored = stored._replace(last=tick)
        return shots

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
        held: set[str] = set()
        for shot, each in zip(shots, told, strict=True):
            name = shot.stored.entry.name
            if each.refused:
                self._refused(shot, each, now)
            elif each.guard in ("periodic.unchanged", "periodic.unpaused"):
                self._look_at, self._state = 0.0, None
            elif each.guard == "periodic.due" and name not in held:
                self._set_right(shot, each.word)
            elif each.guard:  # what keeps out one tick keeps out those that build on it
                held.add(name)
                kept_out.append(_passed(shot, now))
            else:
                self._went_on(shot)
        if kept_out:
            self._carry_out(kept_out, now)

    def _went_on(self, shot: _Shot) -> None:
        if self._state is not None:
            self._state = self._state._replace(over=self._state.over + 1)
        watched = self._watched[shot.stored.entry.name]
        if watched.stored.raw == shot.stored.raw:
            watched.stored = watched.stored._replace(last=shot.tick)

    def _set_right(self, shot: _Shot, word: str) -> None:
        """Go on from the last tick that Redis knows: others have fired meanwhile, or a failover has undone some."""
        last = float(word) if word else None
        # If that is the one known here, this tick built on one that was refused, which is tried again.
        if last != self._watched[shot.stored.entry.name].stored.last:
            self._renew(shot.stored._replace(last=last))

    def _refused(self, shot: _Shot, told: Told, now: float) -> None:
        for reason in self._refusals.note([told.refused]):
            logger.error("Redis refuses a tick of %s: %s; it is tried again", shot.stored.entry.name, reason)
        self._try_again([shot.stored], now)

    def _try_again(self, failed: Iterable[Stored], now: float) -> None:
        """Look at entries once more in some seconds, for all ticks since the last that was fired."""
        for name in {stored.entry.name for stored in failed}:
            self._renew(self._watched[name].stored, now + _AGAIN)

    def _renew(self, stored: Stored, at: float | None = None) -> None:
        """Begin anew with an entry, and look at it at a time, by default when its next tick is due."""
        name = stored.entry.name
        self._watched[name] = each = Watched(stored)
        self._await(name, each, each.next if at is None else at)


async def _carried_out(steps: Sequence[Step]) -> list[Told]:
    return await ticks.carry_out(steps)


def _passed(shot: _Shot, now: float) -> _Shot:
    """Return what is done about a tick whose job is kept out by a lock."""
    why = "overlap" if shot.stored.entry.overlap == "skip" else "unique"
    return shot._replace(step=ticks.passed(shot.stored, shot.tick, why, now))


def _shown(tick: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415 - for a line that is rare

    return datetime.fromtimestamp(tick, UTC).isoformat(sep=" ")
