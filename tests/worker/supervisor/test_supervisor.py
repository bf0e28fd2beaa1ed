"""Several workers under a supervisor: real processes, killed, quieted, restarted and stopped."""

import os
import signal
from pathlib import Path

import pytest

import teep
from teep.worker.supervisor.child import manner_of_end
from teep.worker.supervisor.slots import Backoff
from tests.support import processes
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet, WorkerProcess

_QUICK = ("tests.worker.program",)


@pytest.mark.slow("a supervisor and its worker processes start")
@pytest.mark.parametrize("how", ["--fork", "--spawn"])
def test_workers_are_processes_of_their_own_and_stop_together(valkey_fleet: Fleet, how: str) -> None:
    supervised = valkey_fleet.supervise(2, how, "-c", "1")
    pids = supervised.await_workers(2)
    assert supervised.process.pid not in pids
    shown = {process.pid: process.concurrency for process in teep.ProcessSet(config=valkey_fleet.config)}
    assert shown == dict.fromkeys(pids, 1)
    for _ in range(2):
        valkey_fleet.push("note_pid", 0.5)
    assert sorted(valkey_fleet.wait_for_notes(2)) == sorted(map(str, pids))
    assert supervised.process.stop() == 0
    assert supervised.workers() == {}
    supervised.await_end(pids)
    for pid in pids:
        assert f"pid={pid}" in supervised.process.log
    assert "Traceback" not in supervised.process.log


