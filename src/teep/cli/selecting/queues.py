"""The names of queues, and the sentence about one that is not there."""

from typing import TYPE_CHECKING

from teep.config.sources.names import nearest
from teep.telling import on_one_line

if TYPE_CHECKING:
    from teep.config import Config


def queue_names(config: "Config") -> list[str]:
    """Return the names of all queues. One round trip."""
    from teep.api import Queue

    return [queue.name for queue in Queue.all(config=config)]


def unknown_queue(name: str, known: list[str]) -> str:
    """Return the sentence about a queue that is not there, with the name that may be meant."""
    near = nearest(name, known)
    hint = f"; did you mean {on_one_line(near)}?" if near else "."
    return f"There is no queue {on_one_line(name)}{hint}"
