"""`unique_for` at a push: of jobs that are alike only one goes in, until its lock is given back or ends."""

import hashlib
import logging
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import teep
import teep.testing
from teep.client.delivery import transactions
from teep.client.delivery.transactions import PendingPush
from teep.encryption import values
from teep.errors import InvalidJob
from tests.api.sides import Side
from tests.support.processes import race
from tests.support.servers import Server
from tests.support.waiting import wait_until

HOUR = 3600


def _push(side: Side, *args: Any, **fields: Any) -> str | None:
    given = {"class": "Noop", "args": list(args), "queue": "q", "unique_for": HOUR, **fields}
    jid: str | None = side.run(side.Client().push(given))
    return jid


def _locks(side: Side) -> dict[bytes, bytes]:
    return {key: side.server.command("GET", key) for key in side.server.command("KEYS", "unique:*")}


def test_the_second_of_two_alike_is_not_pushed_and_the_log_says_why(
    side: Side, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "teep"):
        jid = _push(side, 1, {"a": 1, "b": 2})
        assert _push(side, 1, {"b": 2, "a": 1}) is None
    assert [item["jid"] for item in side.lying("q")] == [jid]
    assert f"the identical job {jid} has the lock" in caplog.text
    assert list(_locks(side).values()) == [str(jid).encode()]


@pytest.mark.parametrize(
    "other", [{"args": [2]}, {"queue": "p"}, {"class": "Other"}, {"kwargs": {"a": 1}}, {"unique_for": False}]
)
def test_others_are_pushed(side: Side, other: dict[str, Any]) -> None:
    assert _push(side, 1)
    assert _push(side, 1, **other)


def test_a_lock_ends_after_its_time(side: Side) -> None:
    assert _push(side, unique_for=0.05)
    wait_until(lambda: _push(side, unique_for=0.05), 10.0, "the lock to end")
    assert len(side.lying("q")) == 2


def test_the_time_counts_from_when_a_scheduled_job_is_due(side: Side) -> None:
    jid = _push(side, at=time.time() + HOUR)
    (key,) = _locks(side)
    assert HOUR * 1000 < side.server.command("PTTL", key) <= 2 * HOUR * 1000
    assert _push(side, at=time.time() + 60) is None
    assert _push(side) is None
    (entry,) = side.listed(side.ScheduledSet())
    assert entry.jid == jid
    assert side.run(entry.add_to_queue())  # it is not in its own way
    assert [item["jid"] for item in side.lying("q")] == [jid]
    assert _push(side) is None


@pytest.mark.parametrize("how", [{}, {"at": [1.0, 1.9e9, 1.9e9]}, {"spread_interval": 10.0}])
def test_a_bulk_push_leaves_out_what_is_alike(side: Side, how: dict[str, Any]) -> None:
    bulk = {"class": "Noop", "args": [[1], [2], [1]], "queue": "q", "unique_for": HOUR, **how}
    first = side.run(side.Client().push_bulk(bulk))
    assert [bool(jid) for jid in first] == [True, True, False]
    assert side.run(side.Client().push_bulk(bulk)) == [None, None, None]
    assert len(side.lying("q")) + len(side.scored("schedule")) == 2


def test_who_pushes_a_job_again_by_hand_is_not_in_its_own_way(side: Side) -> None:
    jid = _push(side, 1)
    (item,) = side.lying("q")
    side.server.command("DEL", "queue:q")
    assert side.run(side.Client().push(item)) == jid
    assert [item["jid"] for item in side.lying("q")] == [jid]


