"""The registry of features, such as unique jobs.

1. `register` adds a feature, for the whole process. `teep/__init__.py` adds those that must work without a setting.
2. The functions call the hooks of those that are registered (`store/feature.py`). A job that uses none costs a look
   into its payload.

A job's payload names the features that it uses, so no caller has to remember them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import TYPE_CHECKING, Any

from teep.errors import MalformedPayload
from teep.store.feature import Barred, Feature, LimitedUnit, Pushing, Unit
from teep.store.running.outcome import End
from teep.wire import payload
from teep.wire.payload import Item
from teep.wire.scripts.step import Part, Parts

if TYPE_CHECKING:
    from teep.store.limits import Hold


_features: dict[str, Feature] = {}
special = set[str]()
"""The fields that a job has if a feature must act before it runs, or when it ends."""
_before = set[str]()
_options = set[str]()
_returns = dict[str, Feature]()


def register(*features: Feature) -> None:
    """Call the hooks of these features in this process from now on. One of the same name is replaced."""
    _features.update((feature.name, feature) for feature in features)
    for feature in features:
        _options.add(feature.option)
        _before.update(feature.before)
        if feature.returns is not None:
            _returns[feature.returns] = feature
        special.update(feature.before, [feature.stamps] if feature.ends and feature.stamps else [])
    for found in (enders, needles, before, of_code, _failing, _starting):
        found.cache_clear()


def check(job: str, options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together.

    Raises:
        InvalidJob: they do not.
    """
    for feature in _features.values():
        feature.check(job, options)


def on_push(item: Item, pushing: Pushing) -> tuple[Item, Parts | None]:
    """Return the payload of a job at its push, and the parts of the push, if a feature has any."""
    parts: Parts | None = None
    for feature in _features.values():
        if item.get(feature.option):
            item, more = feature.on_push(item, pushing)
            if more:
                parts = more if parts is None else parts.joined(more)
    return item, parts


def want(fields: AbstractSet[str]) -> bool:
    """Tell whether a feature may have something to add to the push of a job with these fields."""
    return not _options.isdisjoint(fields)


def differ(item: Item) -> bool:
    """Tell whether the parts of a job's push depend on its arguments."""
    return any(feature.differs and item.get(feature.option) for feature in _features.values())


def stamps_of(options: Collection[str]) -> Iterator[str]:
    """Yield the fields that follow from options."""
    for feature in _features.values():
        if feature.restamps and feature.option in options and feature.stamps is not None:
            yield feature.stamps


def kept_out(jid: str, guard: str, word: str) -> None:
    """Report a job that was not pushed to the guard's feature; `word` is what stood in the way."""
    _features[guard.partition(".")[0]].kept_out(jid, word)


def on_end(raw: bytes, how: End) -> tuple[Part, ...]:
    """Return the parts that go along when the job with these bytes ends for good. Costs a search of the bytes."""
    item = _parsed(raw, needles())
    return () if item is None else along_of(item, how)


def on_failure(raw: bytes) -> tuple[Part, ...]:
    """Return the parts that go along when the job with these bytes fails and comes again. Costs the same."""
    failing = _failing()
    item = _parsed(raw, tuple(needle for needle, _, _ in failing))
    if item is None:
        return ()
    return tuple(part for _, stamp, feature in failing if stamp in item for part in feature.on_failure(item))


def _parsed(raw: bytes, words: Sequence[bytes]) -> Item | None:
    """Return a payload that holds one of these words, or None: it does not, or is no job."""
    if not any(word in raw for word in words):
        return None
    try:
        return payload.parse(raw)
    except MalformedPayload:
        return None


@cache
def _failing() -> tuple[tuple[bytes, str, Feature], ...]:
    """Return (needle, field, feature) for features with parts that go along when a job fails and comes again."""
    return tuple(
        (_needle(feature.stamps), feature.stamps, feature)
        for feature in _features.values()
        if feature.fails and feature.stamps is not None
    )


