"""The place of an iterable job, and its way back into its queue."""

from datetime import date

from teep.store.running import inflight, iteration, outcome
from teep.store.running.iteration import Held, IterationState
from teep.wire.keys import Key
from tests.store.conftest import Run
from tests.support.servers import Server

JID = "00d7462cd9d662b493617bcd"
INFLIGHT = "{queue:q}:inflight:host:1:0"
HELD = Held("q", "host:1:0", b"raw")
BACK = outcome.behind("q", b"before", b"after")


def test_what_is_saved_is_read(server: Server, run: Run) -> None:
    server.flushall()
    server.command("RPUSH", INFLIGHT, "raw")
    assert run(iteration.state(JID)) is None
    assert run(iteration.save(JID, 1, b'{"id":7}', 1e-7, HELD)) == (True, False)
    assert run(iteration.state(JID)) == IterationState(1, 1e-7, b'{"id":7}', None)
    assert server.command("HGET", f"it-{JID}", "rt") == b"1.0e-07"  # as Ruby writes it
    assert run(iteration.cancel(JID, 1795487452)) == 1795487452
    assert run(iteration.cancel(JID, 1795487453)) == 1795487452
    assert run(iteration.save(JID, 2, b"null", 2.5, HELD)) == (True, True)
    assert run(iteration.state(JID)) == IterationState(2, 2.5, b"null", 1795487452)
    assert run(iteration.save(JID, 1, b"5", 9.0, HELD)) == (False, False)
    run(iteration.forget(JID))
    assert run(iteration.state(JID)) is None


def test_a_place_lives_for_a_month_from_its_first_checkpoint_and_a_mere_cancellation_for_an_hour(
    server: Server, run: Run
) -> None:
    server.flushall()
    server.command("RPUSH", INFLIGHT, "raw")
    month, hour = 30 * 86_400, 3_600
    run(iteration.cancel(JID, 1795487452))
    assert hour - 60 < server.command("TTL", f"it-{JID}") <= hour
    run(iteration.save(JID, 1, b"5", 1.0, HELD))
    assert month - 60 < server.command("TTL", f"it-{JID}") <= month
    server.command("EXPIRE", f"it-{JID}", 100)
    run(iteration.save(JID, 1, b"6", 1.0, HELD))
    run(iteration.cancel(JID, 1795487452))
    assert 0 < server.command("TTL", f"it-{JID}") <= 100


def test_a_full_server_takes_a_checkpoint_and_puts_a_job_back(server: Server, run: Run) -> None:
    server.flushall()
    server.command("RPUSH", INFLIGHT, "raw", "before")
    server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        assert run(iteration.save(JID, 1, b"5", 1.0, HELD)).written
        assert run(iteration.save(JID, 1, b"6", 1.0, HELD)).written
        assert [told.done for told in run(inflight.settle("host:1:0", [BACK], date(2026, 11, 24)))] == [True]
    finally:
        server.command("CONFIG", "SET", "maxmemory", 0)
    assert run(iteration.state(JID)) == IterationState(1, 1.0, b"6", None)
    assert server.command("LRANGE", "queue:q", 0, -1) == [b"after"]


def test_the_end_of_a_job_takes_its_place_along_only_where_it_was_in_flight(server: Server, run: Run) -> None:
    server.flushall()
    server.command("HSET", f"it-{JID}", "ex", 1, "c", 5, "rt", 1.0)
    end = outcome.over("q", b"raw", "done", Key(f"it-{JID}"))
    assert [told.done for told in run(inflight.settle("host:1:0", [end], date(2026, 11, 24)))] == [False]
    assert run(iteration.state(JID)) == IterationState(1, 1.0, b"5", None)
    server.command("RPUSH", INFLIGHT, "raw")
    assert [told.done for told in run(inflight.settle("host:1:0", [end], date(2026, 11, 24)))] == [True]
    assert sorted(server.command("KEYS", "*")) == [b"stat:processed", b"stat:processed:2026-11-24"]


def test_a_job_that_is_not_in_flight_any_more_is_not_put_back(server: Server, run: Run) -> None:
    server.flushall()
    assert [told.done for told in run(inflight.settle("host:1:0", [BACK], date(2026, 11, 24)))] == [False]
    assert server.command("KEYS", "*") == []


def test_the_first_place_is_saved_only_of_a_job_that_is_held(server: Server, run: Run) -> None:
    for key, written in ((INFLIGHT, True), ("queue:q", True), ("{queue:q}:inflight:host:2:0", False)):
        server.flushall()
        server.command("RPUSH", key, "raw")
        assert run(iteration.save(JID, 1, b"5", 1.0, HELD)) == (written, False)
        assert server.command("EXISTS", f"it-{JID}") == written
