"""The Lua scripts of `wire/lua/`, each called through a typed function.

The folders in `lua/` have the names of the modules here: `moving` calls those of `lua/moving/`, and so on.
Scripts move bytes and compare them; those that count groups read payloads as JSON, and none writes one.
"""

from teep.wire.scripts.moving import Cut, Moved, drop, enqueue, replace, sift, transfer
from teep.wire.scripts.reading import (
    Below,
    End,
    GroupRow,
    Groups,
    ListGroups,
    Slice,
    groups,
    list_after,
    list_groups,
    probe,
    search,
    zset_below,
)
from teep.wire.scripts.running import (
    Exchanged,
    Lane,
    Lot,
    Saved,
    add_metrics,
    cancel_iteration,
    checkpoint,
    exchange,
    forget,
    give_back,
    in_flight_payloads,
    keep_alive,
    requeue,
    rescue,
)

__all__ = [
    "Below",
    "Cut",
    "End",
    "Exchanged",
    "GroupRow",
    "Groups",
    "Lane",
    "ListGroups",
    "Lot",
    "Moved",
    "Saved",
    "Slice",
    "add_metrics",
    "cancel_iteration",
    "checkpoint",
    "drop",
    "enqueue",
    "exchange",
    "forget",
    "give_back",
    "groups",
    "in_flight_payloads",
    "keep_alive",
    "list_after",
    "list_groups",
    "probe",
    "replace",
    "requeue",
    "rescue",
    "search",
    "sift",
    "transfer",
    "zset_below",
]
