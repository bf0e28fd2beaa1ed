"""What a batch adds to a push and to the ends of its jobs. Small, as it is always loaded."""

from typing import Any

from teep.client.delivery import blocks
from teep.clock import monotonic
from teep.config.hooks import BackgroundService, LeaderTask
from teep.errors import RedisError
from teep.store import batches, compact
from teep.store.batches import CALLBACK_OF, FIELD, NODE, is_ours
from teep.store.feature import Barred, Feature, Pushing, Unit
from teep.store.nodes import ALWAYS
from teep.store.running import outcome
from teep.store.running.outcome import End
from teep.telling import Logger
from teep.wire import keys
from teep.wire.keys import Key
from teep.wire.payload import Item
from teep.wire.scripts.step import Part, Parts

logger = Logger("teep")

# Seconds for which it is known whether a batch is invalid, and how many are known: what a worker runs at a time.
_FRESH, _MOST = 1.0, 1_000
_known: dict[str, tuple[bool, float]] = {}
# The fields that tell what a job is in its batch.
_PLACES = frozenset({compact.INDEX, NODE, ALWAYS})


class Batches(Feature):
    """The payload's field `bid`, by which a job's ends are told to its batch. A bid of others is left alone."""

    name = "batch"
    option = FIELD
    stamps = FIELD
    before = frozenset({FIELD})
    ends = True
    fails = True

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:
        bid = item[FIELD]
        if not pushing.is_new or not is_ours(bid):
            return item, Parts()
        if not _PLACES.isdisjoint(item):  # those of the job that this one is a copy of
            item = {name: value for name, value in item.items() if name not in _PLACES}
        return item, batches.joining(bid, item["jid"]) if blocks.collects(bid) else Parts()

    def kept_out(self, jid: str, word: str) -> None:
        logger.error("%s is not pushed: its batch %s", jid, "has finished" if word == "finished" else "is not known")

    def on_end(self, item: Item, how: End) -> tuple[Part, ...]:
        if not _is_ours(item):
            return ()
        index = compact.index_of(item) if compact.INDEX in item else None
        return (batches.ended(item[FIELD], item["jid"], how, item.get(NODE), index=index),)

    def on_failure(self, item: Item) -> tuple[Part, ...]:
        return (batches.failed(item[FIELD], item["jid"], compact.index_of(item)),) if _is_ours(item) else ()

    def passes(self, item: Item) -> bool:
        bid = item[FIELD]
        # Each job of a batch comes here: what is known is looked up first.
        if type(bid) is str and (known := _known.get(bid)) is not None:
            is_invalid, read_at = known
            return not is_invalid and monotonic() - read_at < _FRESH
        return not is_ours(bid)

    async def admit(self, unit: Unit, item: Item) -> Barred | None:
        """Return the outcome of a job whose batch is invalid, or None. Costs one round trip a second and batch.

        A callback runs all the same: it is of the batch that waits for it, and tells of another. So does a node that
        runs whatever became of those before it. If Redis is away the job runs.
        """
        if not _is_ours(item) or CALLBACK_OF in item or ALWAYS in item or not await _is_invalid(item[FIELD]):
            return None
        place = keys.iteration(item["jid"]) if unit.may_have_begun else None
        skipped = outcome.over(unit.queue, unit.raw, "deleted", place)._replace(counted="done")
        return Barred(skipped, "skipped, as its batch is invalid")


def _is_ours(item: Item) -> bool:
    return is_ours(item.get(FIELD)) and type(item.get("jid")) is str


async def _is_invalid(bid: str) -> bool:
    is_invalid, read_at = _known.get(bid, (False, 0.0))
    now = monotonic()
    if now - read_at < _FRESH:
        return is_invalid
    try:
        is_invalid = await batches.is_invalid(bid)
    except RedisError as error:
        logger.warning("a job of batch %s runs, as it cannot be asked whether it is invalid: %s", bid, error)
        return False
    if len(_known) >= _MOST:
        _known.clear()
    _known[bid] = is_invalid, now
    return is_invalid


def _watch(component: Any) -> BackgroundService:
    from teep.features.batch.watch import Watch  # noqa: PLC0415 - for the leader only, if there are batches

    return Watch(component)


def _occasion(_config: Any) -> Key | None:
    return keys.batches()


watch_task = LeaderTask("batches", _watch, _occasion)
