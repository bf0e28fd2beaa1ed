"""How a worker's process ends: with what was printed, its atexit handlers and its exit code, and soon."""

import signal
import sys
import time
from pathlib import Path

import pytest

from teep.testing.process import WorkerProcess
from tests.support.servers import Server
from tests.support.waiting import wait_until

_MODULE = """
import atexit, concurrent.futures, os, sys, threading, time
import teep

MODE = os.environ["MODE"]
atexit.register(print, "handled")
executor = concurrent.futures.ThreadPoolExecutor(1)

class Slow:
    def __del__(self):
        time.sleep(60)

if MODE == "handler":
    atexit.register(time.sleep, 60)
elif MODE == "threads":
    threading.Thread(target=time.sleep, args=(60,)).start()
elif MODE == "finalizer":
    kept = Slow()
elif MODE == "import":
    threading.Thread(target=time.sleep, args=(60,)).start()
    raise ValueError("at the import")

@teep.job(queue=MODE, retry=False)
def work():
    print("begun")
    os.close(os.open(os.environ["BEGUN"], os.O_CREAT))
    if MODE == "threads":
        executor.submit(time.sleep, 60)
    while MODE.startswith("stuck"):
        try:
            print("stuck")
            time.sleep(0.001)
        except BaseException:
            pass
"""
# Seconds in which every process must be gone. Jobs get 3, what runs at the exit 3, and the machine may be busy.
_ENOUGH = 40


class _Ending(WorkerProcess):
    """A worker in one of the module's modes."""

    def __init__(self, server: Server, folder: Path, mode: str, *flags: str, program: tuple[str, ...] = ()) -> None:
        self.mode = mode
        self._begun = folder / f"begun-{mode}"
        super().__init__(
            *("ends", "-q", mode, "-t", "0", "-c", "1", *flags),
            redis_url=server.url,
            environment={"MODE": mode, "BEGUN": str(self._begun)},
            folder=folder,
            command=(sys.executable, *program, "-m", "teep", "worker"),
        )

    def has_begun(self) -> bool:
        return self._begun.exists() or not self.is_alive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ends.py").write_text(_MODULE)
    return tmp_path


@pytest.mark.slow("jobs that never end are waited for 3 s, and then threads and handlers, by all processes at once")
def test_every_process_ends_soon_with_what_it_printed(valkey: Server, folder: Path) -> None:
    valkey.flushall()
    profile = folder / "profile"
    endings = [_Ending(valkey, folder, mode) for mode in ("handler", "threads", "finalizer", "import")]
    endings.append(_Ending(valkey, folder, "stuck", program=("-m", "cProfile", "-o", str(profile))))
    endings.append(_Ending(valkey, folder, "stuck-in-a-child", "--max-jobs", "9"))
    for ending in endings:
        valkey.command("LPUSH", f"queue:{ending.mode}", _payload(ending.mode))
    try:
        for ending in endings:
            wait_until(ending.has_begun, 60, f"{ending.mode} to begin")
        started = time.monotonic()
        for ending in endings:
            if ending.mode != "import":
                ending.signal(signal.SIGTERM)
        for ending in endings:
            code = ending.wait(_ENOUGH - (time.monotonic() - started))
            assert code == (1 if ending.mode == "import" else 0), ending.log
            assert ("begun" in ending.log) == (ending.mode != "import"), ending.log
            # A handler that never ends keeps those from their turn that were registered before it.
            assert ("handled" in ending.log) == (ending.mode != "handler"), ending.log
            assert "Fatal" not in ending.log
        assert profile.exists()
    finally:
        for ending in endings:
            ending.kill()


def _payload(queue: str) -> str:
    return f'{{"class":"ends.work","args":[],"queue":"{queue}","retry":false,"jid":"{"0" * 24}","created_at":1.0}}'
