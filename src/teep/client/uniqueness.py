"""What a client says of jobs that were not pushed, since one that is alike has the lock."""

from collections.abc import Collection

from teep.store.pushes import Refused
from teep.telling import Logger

logger = Logger("teep")


def tell(refused: Refused) -> Collection[str]:
    """Log each job that was not pushed, and return their jids."""
    for jid, holder in refused:
        logger.info("%s is not pushed: %s is alike, and has the lock", jid, holder)
    return {jid for jid, _ in refused}
