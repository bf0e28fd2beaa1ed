"""A teep worker for the interop tests: `python -m tests.interop.worker_program TIMESTAMPS CONCURRENCY QUEUE...`.

Only the pace is changed, as in `ruby/jobs.rb`, so that tests need not wait.
"""

import os
import sys
from typing import cast

from teep import Config, encryption
from teep.job.iterable import iteration
from teep.wire.payload import TimeUnit
from teep.worker import Worker
from teep.worker.logs import log
from tests.interop import kinds

if __name__ == "__main__":
    encryption.enable(active_version=2, key=lambda version: bytes([version]) * 32)
    log.set_up("INFO", as_json=False)
    iteration.CHECKPOINT_SECONDS = 0.0
    config = Config(
        concurrency=int(sys.argv[2]),
        queues=sys.argv[3:],
        timestamps=cast("TimeUnit", sys.argv[1]),
        timeout=5.0,
        tag="interop",
        labels=["python"],
        poll_interval_average=float(os.environ.get("POLL_SECONDS", "0.1")),
        heartbeat_interval=0.2,
    )
    config.death_handlers.append(kinds.told)
    Worker(config, "tests.interop.jobs", "tests.interop.kinds").run()