def test_a_killed_worker_is_replaced_and_its_job_runs_again_at_once(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(2, "-c", "1")
    before = supervised.await_workers(2)
    jid = valkey_fleet.push("die_once")
    assert valkey_fleet.wait_for_notes(1) == [jid]
    supervised.process.wait_for_log("was killed by SIGKILL")
    after = supervised.await_workers(2)
    assert len(set(before) & set(after)) == 1


def test_a_sibling_puts_the_jobs_of_a_dead_worker_back(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(2, "-c", "1")
    supervised.await_workers(2)
    # Quiet ones are not replaced, so that no successor can be who rescues.
    jid = valkey_fleet.push("tell_of_stop")
    valkey_fleet.wait_for_notes(1, "begun")
    supervised.process.signal(signal.SIGTSTP)
    wait_until(lambda: supervised.process.log.count("quiet: no more jobs") == 2, SOON, "two quiet workers")
    (key,) = valkey_fleet.server.command("KEYS", "*:inflight:*")
    os.kill(int(key.split(b":")[-2]), signal.SIGKILL)
    (raw,) = wait_until(valkey_fleet.queue, SOON, "the job to be back")
    assert jid.encode() in raw


def test_who_crashes_again_and_again_starts_ever_more_slowly() -> None:
    backoff = Backoff()
    assert [backoff.ended(0.1, 100.0) for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.until == 130.0
    assert backoff.ended(31.0, 200.0) == 0
    assert backoff.ended(0.1, 200.0) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [(-9, "was killed by SIGKILL"), (-40, "was killed by signal 40"), (3, "ended with exit code 3")],
)
def test_an_end_is_told_by_its_name(code: int, said: str) -> None:
    assert manner_of_end(code) == said


def test_tstp_quiets_and_ttin_dumps_every_worker(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(2)
    pids = supervised.await_workers(2)
    supervised.process.signal(signal.SIGTTIN)
    supervised.process.signal(signal.SIGTSTP)
    for pid in pids:
        for text in ("thread teep-heartbeat", "quiet: no more jobs are taken"):
            _wait_for_line(supervised.process, f"pid={pid} ", text)
    valkey_fleet.push("note")
    assert supervised.process.stop() == 0
    assert valkey_fleet.noted() == []


def test_workers_whose_supervisor_was_killed_finish_their_jobs_and_end(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(2)
    pids = supervised.await_workers(2)
    jid = valkey_fleet.push("note_later", 1.0)
    valkey_fleet.wait_for_notes(1, "begun")
    supervised.process.kill()
    supervised.await_end(pids)
    assert valkey_fleet.noted() == [jid]
    assert valkey_fleet.counters() == (1, 0)
    assert supervised.workers() == {}


@pytest.mark.slow("a supervisor gives its worker some seconds to stop")
def test_a_worker_that_does_not_stop_is_killed_and_its_job_goes_back(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(2, program=_QUICK)
    jid = valkey_fleet.push("hold_interpreter", 60)
    valkey_fleet.wait_for_notes(1, "begun")
    assert supervised.process.stop() == 0
    assert "did not stop in time and is killed" in supervised.process.log
    (raw,) = valkey_fleet.queue()
    assert jid.encode() in raw
    assert valkey_fleet.in_flight() == []


@pytest.mark.slow("a supervisor and its worker processes start")
def test_a_first_worker_that_cannot_start_ends_it_all(valkey_fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no luck')")
    for how in ("--fork", "--spawn"):
        process = WorkerProcess(valkey_fleet.server.url, ["-p", "2", how, "broken"], path=tmp_path)
        try:
            assert process.wait() == 1
            assert "no luck" in process.log
        finally:
            process.kill()


@pytest.mark.slow("an old job must outlast the start of four new processes")
@pytest.mark.parametrize("how", ["--fork", "--spawn"])
def test_usr2_brings_new_code_without_a_gap_and_lets_old_jobs_finish(
    valkey_fleet: Fleet, tmp_path: Path, how: str
) -> None:
    _write_version(tmp_path, "old")
    supervised = valkey_fleet.supervise(2, how, "-c", "1", "-t", "0.2", "versioned", path=tmp_path)
    old = supervised.await_workers(2)
    long_jid = valkey_fleet.push("note_later", 2.5)
    valkey_fleet.wait_for_notes(1, "begun")
    _write_version(tmp_path, "new")
    pid = supervised.process.pid
    supervised.process.signal(signal.SIGUSR2)
    fewest = 2

    def is_done() -> bool:
        nonlocal fewest
        fewest = min(fewest, len(supervised.workers()))
        return "is done" in supervised.process.log or not set(supervised.workers()) & set(old)

    wait_until(is_done, 2 * SOON, lambda: f"the new workers:\n{supervised.process.log}")
    new = supervised.await_workers(2, besides=old)
    assert fewest == 2
    assert (supervised.process.pid, supervised.process.is_alive) == (pid, True)
    supervised.await_end(old)
    assert valkey_fleet.noted() == [long_jid]
    valkey_fleet.push("version")
    assert valkey_fleet.wait_for_notes(1, "versions") == ["new"]
    supervised.process.stop()
    supervised.await_end(new)


@pytest.mark.slow("a supervisor starts its workers three times")
def test_new_code_that_is_broken_leaves_the_old_one_at_work_until_it_is_mended(
    valkey_fleet: Fleet, tmp_path: Path
) -> None:
    _write_version(tmp_path, "old")
    supervised = valkey_fleet.supervise(1, "--max-jobs", "1000000", "versioned", path=tmp_path)
    old = supervised.await_workers(1)
    (tmp_path / "versioned.py").write_text("this is no Python")
    supervised.process.signal(signal.SIGUSR2)
    supervised.process.wait_for_log("the new code cannot be imported; the old one goes on")
    supervised.process.wait_for_log("ended with exit code 1")
    assert supervised.await_workers(1) == old
    valkey_fleet.push("version")
    valkey_fleet.wait_for_notes(1, "versions")
    _write_version(tmp_path, "new")
    supervised.await_workers(1, besides=old)
    supervised.await_end(old)
    valkey_fleet.push("version")
    assert valkey_fleet.wait_for_notes(2, "versions") == ["old", "new"]


def test_modules_that_start_threads_are_not_forked(valkey_fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, name='theirs', daemon=True).start()"
    )
    supervised = valkey_fleet.supervise(1, "--fork", "--max-jobs", "1000000", "threaded", path=tmp_path)
    assert "importing the jobs started threads (theirs), so workers are spawned" in supervised.process.log
    valkey_fleet.push("note")
    valkey_fleet.wait_for_notes(1)


def test_the_supervisor_is_named_as_one(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(1, "--max-rss", "1000000")
    (pid,) = supervised.await_workers(1)
    assert (processes.name(supervised.process.pid), processes.name(pid)) == ("teep supervisor", "teep worker")


def _wait_for_line(process: WorkerProcess, *texts: str) -> None:
    wait_until(
        lambda: any(all(text in line for text in texts) for line in process.log.splitlines()),
        SOON,
        lambda: f"a line with {texts}:\n{process.log}",
    )


def _write_version(folder: Path, version: str) -> None:
    (folder / "versioned.py").write_text(
        f"import teep\nfrom tests.worker.jobs import _redis\n"
        f"@teep.job(name='version')\ndef version() -> None:\n    _redis.rpush('versions', {version!r})\n"
    )
