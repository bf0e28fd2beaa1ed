"""The worker: the program behind `teep worker`.

`Worker` owns one process: capsules (queues and concurrency) that run jobs, and the services beside them. `Supervisor`
runs several such processes.
"""

from teep.worker.supervisor import Supervisor
from teep.worker.worker import Worker

__all__ = ["Supervisor", "Worker"]
