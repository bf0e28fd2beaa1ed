"""Pushes from several processes to twenty queues, and two workers: each job runs exactly once."""

import os
import sys
from collections import Counter
from tempfile import TemporaryFile

import pytest

from tests.support import forkserver
from tests.support.waiting import wait_until
from tests.worker.fleet import ROOT, Fleet

_JOBS = 10_000
_PUSHERS = 4
_QUEUES = [f"q{number}" for number in range(20)]

_PUSH = """
import sys, random
import teep
url, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = teep.Client(teep.Config(redis_url=url))
chance = random.Random(first)
for jid in range(first, first + count):
    client.push({"class": "note", "args": [], "jid": str(jid), "queue": f"q{chance.randrange(20)}"})
"""


@pytest.mark.slow("volume is what it is about")
def test_ten_thousand_jobs_through_twenty_queues_run_exactly_once(fleet: Fleet) -> None:
    queues = [argument for name in _QUEUES for argument in ("-q", f"{name},1")]
    workers = [fleet.spawn("-c", "5", "--log-level", "WARNING", *queues) for _ in range(2)]
    share = _JOBS // _PUSHERS
    with TemporaryFile() as printed:
        pushers = [
            forkserver.start(
                [sys.executable, "-c", _PUSH, fleet.server.url, str(number * share), str(share)],
                ROOT, {**os.environ, "PYTHONPATH": "src"}, printed, printed,
            )
            for number in range(_PUSHERS)
        ]  # fmt: skip
        for pusher in pushers:
            assert pusher.wait(60) == 0
    wait_until(lambda: fleet.counters()[0] >= _JOBS, 60, lambda: f"all jobs; counted {fleet.counters()}")
    ran = Counter(fleet.noted())
    assert ran == Counter(str(number) for number in range(_JOBS))
    assert fleet.counters() == (_JOBS, 0)
    assert fleet.in_flight() == []
    for worker in workers:
        assert worker.stop() == 0
        # The jobs' own queue, which nobody pushes to here, is what it warns of as it starts.
        assert [line for line in worker.log.splitlines() if "is not served here" not in line] == []
