"""The first argument of every long-running part of a worker."""

from typing import NamedTuple

from teep.config import Config, Hooks, driver_for
from teep.drivers import Driver
from teep.runtime.notices import Notices
from teep.runtime.outage import Outage
from teep.runtime.service import OnError


class Component(NamedTuple):
    """The things that all parts of a worker share.

    `on_error` takes an error, and the name of the part that had it. A part reports happenings to `notices`.
    """

    config: Config
    hooks: Hooks
    driver: Driver
    identity: str
    outage: Outage
    on_error: OnError
    notices: Notices

    @classmethod
    def alone(cls, config: Config, on_error: OnError, identity: str = "") -> "Component":
        """Return the component of a part that runs outside of a worker."""
        return cls(config, config.hooks, driver_for(config), identity, Outage(), on_error, Notices(config))
