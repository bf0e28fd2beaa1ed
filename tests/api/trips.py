"""Counts the round trips of either side."""

from collections.abc import Iterator
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
    execute, settle = Driver.execute, AsyncDriver.settle

    def noted(driver: Driver, command: Command[Any]) -> Any:
        trips.append(command)
        return execute(driver, command)

    def noted_async(driver: AsyncDriver, talk: Talk) -> Any:
        trips.append(talk)
        return settle(driver, talk)

    with patch.object(Driver, "execute", noted), patch.object(AsyncDriver, "settle", noted_async):
        yield trips


@contextmanager
def asked() -> Iterator[list[Command[Any]]]:
    """The commands that were carried out meanwhile, whichever of them shared a round trip."""
    commands: list[Command[Any]] = []
    execute, execute_async = Driver.execute, AsyncDriver.execute

    def noted(driver: Driver, command: Command[Any]) -> Any:
        commands.append(command)
        return execute(driver, command)

    def noted_async(driver: AsyncDriver, command: Command[Any]) -> Any:
        commands.append(command)
        return execute_async(driver, command)

    with patch.object(Driver, "execute", noted), patch.object(AsyncDriver, "execute", noted_async):
        yield commands
