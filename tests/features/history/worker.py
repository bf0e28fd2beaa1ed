"""A quick worker for tests: `python -m tests.features.history.worker`; it samples every fifth of a second."""

from teep import Config
from teep.features.history import recorder
from teep.worker import Worker
from teep.worker.logs import log

if __name__ == "__main__":
    recorder.INTERVAL = 0.2
    log.set_up("INFO", as_json=False)
    Worker(Config(concurrency=1, timeout=0.2, heartbeat_interval=0.1, history=True)).run()
