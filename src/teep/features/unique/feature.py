"""Takes the lock of a unique job in the step that pushes it, and releases it in the step that ends it."""

from collections.abc import Mapping
from typing import Any

from teep.errors import InvalidJob, RedisError
from teep.features.unique import lock
from teep.job.definition import known
from teep.store.feature import Feature, Pushing, Unit
from teep.store.running.outcome import End
from teep.telling import Logger
from teep.wire.payload import Item
from teep.wire.scripts import step
from teep.wire.scripts.step import Part, Parts, Step

logger = Logger("teep")


class Unique(Feature):
    """The options `unique_for` and `unique_until`.

    The payload names its lock, so any end of the job releases that lock, even if its queue or its arguments have
    changed meanwhile. A retry keeps the lock, and is not kept out by it.
    """

    name = "unique"
    option = "unique_for"
    stamps = lock.FIELD
    differs = True
    before = frozenset({"unique_until"})
    ends = True

    def check(self, job: str, options: Mapping[str, Any]) -> None:
        if options.get("encrypt") and options.get(self.option):
            raise InvalidJob(f"{job} encrypts its last argument, so it cannot be unique; leave out unique_for")

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:
        if not pushing.is_new:
            return item, Parts()
        self.check(item["class"], item)
        taken = lock.of_push(item, pushing.now, _called(item))
        if taken is None:
            return item, Parts()
        digest, milliseconds = taken
        key, jid = lock.key(digest), item["jid"]
        return item | {lock.FIELD: digest}, Parts(
            guards=(Part("unique.free_or_mine", key, (jid,)),),
            effects=(Part("unique.lock", key, (jid, milliseconds)),),
        )

    def kept_out(self, jid: str, word: str) -> None:
        logger.info("%s is not pushed: the identical job %s has the lock", jid, word)

    def on_end(self, item: Item, how: End) -> tuple[Part, ...]:  # noqa: ARG002 - whatever it is
        digest, jid = item[lock.FIELD], item.get("jid")
        if type(digest) is not str or type(jid) is not str:
            return ()  # written by another producer
        return (Part("unique.unlock", lock.key(digest), (jid,)),)

    async def starts(self, unit: Unit) -> None:
        """Release the lock of a job that is unique until its start. One round trip.

        If Redis is away the job starts anyway, and its end releases the lock.
        """
        item = unit.stored()
        if item.get("unique_until") != "start" or lock.FIELD not in item:
            return
        try:
            await step.carry_out([Step(Parts(along=self.on_end(item, "done")))], repeatable=True)
        except RedisError as error:
            logger.warning("a unique job starts with its lock: %s", error, extra=unit.named())


def _called(item: Item) -> lock.Call:
    """Return the arguments that identify a call; if the job is not known here, those of its payload."""
    definition = known(item["class"])
    return (item["args"], item.get("kwargs") or {}) if definition is None else definition.call_of(item)
