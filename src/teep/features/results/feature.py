"""Keeps how a job ended, in the step that ends it. Small, as it is always loaded."""

from typing import Any

from teep.store import results
from teep.store.feature import Feature, Unit
from teep.store.running.outcome import End
from teep.telling import Logger
from teep.wire.payload import Item
from teep.wire.scripts.step import Part

logger = Logger("teep")


class Results(Feature):
    """The option `keep_result`. It travels, so any process that runs the job keeps its result."""

    name = "results"
    option = results.FIELD
    stamps = results.FIELD
    ends = True
    returns = results.KEEP

    def on_end(self, item: Item, how: End) -> tuple[Part, ...]:
        return results.ended(item, how)

    def on_return(self, part: Part, value: Any, unit: Unit) -> Part:
        """Write what the job returned into the part. If that cannot be kept, the job has succeeded all the same."""
        record, problem = results.succeeded(value)
        if problem is not None:
            logger.warning("a job is done, and its result is not kept: %s", problem, extra=unit.named())
        return results.with_value(part, record)
