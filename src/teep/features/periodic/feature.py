"""What a periodic job brings along: its entry remembers each run and its outcome. Small, as it is always loaded."""

import time
from typing import Any

from teep.config.hooks import BackgroundService, LeaderTask
from teep.store.feature import Feature, Pushing
from teep.store.periodic import runs, ticks
from teep.store.running.outcome import End
from teep.wire import keys
from teep.wire.keys import Key
from teep.wire.payload import Item
from teep.wire.scripts.step import Part, Parts


class Periodic(Feature):
    """The payload's field `periodic`, which names the entry that a job was pushed for."""

    name = "periodic"
    option = ticks.FIELD
    stamps = ticks.FIELD
    ends = True

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:
        if not pushing.is_new or not _is_ours(item):
            return item, Parts()
        return item, ticks.of_push(item, pushing)

    def on_end(self, item: Item, how: End) -> tuple[Part, ...]:
        if not _is_ours(item):
            return ()
        return (runs.ended(item[ticks.FIELD], item["jid"], how, time.time()),)


def _is_ours(item: Item) -> bool:
    """Tell whether the field is one of teep's: another producer may have one of the same name."""
    name, jid = item.get(ticks.FIELD), item.get("jid")
    return type(name) is str and type(jid) is str and " " not in jid


def _clock(component: Any) -> BackgroundService:
    from teep.features.periodic.clock import Clock  # noqa: PLC0415 - for the leader only, if there are such jobs

    return Clock(component)


def _occasion(config: Any) -> Key | None:
    from teep.config.periodic import entries_of  # noqa: PLC0415 - as above

    return None if entries_of(config) else keys.periodic()


clock_task = LeaderTask("periodic", _clock, _occasion)
"""The clock begins at once if this process declares entries, otherwise when there are some in Redis."""
