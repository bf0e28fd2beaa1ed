"""A warning about jobs of an interactive session, such as a notebook: no other process can import them."""

from teep.client.delivery import test_mode
from teep.telling import Logger

_SESSION = "__main__."

logger = Logger("teep")
_told: set[str] = set()


def tell(name: str) -> None:
    """Warn once of each job of this session that goes to Redis."""
    if not name.startswith(_SESSION) or name in _told or test_mode.current() is not None:
        return
    _told.add(name)
    logger.warning(
        "%s was typed into this session, so only a worker in this very process can run it; for others, move it into a"
        " module, or give it the name= that it has there",
        name,
    )
