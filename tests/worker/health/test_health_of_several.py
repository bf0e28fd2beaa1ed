"""`/live` and `/ready` under a supervisor: what they tell of all workers, in good times and in bad."""

import contextlib
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self

import pytest

from teep.config import Config
from teep.wire import json
from teep.worker.health.health import Report
from teep.worker.supervisor import Supervisor
from teep.worker.supervisor.child import Child
from teep.worker.supervisor.health import report_on
from teep.worker.supervisor.slots import Slot
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, Supervised, WorkerProcess
from tests.worker.probes import ask

FINE = Report(live=True, ready=True, processes=({"identity": "me", "busy": 1},))
STUCK = Report(live=False, ready=False, why=("stuck",), processes=({"identity": "me", "busy": 0},))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def child() -> Iterator[Child]:
    ours, theirs = socket.socketpair()
    yield Child(Config(), 4711, ours)
    ours.close()
    theirs.close()


def supervise(fleet: Fleet, port: int, count: int, *arguments: str, path: Path | None = None) -> Supervised:
    """Start a supervisor that answers at the port, and wait until every worker has reported."""
    supervised = fleet.supervise(count, "--health", str(port), *arguments, path=path)
    wait_until(lambda: _reported(port, count), SOON, "reports")
    return supervised


def _reported(port: int, count: int) -> list[dict[str, Any]]:
    """Return what the endpoint lists, once so many workers have reported."""
    entries: list[dict[str, Any]] = ask(port, "/ready")[1]["processes"]
    return entries if sum("busy" in entry for entry in entries) == count else []


def await_status(port: int, path: str, status: int, said: str = "") -> None:
    wait_until(
        lambda: (answer := ask(port, path))[0] == status and said in str(answer[1]["why"]),
        SOON,
        lambda: f"{path} to be {status}, {said!r}; it is {ask(port, path)}",
    )


def serving(slot: Slot, child: Child, report: Report) -> Slot:
    child.note_beat("me")
    child.note_report(report)
    slot.serving = child
    return slot


class Prober:
    """Asks `/ready` over and over, in a thread, and counts the answers; what is refused or cut off is one, too.

    It waits `patience` seconds for an answer.
    """

    def __init__(self, port: int, patience: float) -> None:
        self.answers: Counter[object] = Counter()
        self._port = port
        self._patience = patience
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                status, body = ask(self._port, "/ready", seconds=self._patience)
                self.answers[status, *body["why"]] += 1
            except (OSError, HTTPException) as error:
                self.answers[type(error)] += 1
            self._stopping.wait(0.01)


def test_a_worker_that_has_beaten_counts_as_ready_before_its_first_report(child: Child) -> None:
    slot = Slot()
    slot.serving = child
    assert report_on(Config(), [slot], [], child.started).why == ("worker 4711 is starting",)
    child.note_beat("me")
    state = report_on(Config(), [slot], [], child.heard_at)
    assert (state.live, state.ready) == (True, True)
    assert state.processes == ({"pid": 4711, "state": "serving", "identity": "me", "seconds_since_report": 0.0},)


def test_who_says_nothing_is_not_ready_and_beyond_all_limits_not_live(child: Child) -> None:
    slots, config = [serving(Slot(), child, FINE)], Config(watchdog=60.0, timeout=25.0)
    assert report_on(config, slots, [], child.heard_at + 4.0).ready
    silent = report_on(config, slots, [], child.heard_at + 89.0)
    assert (silent.live, silent.ready) == (True, False)
    assert silent.why == ("worker 4711: it has said nothing for 89 s, as when a job holds its interpreter",)
    lost = report_on(config, slots, [], child.heard_at + 91.0)
    assert not lost.live
    assert lost.why[1] == "worker 4711: its watchdog should have ended it by now"


def test_one_that_is_stuck_is_left_to_its_watchdog_and_without_one_to_those_that_ask(child: Child) -> None:
    slots = [serving(Slot(), child, FINE)]
    since = child.live_at
    child.note_report(STUCK)
    watched = report_on(Config(watchdog=300.0), slots, [], since + 31.0)
    assert (watched.live, watched.ready, watched.why[0]) == (True, False, "worker 4711: stuck")
    assert not report_on(Config(watchdog=0.0), slots, [], since + 31.0).live


