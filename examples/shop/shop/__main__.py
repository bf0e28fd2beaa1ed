"""`python -m shop`: the web application and a worker side by side, for development. Ctrl-C stops both."""

import os
import signal
import subprocess
import sys
import time

from shop.database import Base, engine

PROGRAMS = (
    ["uvicorn", "shop.app:app", "--host", "127.0.0.1", "--port", os.environ.get("PORT", "8000")],
    ["teep", "worker"],
)


def main() -> int:
    Base.metadata.create_all(engine)  # where a grown project migrates
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    # In groups of their own Ctrl-C does not reach them: each is told once, by this process.
    processes = [subprocess.Popen([sys.executable, "-m", *program], process_group=0) for program in PROGRAMS]
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
    return 1  # one ended by itself


if __name__ == "__main__":
    sys.exit(main())
