"""The worker: the program behind `teep worker`.

`Worker` owns one process: capsules (queues and concurrency) that run jobs, and the services beside them. `Supervisor`
runs several such processes. Both are imported when they are asked for: commands of the shell need the logs alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teep.worker.supervisor import Supervisor
    from teep.worker.worker import Worker

__all__ = ["Supervisor", "Worker"]

_LATE = {"Supervisor": "teep.worker.supervisor", "Worker": "teep.worker.worker"}

if not TYPE_CHECKING:  # which would take any other name for one of these

    def __getattr__(name: str) -> Any:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
