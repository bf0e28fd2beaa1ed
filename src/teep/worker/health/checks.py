"""A worker's health checks: answered from before it is up until it has stopped, at an address or for a supervisor."""

from teep.config.address import Address
from teep.runtime.service import OnError
from teep.worker.health.endpoint import Endpoint
from teep.worker.health.health import STARTING, Health, Report


class HealthChecks:
    """The health of one worker, and the endpoint that answers for it, if there is an address.

    A thread of its own answers. A supervisor answers in its loop instead: `teep.worker.supervisor.health_endpoint`.
    """

    def __init__(self, address: Address | None, on_error: OnError) -> None:
        self._address = address
        self._on_error = on_error
        self._endpoint: Endpoint | None = None
        self.health: Health | None = None
        """Reports on the worker once it is up."""

    def start(self) -> None:
        """Answer from now on, at first that the worker is starting.

        Raises:
            ConfigurationError: the address is taken or not one of this machine's.
        """
        if self._address is not None:
            self._endpoint = Endpoint(self._address, self.report, self._on_error)
            self._endpoint.start()

    def report(self) -> Report:
        """Return the worker's health. Asks Redis nothing."""
        return STARTING if self.health is None else self.health.report()

    def stop(self) -> None:
        """Answer no more. Idempotent."""
        self.health = None
        if self._endpoint is not None:
            self._endpoint.stop()
            self._endpoint.close()
            self._endpoint = None

    def disown(self) -> None:
        """Let go of the endpoint, in a fork; the parent goes on answering."""
        if self._endpoint is not None:
            self._endpoint.close()
        self._endpoint = self.health = None
