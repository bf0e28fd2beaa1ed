"""Which queue comes first: strictly, by weight, or at random."""

import random
from collections import Counter
from queue import SimpleQueue

import pytest

import teep
from teep.config import QueueOrder
from teep.runtime.component import Component
from teep.worker.fetch.fetcher import Fetcher
from teep.worker.fetch.tallies import Tallies
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.every_server


def _drain_one_by_one(fleet: Fleet, queues: list[str], names: list[str], jobs: int) -> list[str]:
    """Fill queues, and return in which order a worker with one slot came to them."""
    order: SimpleQueue[str] = SimpleQueue()

    @teep.job(name="job", retry=False)
    def job(name: str) -> None:
        order.put(name)

    for name in names:
        for _ in range(jobs):
            fleet.push(job, name, queue=name)
    fleet.start(concurrency=1, queues=queues)
    return [order.get(timeout=SOON) for _ in range(jobs * len(names))]


def test_strict_order_empties_one_queue_before_the_next(fleet: Fleet) -> None:
    order = _drain_one_by_one(fleet, ["high", "mid", "low"], ["low", "mid", "high"], 30)
    assert order == ["high"] * 30 + ["mid"] * 30 + ["low"] * 30


def test_jobs_of_a_queue_run_in_the_order_they_were_pushed(fleet: Fleet) -> None:
    ran: SimpleQueue[int] = SimpleQueue()

    @teep.job(name="job")
    def job(number: int) -> None:
        ran.put(number)

    for number in range(200):
        fleet.push(job, number)
    fleet.start(concurrency=1)
    assert [ran.get(timeout=SOON) for _ in range(200)] == list(range(200))


def test_a_weighted_worker_serves_every_queue(fleet: Fleet) -> None:
    order = _drain_one_by_one(fleet, ["high,3", "low,1"], ["low", "high"], 40)
    assert Counter(order) == {"high": 40, "low": 40}


@pytest.mark.parametrize(
    ("specs", "mode", "share"),
    [(["a,3", "b,1"], "weighted", 0.75), (["a,1", "b,1"], "random", 0.5), (["a", "b"], "strict", 1.0)],
)
def test_the_share_of_looks_that_begin_with_a_queue_is_its_share_of_the_weights(
    specs: list[str], mode: str, share: float
) -> None:
    order = QueueOrder.parse(specs)
    random.seed(20261124)
    first = Counter(order.names()[0] for _ in range(4_000))
    assert order.mode == mode
    # Four standard deviations of a binomial share of 4,000 looks are below 0.032.
    assert first["a"] / 4_000 == pytest.approx(share, abs=0.032)
    assert all(sorted(order.names()) == ["a", "b"] for _ in range(20))


def test_each_look_of_the_fetcher_takes_the_queues_in_a_new_order(fleet: Fleet) -> None:
    """Reserving one at a time, the queue of each job is that of the look's first non-empty queue."""
    for name in ("a", "b"):
        for number in range(400):
            fleet.push_raw(b'{"class":"x","args":[%d]}' % number, name)
    random.seed(7)
    order = QueueOrder.parse(["a,3", "b,1"])
    component = Component.alone(fleet.config, lambda error, _: pytest.fail(repr(error)), "me:1:0")
    fetcher = Fetcher(component, order, Tallies())
    taken: Counter[str] = Counter()
    for _ in range(300):
        job = fetcher.take()
        assert job is not None
        taken[job.queue] += 1
    # Five standard deviations of a binomial share of 300 looks.
    assert taken["a"] / 300 == pytest.approx(0.75, abs=0.125)
