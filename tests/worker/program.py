"""A quick worker for tests: `python -m tests.worker.program [-p PROCESSES]`; its heartbeats and its end come soon."""

import sys

from teep import Config
from teep.worker import Supervisor, Worker
from teep.worker.logs import log
from teep.worker.supervisor import stop

if __name__ == "__main__":
    log.set_up("INFO", as_json=False)
    processes = int(sys.argv[2]) if len(sys.argv) > 1 else 1
    config = Config(concurrency=2, timeout=0.2, heartbeat_interval=0.2, processes=processes)
    stop._MARGIN = 1.0
    if processes == 1:
        Worker(config, "tests.worker.jobs").run()
    else:
        Supervisor(config, "tests.worker.jobs").run()
