"""The block of a batch that code is in: what it pushes there is collected, and becomes part of the batch.

`teep.client.batches` makes blocks; whatever writes a payload or delivers it asks here. A process that was forked
inside of a block is in none, like a thread that was started there: nobody would send what its copy collects.
"""

import os
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from teep.config import Config
from teep.config.connections import named_url
from teep.store.batches import FIELD
from teep.store.jobs.pushes import Push


class Block(Protocol):
    """A block that collects pushes for its batch in the process `pid`, and sends `most` jobs in one step."""

    config: Config
    bid: str
    most: int
    pid: int

    async def take(self, push: Push) -> None:
        """Take a push of jobs that are marked with the batch, or that makes a child of it; a plan."""

    async def flush(self) -> None:
        """Send what is collected, so that the batch is there; a plan."""


_innermost: ContextVar[Block | None] = ContextVar("teep_batch", default=None)


def enter(block: Block | None) -> Block | None:
    """Collect pushes in a block from now on (None: in none), in this thread or task; returns the former one."""
    before = _innermost.get()
    _innermost.set(block)
    return before


def _around() -> Block | None:
    block = _innermost.get()
    return block if block is None or block.pid == os.getpid() else None


def is_inside() -> bool:
    """Whether this code is in a block."""
    return _around() is not None


def current(config: Config) -> Block | None:
    """Return the block that collects pushes to this configuration's Redis; those to any other go their own way."""
    block = _around()
    if block is None or block.config is config or named_url(block.config) == named_url(config):
        return block
    return None


def collects(bid: str) -> bool:
    """Tell whether this code is in a block of a batch. A job is of a batch only if it is pushed there."""
    block = _around()
    return block is not None and block.bid == bid


def marked(config: Config, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a job that is pushed, with the batch that it is of."""
    block = current(config)
    return given if block is None or not isinstance(given, Mapping) else {**given, FIELD: block.bid}


def marked_bulk(config: Config, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a bulk push, with the batch that its jobs are of, in slices that fit into a step."""
    block = current(config)
    return given if block is None else {"batch_size": block.most, **marked(config, given)}
