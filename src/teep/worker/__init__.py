"""The runtime: what `teep worker` runs.

`Worker` owns one process: a capsule (queues and concurrency) that runs jobs, and the services beside it.
"""

from teep.worker.worker import Worker

__all__ = ["Worker"]