def test_an_empty_place_is_not_ready_and_those_who_come_and_go_do_not_count(child: Child) -> None:
    slot, empty = serving(Slot(), child, FINE), Slot()
    assert report_on(Config(), [slot, empty], [], child.heard_at).why == ("place 2 of 2 has no worker",)
    empty.backoff.until = child.heard_at + 3.0
    assert "; the next one starts in 3 s" in report_on(Config(), [empty], [], child.heard_at).why[0]
    leaving = Child(Config(), 1, child.channel)
    leaving.note_report(STUCK)
    slot.coming = Child(Config(), 2, child.channel)
    state = report_on(Config(), [slot], [leaving], child.heard_at)
    assert (state.live, state.ready, state.why) == (True, True, ())
    assert [entry["state"] for entry in state.processes] == ["serving", "starting", "leaving"]


def test_a_report_survives_its_way() -> None:
    assert Report.parse(json.dumps(STUCK._asdict()).decode()) == STUCK


_OF_ANOTHER_VERSION = [
    '{"live":true}',
    '{"live":true,"ready":true,"why":null,"processes":[]}',
    '{"live":true,"ready":true,"why":[],"processes":[1]}',
    "[]",
    "nothing",
]


def test_what_a_child_of_another_version_says_is_harmless() -> None:
    supervisor = Supervisor(Config(), "no.jobs")
    (slot,) = supervisor._children.slots
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = Child(Config(), 4711, ours)
        serving(slot, child, FINE)
        for said in (*(f"report {text}" for text in _OF_ANOTHER_VERSION), "applaud loudly"):
            theirs.send(f"{said}\n".encode())
            supervisor._hear(child)
        assert (child.report, slot.outdated) == (FINE, "")
        theirs.send(f"report {json.dumps(FINE._replace(processes=FINE.processes * 2)._asdict()).decode()}\n".encode())
        supervisor._hear(child)
        assert supervisor.report().processes[0]["busy"] == 1


@pytest.mark.slow("three worker processes start and stop")
def test_the_supervisor_answers_for_all_until_the_last_is_gone(valkey_fleet: Fleet, port: int) -> None:
    supervised = supervise(valkey_fleet, port, 2, "-c", "1")
    pids = supervised.await_workers(2)
    await_status(port, "/ready", 200)
    entries = _reported(port, 2)
    assert sorted(entry["pid"] for entry in entries) == pids
    assert {entry["identity"] for entry in entries} == set(supervised.workers().values())
    valkey_fleet.push("note_later", 1.0)
    valkey_fleet.wait_for_notes(1, "begun")
    supervised.process.signal(signal.SIGTSTP)
    await_status(port, "/ready", 503, "it is quiet")
    supervised.process.signal(signal.SIGTERM)
    await_status(port, "/ready", 503, "the workers are stopping")
    while valkey_fleet.in_flight():
        assert ask(port, "/live")[0] == 200
    assert supervised.process.wait() == 0
    assert valkey_fleet.counters() == (1, 0)
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/live")


def test_nobody_listens_where_the_supervisor_was_killed(valkey_fleet: Fleet, port: int) -> None:
    supervised = supervise(valkey_fleet, port, 2)
    valkey_fleet.push("hold")
    valkey_fleet.wait_for_notes(1, "begun")
    supervised.process.kill()
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/live")
    assert valkey_fleet.in_flight()
    valkey_fleet.server.command("SET", "go", 1)


