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
    """The supervisor's endpoint, or none if no address is configured.

    The supervisor's own loop answers, so an answer shows that the loop turns. There is no thread, since a fork must
    not copy one. Only `meanwhile` uses a thread: the loop does not turn then, and nothing is forked.

    Raises:
        ConfigurationError: the address is taken or not one of this machine's, and `must` is True.
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
        """The listening socket, which a new interpreter takes over."""
        return None if self._endpoint is None else self._endpoint.listener

    def wait_with(self, selector: BaseSelector) -> None:
        """Add the socket to a selector, so that a health check ends its wait."""
        if self._endpoint is not None:
            selector.register(self._endpoint, EVENT_READ)

    def answer(self) -> None:
        """Answer the health checks that have come."""
        if self._endpoint is not None:
            self._endpoint.answer()

    def finish(self) -> None:
        """Answer every accepted connection: a new interpreter inherits only the listening socket."""
        if self._endpoint is not None:
            self._endpoint.finish()

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Answer from a thread during the block; the thread is gone afterwards."""
        if self._endpoint is None:
            yield
            return
        self._endpoint.start()
        try:
            yield
        finally:
            self._endpoint.stop()

    def close(self) -> None:
        """Listen no more. Idempotent. In a fork, it leaves the supervisor listening."""
        if self._endpoint is not None:
            self._endpoint.close()
