"""The job option `limit`: a job asks its limits before it runs, and waits in the scheduled set if one is reached."""

from collections.abc import Collection, Mapping, Sequence

from teep.clock import redis_time
from teep.features.limits import held
from teep.features.limits.limit import Limit
from teep.store import limits
from teep.store.feature import Barred, Feature, LimitedUnit
from teep.store.limits import Caller, Declared, Hold, Refused
from teep.store.running.outcome import Outcome
from teep.wire import keys, payload

_FAR = 9e9  # seconds; scores of those that wait are exact up to there


class Limits(Feature):
    """Asks for many jobs at once: for the one that starts, and for those that were reserved ahead.

    These get nothing from a limit that is half used, since they might return to their queues. They ask again when
    they start. A refused job comes again with the same bytes, and no attempt is used.
    """

    name = "limits"
    option = "limit"
    of_code = True

    async def admit_all(self, units: Sequence[LimitedUnit], identity: str) -> Mapping[int, Barred | Exception | None]:
        answers: dict[int, Barred | Exception | None] = {}
        asking = _Asking(identity)
        for number, unit in enumerate(units):
            try:
                asking.add(number, unit)
            except Exception as error:  # noqa: BLE001 - of the author's `key`; the job fails with it
                answers[number] = error
        if not asking.callers:
            return dict.fromkeys(range(len(units))) | answers
        told = await limits.acquire(identity, list(asking.limiters), asking.callers, redis_time())
        found = zip(asking.numbers, asking.callers, told, strict=True)
        for number, caller, answer in found:
            if isinstance(answer, Refused):
                answers[number] = _barred(units[number], answer, asking.known[answer.place])
            elif answer:
                answers[number] = None
                _hold(units[number], caller, asking.known)
        return answers | dict.fromkeys(asking.free)

    def takes_over(self, unit: LimitedUnit, hold: Hold) -> bool:
        if len(unit.limits) != 1:
            return False
        try:
            own = unit.limits[0].of_job(unit.item or {})
        except Exception:  # noqa: BLE001 - of the author's `key`; it fails with it when it starts
            return False
        return own is not None and bool(own.declared == hold.limiter)

    async def beat(self, identity: str, units: Collection[LimitedUnit]) -> None:
        leases = held.by_line(held.leases_of(identity))
        for unit in units:
            for limiter, holder in unit.held:
                leases.setdefault(limiter.line, []).append((limiter.lease, holder))
        if leases:
            await held.renewed(identity, leases)

    async def leave(self, identity: str) -> None:
        await limits.free(identity)


class _Asking:
    """What a call asks for: limiters by place, and callers with the numbers of their jobs; `free` are without any."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self.limiters: dict[Declared, int] = {}
        self.known: list[Limit] = []
        self.callers: list[Caller] = []
        self.numbers: list[int] = []
        self.free: list[int] = []

    def add(self, number: int, unit: LimitedUnit) -> None:
        """Ask for a job. Raises whatever the `key` of a limit raises."""
        item = unit.item or {}
        uses = [(self._place(own), 1) for limit in unit.limits if (own := limit.of_job(item)) is not None]
        if not uses:
            self.free.append(number)
            return
        # Its turn goes by its age, which stays when it comes again.
        jid, order = unit.jid or "", payload.read_stamp(item.get("created_at"))
        self.numbers.append(number)
        self.callers.append(
            Caller(
                "ahead" if number else "job",
                held.new_holder(self._identity, jid),
                keys.queue(unit.queue),
                uses,
                _microseconds(order),
                0,
                jid,
                unit.queue,
            )
        )

    def _place(self, limit: Limit) -> int:
        place = self.limiters.setdefault(limit.declared, len(self.known))
        if place == len(self.known):
            self.known.append(limit)
        return place


def _microseconds(moment: float | None) -> int | None:
    """Return a moment of a payload as one's turn; None if it is none. Any producer may have set it to anything."""
    return int(moment * 1_000_000) if moment is not None and 0 <= moment < _FAR else None


def _hold(unit: LimitedUnit, caller: Caller, known: Sequence[Limit]) -> None:
    for place, _ in caller.uses:
        if (limit := known[place]).is_held:
            unit.hold(Hold(limit.declared, caller.holder))


def _barred(unit: LimitedUnit, refused: Refused, limit: Limit) -> Barred:
    along = (limits.park(limit.declared.line, refused),) if limit.is_held else ()
    later = Outcome(
        unit.queue, unit.raw, keys.schedule(), refused.until / 1_000_000, unit.raw, counted=None, along=along
    )
    at_latest = " at the latest" if limit.is_held else ""
    return Barred(later, f"over the limit {limit.name}, again in {refused.seconds:.3g} s{at_latest}")