def along_of(item: Item, how: End) -> tuple[Part, ...]:
    """Return the same for a payload that is unchanged since it was read."""
    along: tuple[Part, ...] = ()
    for stamp, feature in enders():
        if stamp in item:
            along += feature.on_end(item, how)
    return along


def returned(along: tuple[Part, ...], value: Any, unit: Unit) -> tuple[Part, ...]:
    """Return the parts that go along with the success of a job that returned `value`."""
    for at, part in enumerate(along):
        if part.name in _returns:
            return *along[:at], _returns[part.name].on_return(part, value, unit), *along[at + 1 :]
    return along


@cache
def enders() -> tuple[tuple[str, Feature], ...]:
    """Return (field, feature) for features with parts that go along when a job ends; such jobs have the field."""
    return tuple(
        (feature.stamps, feature) for feature in _features.values() if feature.ends and feature.stamps is not None
    )


@cache
def needles() -> tuple[bytes, ...]:
    """Return the words that mark payloads for which parts go along when the job ends."""
    return tuple(_needle(stamp) for stamp, _ in enders())


def _needle(stamp: str) -> bytes:
    # Without the quote in front: Lua looks for the first byte first, and quotes are all over a payload.
    return b'%b"' % stamp.encode()


@cache
def before() -> tuple[tuple[Feature, frozenset[str]], ...]:
    """Return the features that must see some jobs before these run, and the fields that such jobs have."""
    return tuple((feature, feature.before) for feature in _features.values() if feature.before)


def wants_before(item: Mapping[str, Any]) -> bool:
    """Tell whether a feature must see a job before it runs."""
    return not _before.isdisjoint(item)


def wants_start(item: Mapping[str, Any]) -> bool:
    """Tell whether a feature acts on the start of a job."""
    return not _starting().isdisjoint(item)


@cache
def _starting() -> frozenset[str]:
    """Return the fields that a job has if a feature acts on its start."""
    return frozenset[str]().union(
        *(fields for feature, fields in before() if type(feature).starts is not Feature.starts)
    )


def all_pass(item: Item) -> bool:
    """Tell whether all features know, without a look at Redis, that a job may run now."""
    for feature, fields in before():  # noqa: SIM110 - quicker than `all`: each job of a batch comes here
        if not fields.isdisjoint(item) and not feature.passes(item):
            return False
    return True


async def admit(unit: Unit) -> Barred | None:
    """Return why a job must not run now, or None if it may."""
    item = unit.stored()
    for feature, fields in before():
        if not fields.isdisjoint(item) and (barred := await feature.admit(unit, item)) is not None:
            return barred
    return None


async def admit_all(units: Sequence[LimitedUnit], identity: str) -> Mapping[int, Barred | Exception | None]:
    """Ask for jobs whose code has limits, as `Feature.admit_all` does."""
    for feature in of_code():
        return await feature.admit_all(units, identity)
    return dict.fromkeys(range(len(units)))


@cache
def of_code() -> tuple[Feature, ...]:
    """Return the features that are asked about jobs by their code. There is one at most."""
    return tuple(feature for feature in _features.values() if feature.of_code)


def takes_over(unit: LimitedUnit, hold: "Hold") -> bool:
    """Tell whether a job may run with a place that another has left."""
    return any(feature.takes_over(unit, hold) for feature in of_code())


async def beat(identity: str, units: Collection[LimitedUnit]) -> None:
    """Let features act at a heartbeat."""
    for feature in of_code():
        await feature.beat(identity, units)


async def leave(identity: str) -> None:
    """Let features act on the end of a worker."""
    for feature in of_code():
        await feature.leave(identity)


async def starts(unit: Unit) -> None:
    """Let the features that a job uses act on its start."""
    item = unit.stored()
    for feature, fields in before():
        if not fields.isdisjoint(item):
            await feature.starts(unit)