def test_a_middleware_may_ask_for_it_and_its_arguments_count(side: Side) -> None:
    def once(item: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        item |= {"unique_for": HOUR, "args": ["same"]}
        return call_next()

    side.config = teep.Config(redis_url=side.server.url)
    side.config.client_middleware.add(once)
    assert _push(side, 1, unique_for=None)
    assert _push(side, 2, unique_for=None) is None


def test_a_default_makes_all_jobs_unique_and_a_push_may_differ(side: Side) -> None:
    side.config = teep.Config(redis_url=side.server.url, job_defaults={"unique_for": timedelta(hours=1)})
    given = {"class": "Noop", "args": [], "queue": "q"}
    assert side.run(side.Client().push(given))
    assert side.run(side.Client().push(given)) is None
    assert side.run(side.Client().push(given | {"unique_for": False}))


def test_encrypted_jobs_cannot_be_unique(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_keyring", None)
    with pytest.raises(InvalidJob, match=r"the\.job encrypts its last argument, so it cannot be unique"):
        teep.job(name="the.job", encrypt=True, unique_for=60)(lambda a, b: None)
    teep.encryption.enable(active_version=1, key={1: b"k" * 32})
    with pytest.raises(InvalidJob, match="Noop encrypts its last argument, so it cannot be unique"):
        _push(side, 1, "secret", encrypt=True)
    assert side.lying("q") == []
    assert _locks(side) == {}


def test_where_redis_takes_no_job_no_lock_is_left(side: Side) -> None:
    side.server.command("SET", "queue:q", "not a list")
    with pytest.raises(teep.errors.RedisCommandError):
        _push(side, 1)
    side.server.command("DEL", "queue:q")
    assert _locks(side) == {}
    assert _push(side, 1)


_RACE = """
import sys, threading, teep
client = teep.Client(teep.Config(redis_url=sys.argv[1]))
def push():
    for number in range(50):
        jid = client.push({"class": "Noop", "args": [number], "queue": "q", "unique_for": 3600})
        if jid:
            sys.stdout.write(jid + "\\n")  # in one piece, unlike print
threads = [threading.Thread(target=push) for _ in range(3)]
print("ready", flush=True)
sys.stdin.readline()
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_of_many_threads_in_several_processes_one_wins(server: Server) -> None:
    jids = [jid for said in race([sys.executable, "-c", _RACE, server.url]) for jid in said.split()]
    lying = [msgspec.json.decode(raw) for raw in server.command("LRANGE", "queue:q", 0, -1)]
    assert sorted(item["jid"] for item in lying) == sorted(jids)
    assert sorted(item["args"] for item in lying) == [[number] for number in range(50)]


@pytest.mark.parametrize("remove", ["delete", "delete_all", "kill", "cancel", "delete_by_class"])
@pytest.mark.parametrize("later", [False, True])
def test_what_is_removed_gives_its_lock_back(side: Side, remove: str, later: bool) -> None:
    when = {"at": time.time() + HOUR} if later else {}
    jid = _push(side, 1, **when)
    place = side.ScheduledSet() if later else side.Queue("q")
    if remove == "cancel":
        side.run(side.Client().cancel(jid))
    elif remove == "delete":
        side.run(side.listed(place)[0].delete())
    elif remove == "delete_by_class" and not later:
        side.run(place.delete_by_class("Noop"))
    else:
        side.run(getattr(place.where(klass="Noop"), "kill_all" if remove == "kill" else "delete_all")())
    assert _locks(side) == {}
    assert _push(side, 1)


def test_a_push_in_a_transaction_takes_its_lock_at_the_commit(
    side: Side, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held: list[PendingPush] = []

    class Transaction:
        def hold(self, push: PendingPush) -> None:
            held.append(push)

    monkeypatch.setitem(transactions._sources, "test", lambda: [Transaction()])
    first, second = _push(side, 1), _push(side, 1)
    assert first
    assert second
    assert _locks(side) == {}
    with caplog.at_level(logging.INFO, "teep"):
        if side.name == "sync":
            transactions.send(held)
        else:
            side.run(transactions.send_async(held))
    assert [item["jid"] for item in side.lying("q")] == [first]
    assert f"{second} is not pushed" in caplog.text


def test_fakes_collect_all(side: Side) -> None:
    with teep.testing.fake(everywhere=True) as jobs:
        assert _push(side, 1)
        assert _push(side, 1)
    assert len(jobs) == 2
    assert _locks(side) == {}


def test_the_lock_is_named_by_its_payload(side: Side) -> None:
    _push(side, 1)
    (raw,) = side.server.command("LRANGE", "queue:q", 0, -1)
    (key,) = _locks(side)
    assert key == b"unique:" + msgspec.json.decode(raw)["unique_lock"].encode()


def test_alike_is_what_is_called_alike_however_it_is_written(side: Side, own_registry: None) -> None:
    def sync(account: int, full: bool = False, *, deep: bool = False, to: str = "") -> None: ...

    job: Any = teep.job(name="sync", queue="q", unique_for=HOUR)(sync)
    client = side.Client()
    assert side.run(client.enqueue(job, 7))
    for args, kwargs in (
        ((7, False), {}), ((7,), {"full": False}), ((), {"account": 7, "deep": False}),
        ((7,), {"to": "", "deep": False}),
    ):  # fmt: skip
        assert side.run(client.enqueue(job, *args, **kwargs)) is None
    pushes = {"class": "sync", "queue": "q", "unique_for": HOUR}
    assert side.run(client.push({**pushes, "args": [7, False]})) is None
    assert side.run(client.push_bulk({**pushes, "args": [[7, False], [7]]})) == [None, None]
    assert side.run(client.enqueue(job, 7, True))
    assert side.run(client.enqueue(job, 7, to="a", deep=True))
    assert side.run(client.enqueue(job, 7, deep=True, to="a")) is None
    # A job that is not known here is told by what was written.
    assert _push(side, 7)
    assert _push(side, 7, False)


def test_the_lock_of_a_call_is_the_one_that_it_always_was(side: Side, own_registry: None) -> None:
    """Processes of the version before, and those that push by name only, use the same locks."""
    call: list[Any] = ["sync", "q", [7], {}]
    digest = hashlib.sha256(msgspec.json.encode(call)).hexdigest()
    side.run(side.Client().push({"class": "sync", "queue": "q", "args": [7], "unique_for": HOUR}))
    assert list(_locks(side)) == [f"unique:{digest}".encode()]
    job: Any = teep.job(name="sync", queue="q", unique_for=HOUR)(lambda account, full=False: None)
    assert side.run(side.Client().enqueue(job, 7, False)) is None
