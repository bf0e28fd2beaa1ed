"""The first argument of every long-running part of a worker."""

from typing import Any, NamedTuple

from teep.config import Config, Hooks, driver_for
from teep.drivers import Driver
from teep.runtime.leadership import Leadership
from teep.runtime.notices import Notices
from teep.runtime.outage import Outage
from teep.runtime.service import OnError
from teep.wire import keys
from teep.wire.scripts.fence import Fence


class Component(NamedTuple):
    """The things that all parts of a worker share.

    `on_error` takes an error, and the name of the part that had it. A part reports happenings to `notices`.
    `leadership` tells whether this process leads the fleet, as far as it knows; `state` is what the lifespan yields.
    """

    config: Config
    hooks: Hooks
    driver: Driver
    identity: str
    outage: Outage
    on_error: OnError
    notices: Notices
    leadership: Leadership
    state: Any = None

    @property
    def fence(self) -> Fence:
        """What the scripts compare that only the leader may run."""
        return Fence(keys.leader(self.config.leader_key), self.identity)

    @classmethod
    def alone(cls, config: Config, on_error: OnError, identity: str = "") -> "Component":
        """Return the component of a part that runs outside of a worker."""
        notices = Notices(config)
        return cls(config, config.hooks, driver_for(config), identity, Outage(), on_error, notices, Leadership())
