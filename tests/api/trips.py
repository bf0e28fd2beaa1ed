"""Counts the round trips of either side, made by the thread that counts: a test before may have left another one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from teep.drivers import AsyncDriver, Driver
from teep.drivers.aio import Talk
from teep.wire.command import Command


@contextmanager
def sent() -> Iterator[list[Command[Any] | Talk]]:
    """What was carried out meanwhile, a pipeline as one: as many as there were round trips."""
    trips: list[Command[Any] | Talk] = []
    with _noted(Driver, "execute", trips), _noted(AsyncDriver, "settle", trips):
        yield trips


@contextmanager
def asked() -> Iterator[list[Command[Any]]]:
    """The commands that were carried out meanwhile, whichever of them shared a round trip."""
    commands: list[Command[Any]] = []
    with _noted(Driver, "execute", commands), _noted(AsyncDriver, "execute", commands):
        yield commands


def _noted(driver: type[Driver | AsyncDriver], name: str, what: list[Any]) -> Any:
    """Note what this method is called with in this thread."""
    call: Callable[[Any, Any], Any] = getattr(driver, name)
    here = threading.get_ident()

    def noted(self: Any, carried_out: Any) -> Any:
        if threading.get_ident() == here:
            what.append(carried_out)
        return call(self, carried_out)

    return patch.object(driver, name, noted)
