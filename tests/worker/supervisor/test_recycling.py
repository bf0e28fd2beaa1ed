"""A worker that has grown too large or has run enough jobs is replaced, and finishes what it runs."""

from collections import Counter

import pytest

from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


@pytest.mark.slow("worker processes start one after the other")
def test_a_worker_that_has_run_enough_jobs_is_replaced_and_each_job_runs_once(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(1, "--max-jobs", "20", "-c", "2")
    first = supervised.await_workers(1)
    jids = [valkey_fleet.push("note") for _ in range(30)]
    valkey_fleet.wait_for_notes(30)
    supervised.await_workers(1, besides=first)
    supervised.process.wait_for_log("since it has run 30 jobs")
    supervised.await_end(first)
    valkey_fleet.push("note_pid", key="noted")
    pid = valkey_fleet.wait_for_notes(31)[-1]
    assert [int(pid)] != first
    assert Counter(valkey_fleet.noted()[:30]) == Counter(jids)
    valkey_fleet.wait_until_processed(31)


@pytest.mark.slow("a worker grows until it is replaced, and its successor starts")
def test_a_worker_that_has_grown_is_replaced_and_finishes_beyond_the_timeout(valkey_fleet: Fleet) -> None:
    supervised = valkey_fleet.supervise(1, "--max-rss", "150", "-c", "2", "-t", "0.1")
    first = supervised.await_workers(1)
    long_jid = valkey_fleet.push("hold")
    valkey_fleet.wait_for_notes(1, "begun")
    valkey_fleet.push("grow", 160)
    valkey_fleet.wait_for_notes(1)
    second = supervised.await_workers(1, besides=first)
    supervised.process.wait_for_log("MB of memory")
    supervised.process.wait_for_log("quiet: no more jobs are taken")
    # While the old one still runs its job, the new one works.
    valkey_fleet.push("note_pid")
    assert valkey_fleet.wait_for_notes(2)[-1] == str(second[0])
    valkey_fleet.server.command("SET", "go", 1)
    supervised.await_end(first)
    assert valkey_fleet.noted()[2:] == [long_jid]
    wait_until(lambda: valkey_fleet.counters() == (3, 0), SOON, "three jobs counted")
    assert valkey_fleet.in_flight() == []
