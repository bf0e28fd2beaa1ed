"""Health checks, answered by the supervisor itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, BaseSelector
from socket import socket

from teep.config import Config
from teep.config.address import Address
from teep.config.handlers import report as report_error
from teep.errors import ConfigurationError
from teep.telling import Logger
from teep.worker.health.endpoint import Endpoint
from teep.worker.health.health import Report

logger = Logger("teep")


class HealthChecks:
    """The supervisor's endpoint, or none where no address is configured.

    It is answered in the supervisor's own loop, so that an answer says that the loop turns, and without a thread,
    since a fork must not find one. Only where the loop does not turn and nothing is forked there is one: `meanwhile`.

    Raises:
        ConfigurationError: the address is taken, or is none of this machine's, and it `must` be answered.
    """

    def __init__(
        self, config: Config, report: Callable[[], Report], listener: socket | None, *, must: bool = True
    ) -> None:
        def on_error(error: BaseException, service: str) -> None:
            report_error(config, error, {"context": service})

        self._endpoint: Endpoint | None = None
        if config.health is not None:
            try:
                self._endpoint = Endpoint(Address.parse(config.health), report, on_error, listener)
            except ConfigurationError as error:
                if must:
                    raise
                logger.error("%s; the workers go on without until the next restart", error)  # noqa: TRY400 - it says all

    @property
    def listener(self) -> socket | None:
        """What a new interpreter needs to listen on."""
        return None if self._endpoint is None else self._endpoint.listener

    def wait_with(self, selector: BaseSelector) -> None:
        """Add what is readable when somebody asks."""
        if self._endpoint is not None:
            selector.register(self._endpoint, EVENT_READ)

    def answer(self) -> None:
        """Answer who is there."""
        if self._endpoint is not None:
            self._endpoint.answer()

    def finish(self) -> None:
        """Answer whoever was let in already: a new interpreter knows only of those who still wait at the door."""
        if self._endpoint is not None:
            self._endpoint.finish()

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Have a thread answer, which is gone afterwards."""
        if self._endpoint is None:
            yield
            return
        self._endpoint.start()
        try:
            yield
        finally:
            self._endpoint.stop()

    def close(self) -> None:
        """Listen no more. Idempotent; in a fork the supervisor goes on."""
        if self._endpoint is not None:
            self._endpoint.close()