@pytest.mark.slow("a worker is silent for five seconds before it is told of")
def test_a_worker_that_holds_its_interpreter_is_told_of_until_it_is_killed(valkey_fleet: Fleet, port: int) -> None:
    supervised = supervise(valkey_fleet, port, 2, "-t", "0.1", "--watchdog", "1", "-c", "1")
    valkey_fleet.push("hold_interpreter", 600, retry=False)
    valkey_fleet.wait_for_notes(1, "begun")
    await_status(port, "/ready", 503, "as when a job holds its interpreter")
    lost = "its watchdog should have ended it by now"
    await_status(port, "/live", 503, lost)
    body = ask(port, "/live")[1]
    # The other may tell of something, too, or be replaced: a second is short for a watchdog on a busy machine.
    (pid,) = {int(why.split(":")[0].split()[1]) for why in body["why"] if lost in why}
    assert pid in {process["pid"] for process in body["processes"]}
    valkey_fleet.server.command("DEL", "queue:default", *valkey_fleet.server.command("KEYS", "*inflight:*"))
    os.kill(pid, signal.SIGKILL)
    await_status(port, "/ready", 200)
    assert ask(port, "/live")[0] == 200
    assert pid not in supervised.workers() or pid not in {
        entry["pid"] for entry in ask(port, "/live")[1]["processes"]
    }


@pytest.mark.slow("a worker that crashed twice is replaced after a pause")
def test_who_crashes_again_and_again_is_missed(valkey_fleet: Fleet, port: int) -> None:
    supervised = supervise(valkey_fleet, port, 2)
    first, second = supervised.await_workers(2)
    os.kill(first, signal.SIGKILL)
    (third,) = supervised.await_workers(1, besides=(first, second))
    os.kill(third, signal.SIGKILL)
    await_status(port, "/ready", 503, "has no worker; the next one starts in")
    assert ask(port, "/live")[0] == 200
    await_status(port, "/ready", 200)


# Seconds that importing the new code takes: in the supervisor itself, longer than a probe waits or a worker may be
# silent there; in each spawned worker, as long as any.
@pytest.mark.slow("an import in the supervisor must take longer than the patience of a probe, on a busy machine too")
@pytest.mark.parametrize(("how", "seconds", "patience"), [("--fork", 8.0, 7.5), ("--spawn", 0.3, SOON)])
def test_it_is_ready_throughout_a_restart_with_new_code(
    valkey_fleet: Fleet, port: int, tmp_path: Path, how: str, seconds: float, patience: float
) -> None:
    code = tmp_path / "code_of_jobs.py"
    code.touch()
    supervised = supervise(valkey_fleet, port, 1, how, "--max-jobs", "1000000", "code_of_jobs", path=tmp_path)
    old = supervised.await_workers(1)
    code.write_text(
        "import time\nfrom teep.worker.supervisor import health\n"
        f"usual, health._SILENT = health._SILENT, 2.0\ntime.sleep({seconds})\nhealth._SILENT = usual"
    )
    with Prober(port, patience) as prober:
        supervised.process.signal(signal.SIGUSR2)
        supervised.await_workers(1, besides=old)
        supervised.await_end(old)
    assert list(prober.answers) == [(200,)]


def test_while_the_jobs_are_imported_it_is_live_and_not_ready(valkey_fleet: Fleet, port: int, tmp_path: Path) -> None:
    go = tmp_path / "go"
    (tmp_path / "waiting.py").write_text(
        f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)"
    )
    arguments = ["-p", "1", "--max-jobs", "1000000", "--fork", "--health", str(port), "waiting"]
    process = WorkerProcess(valkey_fleet.server.url, arguments, path=tmp_path)
    try:
        wait_until(lambda: _listens(port), SOON, "it to listen")
        assert ask(port, "/live")[0] == 200
        assert ask(port, "/ready")[0] == 503
        go.touch()
        await_status(port, "/ready", 200)
        assert "started threads" not in process.log
        assert process.stop() == 0
    finally:
        process.kill()


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        return ask(port, "/live")[0] == 200
    return False


def test_an_address_that_is_taken_ends_it_before_any_worker_starts(valkey_fleet: Fleet, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        process = WorkerProcess(valkey_fleet.server.url, ["-p", "2", "--health", str(port)])
        try:
            assert process.wait() == 1
            assert process.log.startswith(f"teep: health checks cannot be answered at 127.0.0.1:{port}: ")
            assert "is up" not in process.log
        finally:
            process.kill()
