"""`log_level`: one job tells more, or less, than its process, whatever runs beside it."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

import teep
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
_own = logging.getLogger("tests.log_levels")
_stubborn = logging.getLogger("tests.log_levels.stubborn")


class _Collector(logging.Handler):
    """Keeps (level, message, jid) of each record."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, str | None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        job = teep.current_job()
        jid = record.__dict__.get("teep", {}).get("jid") or (None if job is None else job.jid)
        self.lines.append((record.levelname, record.getMessage(), jid))

    def of(self, jid: str | None) -> list[tuple[str, str]]:
        return [(level, message) for level, message, whose in self.lines if whose == jid]


@pytest.fixture
def collector() -> Iterator[_Collector]:
    """What a program whose level is INFO logs."""
    root, collector = logging.getLogger(), _Collector()
    before = root.level
    root.addHandler(collector)
    root.setLevel(logging.INFO)
    yield collector
    wait_until(lambda: root.level == logging.INFO, SOON, "the usual level, when the jobs have ended")
    root.setLevel(before)
    root.removeHandler(collector)


def _say() -> None:
    for level in _LEVELS:
        _own.log(level, "said")


@teep.job(name="say")
def say() -> None:
    _say()


@teep.job(name="say_async")
async def say_async() -> None:
    _say()
    await asyncio.sleep(0)


@pytest.mark.parametrize("name", ["say", "say_async"])
@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", 4), ("INFO", 3), ("warn", 2), ("Warning", 3), ("error", 1), ("fatal", 0), (10, 3), (None, 3)],
)
def test_a_job_says_what_its_level_lets_through(
    fleet: Fleet, collector: _Collector, name: str, level: object, shown: int
) -> None:
    """A level of another producer's making counts where Sidekiq has a name for it."""
    fleet.push_raw(b'{"class":"%b","args":[],"jid":"a","log_level":%b}' % (name.encode(), _json(level)))
    fleet.start()
    fleet.wait_until_processed(1)
    expected = [(logging.getLevelName(number), "said") for number in _LEVELS[4 - shown :]]
    if shown >= 3:
        expected = [("INFO", "start"), *expected, ("INFO", "done")]
    if level in ("Warning", 10):
        expected = [("WARNING", f"an unknown log_level is ignored: {level!r}"), *expected]
    wait_until(lambda: collector.of("a") == expected, SOON, lambda: f"{expected}, not {collector.of('a')}")


def _json(level: object) -> bytes:
    return (
        b"null" if level is None else str(level).encode() if isinstance(level, int) else b'"%s"' % str(level).encode()
    )


def test_a_job_that_fails_is_logged_at_its_level(fleet: Fleet, collector: _Collector) -> None:
    @teep.job(name="fail_quietly", retry=False, log_level="error")
    def fail_quietly() -> None:
        raise ValueError("as intended")

    jid = fleet.push(fail_quietly)
    fleet.start()
    wait_until(lambda: collector.of(jid), SOON, "the failure's record")
    failed = ("ERROR", "failed (try 1 of 1): ValueError: as intended; discarded")
    assert collector.of(jid) == [failed]  # "start" is of level INFO


def test_what_runs_beside_it_tells_no_more_than_usual(fleet: Fleet, collector: _Collector) -> None:
    told, go = threading.Event(), threading.Event()

    @teep.job(name="telling", log_level="debug")
    def telling() -> None:
        _say()
        told.set()
        go.wait(SOON)
        _say()

    @teep.job(name="usual")
    def usual() -> None:
        _say()

    @teep.job(name="quiet_one", log_level="error")
    async def quiet_one() -> None:
        _say()

    fleet.start()
    loud = fleet.push(telling)
    assert told.wait(SOON)
    _say()
    _stubborn.setLevel(logging.DEBUG)
    _stubborn.debug("a logger with a level of its own")
    others = fleet.push(usual), fleet.push(quiet_one)
    fleet.wait_until_processed(2, in_flight=1)
    go.set()
    fleet.wait_until_processed(3)
    _stubborn.setLevel(logging.NOTSET)
    said = [(logging.getLevelName(level), "said") for level in _LEVELS]
    assert collector.of(loud) == [("INFO", "start"), *said, *said, ("INFO", "done")]
    assert collector.of(others[0]) == [("INFO", "start"), *said[1:], ("INFO", "done")]
    assert collector.of(others[1]) == said[3:]
    outside = [line for line in collector.of(None) if line[1] in ("said", "a logger with a level of its own")]
    assert outside == [*said[1:], ("DEBUG", "a logger with a level of its own")]


def test_it_works_in_a_worker_process_and_in_json(fleet: Fleet) -> None:
    process = fleet.spawn("--json-logs", "--log-level", "WARNING")
    jids = [fleet.push("talk", "x", log_level=level) for level in ("info", "error")] + [fleet.push("talk", "x")]
    fleet.wait_until_processed(3)
    process.stop()
    told = [line["ctx"]["jid"] for line in process.lines if "jid" in line.get("ctx", {})]
    assert told == [jids[0]] * 3  # start, its own line, done
