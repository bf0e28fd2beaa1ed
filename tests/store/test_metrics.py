"""Metrics as they are written: byte for byte as Sidekiq 8.1 wrote them, once each, on both servers."""

from datetime import UTC, datetime, timedelta

import pytest

from teep.store.statistics import metrics
from teep.store.statistics.metrics import Batch
from teep.wire import keys
from teep.wire.metrics import BOUNDS, Tally, counts
from tests.store.conftest import Run
from tests.support import golden
from tests.support.servers import Server

AT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
ME = "host:1:0123456789ab"
MINUTE = "j|261124|2:30"


def tally(*seconds: float, failed: int = 0) -> Tally:
    made = Tally()
    for each in seconds:
        made.add(each)
    made.failed = failed
    return made


def field(server: Server, name: str, key: str = MINUTE) -> int:
    return int(server.command("HGET", key, name) or 0)


def histogram(server: Server, key: str) -> list[int]:
    raw: bytes = server.command("GET", key)
    return counts(raw)


def test_what_is_written_is_what_sidekiq_wrote(run: Run, server: Server) -> None:
    recorded = golden.load("8.1.7", "26b-metrics-live")
    tallies = {
        "NoopJob": tally(*[0.000_004] * 5),
        "FailJob": tally(failed=1),
        "SleepJob": tally(0.050_2, 1.500_7),
    }
    assert run(metrics.add(ME, Batch(1, AT, tallies)))
    ours = {key.decode() for key in server.command("KEYS", "[jh]|*")}
    assert ours == {key for key in recorded.types if key.startswith(("j|", "h|"))}
    for key in ours:
        if recorded.types[key] == "hash":
            assert server.command("HGETALL", key) == recorded.hashes[key]
        else:
            assert server.command("GET", key) == recorded.strings[key]
        assert abs(server.command("PTTL", key) - recorded.ttls[key]) < 5_000


def test_a_batch_that_comes_again_or_late_adds_nothing(run: Run, server: Server) -> None:
    first, second = (Batch(number, AT, {"A": tally(0.1)}) for number in (7, 8))
    assert run(metrics.add(ME, first))
    assert not run(metrics.add(ME, first))
    assert run(metrics.add(ME, second))
    assert not run(metrics.add(ME, first))
    assert field(server, "A|p") == field(server, "A|p", "j|261124|2:3") == 2
    assert sum(histogram(server, "h|A-24-2:30")) == 2


def test_processes_add_up(run: Run, server: Server) -> None:
    for identity in (ME, "host:2:0123456789ab"):
        assert run(metrics.add(identity, Batch(1, AT, {"A": tally(0.1, failed=2)})))
    assert [field(server, f"A|{metric}") for metric in ("p", "f", "ms")] == [6, 4, 200]


def test_minutes_have_their_own_keys_within_their_ten(run: Run, server: Server) -> None:
    for number, minutes in enumerate((0, 9, 10), start=1):
        assert run(metrics.add(ME, Batch(number, AT + timedelta(minutes=minutes), {"A": tally(0.1)})))
    assert [field(server, "A|p", f"j|261124|2:{minute}") for minute in (30, 39, 40, 3, 4)] == [1, 1, 1, 2, 1]


def test_what_was_written_last_is_forgotten_at_the_end(run: Run, server: Server) -> None:
    run(metrics.add(ME, Batch(5, AT, {"A": tally(0.1)})))
    written = keys.metrics_written(ME)
    assert server.command("GET", written) == b"5"
    assert 259_190 <= server.command("TTL", written) <= 259_200
    run(metrics.forget(ME))
    assert not server.command("EXISTS", written)


def test_a_histogram_stops_at_what_sixteen_bits_hold(run: Run, server: Server) -> None:
    assert run(metrics.add(ME, Batch(1, AT, {"A": tally(*[0.0] * 70_000)})))
    assert run(metrics.add(ME, Batch(2, AT, {"A": tally(*[0.0] * 70_000)})))
    assert histogram(server, "h|A-24-2:30")[0] == 65_535
    assert field(server, "A|p") == 140_000


@pytest.mark.parametrize("slot", range(len(BOUNDS)))
def test_a_run_counts_below_the_first_bound_that_is_larger(slot: int) -> None:
    just_below = BOUNDS[slot] / 1000 - 0.000_5 if slot < 25 else 1e9
    at_the_bound_before = BOUNDS[slot - 1] / 1000 + 0.000_1 if slot else 0.0
    assert tally(just_below, at_the_bound_before).slots() == [(slot, 2)]


def test_milliseconds_are_cut_off_run_by_run() -> None:
    assert dict(tally(0.0019, 0.0019, 0.0009).fields()) == {"ms": 2, "p": 3}
