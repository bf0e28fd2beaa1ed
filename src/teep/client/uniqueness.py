"""Which calls are alike, and what a client says of jobs that were not pushed since one that is alike has the lock."""

from collections.abc import Callable, Collection
from typing import Any

from teep.store.pushes import Refused
from teep.telling import Logger
from teep.wire.payload import Item

Call = tuple[list[Any], dict[str, Any]]

logger = Logger("teep")
_readers: list[Callable[[Item], Call | None]] = []


def add_reader(reader: Callable[[Item], Call | None]) -> None:
    """Have `reader` say how a payload calls its job, however that was written; None where it does not know it."""
    _readers.append(reader)


def called(item: Item) -> Call:
    """Return the arguments that tell a call from others; of a job that is not known here, those of its payload."""
    for reader in _readers:
        if (call := reader(item)) is not None:
            return call
    return item["args"], item.get("kwargs") or {}


def tell(refused: Refused) -> Collection[str]:
    """Log each job that was not pushed, and return their jids."""
    for jid, holder in refused:
        logger.info("%s is not pushed: %s is alike, and has the lock", jid, holder)
    return {jid for jid, _ in refused}
