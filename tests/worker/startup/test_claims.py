"""A worker keeps what it needs, whatever the code that it imports does to the process."""

import signal
from pathlib import Path

import pytest

from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess


@pytest.fixture
def fleet(valkey_fleet: Fleet) -> Fleet:
    """One server will do: it is processes that these tests are about."""
    return valkey_fleet


_JOB = """
import os
import redis
import teep

@teep.job(name="noted")
def noted():
    redis.Redis.from_url(os.environ["REDIS_URL"]).rpush("noted", 1)

@teep.job(name="fails")
def fails():
    raise ValueError("the reason")
"""
_DICT_CONFIG = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "formatters": {"own": {"format": "APP %(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "own"}},
    "root": {"handlers": ["console"], "level": "INFO"},
})
"""
_SIGNALS = """
import signal
for name in ("TERM", "INT", "TSTP", "TTIN", "USR2"):
    signal.signal(getattr(signal, f"SIG{name}"), lambda number, frame: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
"""


def _spawn(fleet: Fleet, folder: Path, code: str, *flags: str, await_up: bool = True) -> WorkerProcess:
    (folder / "claiming.py").write_text(_JOB + code)
    return fleet.spawn(*flags, program=("teep", "worker", "claiming"), path=folder, await_up=await_up)


def _failed(fleet: Fleet) -> None:
    fleet.push("fails", retry=0)
    fleet.failed_payload("dead")


@pytest.mark.parametrize("flags", [(), ("-p", "2")], ids=["alone", "supervised"])
def test_logging_of_the_application_is_used_and_silences_nothing(
    fleet: Fleet, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    process = _spawn(fleet, tmp_path, _DICT_CONFIG, *flags, await_up=False)
    process.wait_for_log("APP INFO logging is set up by the application")
    _failed(fleet)
    process.wait_for_log("the reason")
    workers = 2 if flags else 0
    wait_until(lambda: process.log.count(" is up") == workers, SOON, lambda: f"{workers} workers:\n{process.log}")
    assert process.stop() == 0
    assert process.log.count("\nValueError: the reason") == 1
    assert process.log.count("bye") == 1 + workers


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import logging; logging.getLogger().addHandler(logging.StreamHandler())", "logs to the console itself"),
        ("import logging; logging.getLogger().handlers.clear()", "teep's own is put back"),
        ("import logging; logging.disable(logging.CRITICAL)", "logging.disable(CRITICAL)"),
        ("import logging.config; logging.config.dictConfig({'version': 1})", "runs default"),
    ],
    ids=["a second handler", "no handler", "disabled", "loggers only"],
)
def test_each_line_is_logged_once(fleet: Fleet, tmp_path: Path, code: str, said: str) -> None:
    process = _spawn(fleet, tmp_path, code)
    _failed(fleet)
    assert process.stop() == 0
    assert said in process.log
    assert process.log.count("\nValueError: the reason") == 1
    assert process.log.count("bye") == 1


def test_loggers_stay_enabled_whatever_a_job_sets_up(fleet: Fleet, tmp_path: Path) -> None:
    process = _spawn(
        fleet,
        tmp_path,
        """
@teep.job(name="sets_up")
def sets_up():
    import logging.config
    logging.config.dictConfig({"version": 1})
""",
    )
    fleet.push("sets_up")
    fleet.wait_until_processed(1)
    _failed(fleet)
    process.wait_for_log("the reason")


def test_signals_are_the_workers_after_the_import(fleet: Fleet, tmp_path: Path) -> None:
    process = _spawn(fleet, tmp_path, _SIGNALS)
    process.wait_for_log("code has set a handler for SIGTERM; a worker needs its own, which replaces it")
    process.signal(signal.SIGTSTP)
    process.wait_for_log("quiet: no more jobs are taken")
    assert process.stop() == 0


def test_signals_are_the_workers_after_its_start_up_handlers(fleet: Fleet, tmp_path: Path) -> None:
    code = "import signal\nteep.configure().on('startup', lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))"
    process = _spawn(fleet, tmp_path, code)
    assert process.stop() == 0


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_patched_threads_are_refused(fleet: Fleet, tmp_path: Path, library: str) -> None:
    """These libraries put functions of their own into the modules of threads."""
    code = f"""
import _thread
def start_new_thread(*args, start=_thread.start_new_thread):
    return start(*args)
start_new_thread.__module__ = "{library}.thread"
_thread.start_new_thread = start_new_thread
"""
    process = _spawn(fleet, tmp_path, code, await_up=False)
    assert process.wait() == 1
    assert process.log.startswith(f"teep: {library} has patched Python's threads")
