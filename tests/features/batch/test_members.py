"""Jobs of every kind as jobs of a batch: encrypted, iterable, limited, late, and those that wait for a commit."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from teep import encryption, limits
from teep.client.delivery import transactions
from teep.encryption import values
from teep.features.batch import feature
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server


@pytest.fixture
def told(own_registry: None) -> list[str]:
    events: list[str] = []

    @teep.job(name="told")
    def note(event: str) -> None:
        events.append(event)

    return events


def batch() -> teep.Batch:
    made = teep.Batch()
    for event in ("finish", "success", "complete"):
        made.on(event, "told", event)
    return made


def await_events(told: list[str], *events: str) -> None:
    wait_until(lambda: told == list(events), SOON, lambda: f"{events}: {told}")


ALL = ("complete", "success", "finish")


def test_encrypted_members(here: Fleet, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(values, "_keyring", None)
    encryption.enable(active_version=1, key={1: b"1" * 32})

    @teep.job(name="secret", encrypt=True)
    def secret(number: int, word: str) -> None:
        ran.append(word)

    with batch().jobs():
        secret.perform_bulk([(1, "a"), (2, "b")])
        secret.perform_async(3, "c")
    assert all(job.bid for job in teep.Queue())
    here.start(concurrency=1)
    await_events(told, *ALL)
    assert ran == ["a", "b", "c"]


def test_an_iterable_member_that_is_interrupted_is_not_complete(here: Fleet, told: list[str]) -> None:
    begun = threading.Semaphore(0)
    go = threading.Event()

    class Long(teep.IterableJob, name="long"):
        def build_enumerator(self, *, cursor: Any) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([1, 2, 3], cursor=cursor)

        def each_iteration(self, item: int) -> None:
            begun.release()
            assert go.wait(SOON)

    made = batch()
    with made.jobs():
        Long.perform_async()
    worker = here.start(concurrency=1)
    assert begun.acquire(timeout=SOON)
    worker.quiet()
    go.set()
    wait_until(lambda: teep.Queue().size() == 1, SOON, "its return to the queue")
    assert told == []
    assert teep.BatchStatus(made.bid).failures == 0
    worker.stop(1)
    here.start(concurrency=1)
    await_events(told, *ALL)


def test_an_iterable_member_that_is_skipped_leaves_no_place(
    here: Fleet, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature, "_FRESH", 0.0)

    class Failing(teep.IterableJob, name="failing"):
        def build_enumerator(self, *, cursor: Any) -> Iterator[tuple[int, int]]:
            return self.array_enumerator([1, 2, 3], cursor=cursor)

        def each_iteration(self, item: int) -> None:
            if item == 2:
                raise ZeroDivisionError

    made = batch()
    with made.jobs():
        Failing.perform_async()
    here.start(concurrency=1)
    wait_until(lambda: teep.RetrySet().size() == 1, SOON, "its failure")
    assert here.server.command("KEYS", "it-*")
    teep.BatchStatus(made.bid).invalidate_all()
    teep.RetrySet().retry_all()
    await_events(told, "complete", "finish")
    assert here.server.command("KEYS", "it-*") == []


def test_limited_members(here: Fleet, told: list[str]) -> None:
    one = limits.concurrent("one", 1)

    @teep.job(name="limited", limit=one)
    def limited(number: int) -> None: ...

    with batch().jobs():
        limited.perform_bulk([(number,) for number in range(5)])
    here.start()
    wait_until(lambda: sorted(told) == sorted(ALL), SOON, lambda: f"all: {told}")


class Transaction:
    def __init__(self) -> None:
        self.held: list[transactions.PendingPush] = []

    def hold(self, held: transactions.PendingPush) -> None:
        self.held.append(held)


@pytest.mark.parametrize("flush_every", [None, 2])
def test_a_block_in_a_transaction_is_sent_after_the_commit(
    here: Fleet, told: list[str], monkeypatch: pytest.MonkeyPatch, flush_every: int | None
) -> None:
    @teep.job(name="member")
    def member(number: int) -> None: ...

    transaction = Transaction()
    monkeypatch.setattr(transactions, "_sources", {"test": lambda: [transaction]})
    parent = batch()
    with parent.jobs(flush_every=flush_every):
        for number in range(5):
            member.perform_async(number)
        with teep.Batch().jobs(flush_every=flush_every):
            for number in range(5):
                member.perform_async(number)
    assert here.server.everything() == {}
    monkeypatch.setattr(transactions, "_sources", {})
    transactions.send([held for held in transaction.held if held.is_due()])
    assert teep.Queue().size() == 10
    assert teep.BatchStatus(parent.bid).total == 5
    here.start(concurrency=1)
    await_events(told, *ALL)
