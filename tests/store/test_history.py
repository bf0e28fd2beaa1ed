"""The history as it is written: by the leader alone, each run once, and read back as it was."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from teep.store.statistics import history
from teep.store.statistics.history import HOUR, Queued, Sample, Series
from teep.wire import keys
from teep.wire.keys import Key
from teep.wire.metrics import MINUTE
from teep.wire.scripts.fence import Fence
from tests.api.sides import job, raw
from tests.store.conftest import Run
from tests.support.servers import Server

AT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
ME, OTHER = "host:1:0123456789ab", "host:2:0123456789ab"


class Writer:
    """Adds samples of a fleet that lies still but for what is given."""

    def __init__(self, run: Run, server: Server) -> None:
        self._run, self._server = run, server
        self.lead(ME)

    def lead(self, identity: str) -> None:
        self._server.command("SET", keys.leader(), identity)

    def add(
        self,
        seconds: float = 0,
        *,
        identity: str = ME,
        queues: Mapping[str, Queued] | None = None,
        gauges: Mapping[str, float] | None = None,
        **values: int,
    ) -> bool:
        usual = dict.fromkeys(("processed", "failed", "scheduled", "retries", "dead", "busy", "enqueued"), 0)
        sample = Sample(AT.timestamp() + seconds, queues=queues or {}, **{**usual, **values})
        return self._run(history.add(Fence(keys.leader(), identity), sample, gauges or {}))

    def read(self, hours: float = 1, seconds: int = MINUTE) -> dict[datetime, history.Record]:
        return self._run(history.read(AT, AT + timedelta(hours=hours), seconds))


@pytest.fixture
def writer(run: Run, server: Server) -> Writer:
    return Writer(run, server)


def test_only_the_leader_writes(writer: Writer, server: Server) -> None:
    assert not writer.add(identity=OTHER)
    assert server.command("KEYS", "teep:history:*") == []
    writer.lead(OTHER)
    assert not writer.add()
    assert server.command("KEYS", "teep:history:*") == []
    assert writer.add(identity=OTHER)
    assert len(server.command("KEYS", "teep:history:*")) == 3


def test_samples_of_a_minute_are_one_record(writer: Writer) -> None:
    for number, enqueued in enumerate((10, 40, 10)):
        assert writer.add(10 * number, enqueued=enqueued, busy=number)
    assert writer.add(60, dead=7)
    first, second = (writer.read()[AT + timedelta(minutes=minutes)] for minutes in (0, 1))
    assert first.samples == 3
    assert first.sizes["enqueued"] == Series(3, 60, 40)
    assert first.sizes["busy"] == Series(3, 3, 2)
    assert (second.samples, second.sizes["dead"]) == (1, Series(1, 7, 7))


def test_an_hour_has_the_samples_of_its_minutes(writer: Writer) -> None:
    for minutes in (0, 29, 30):
        assert writer.add(60 * minutes, retries=minutes)
    records = writer.read(1, HOUR)
    assert records == {AT.replace(hour=3, minute=0): records[AT.replace(hour=3, minute=0)]}
    records = writer._run(history.read(AT.replace(minute=0), AT, HOUR))
    assert records[AT.replace(minute=0)].sizes["retries"] == Series(2, 29, 29)


def test_runs_count_since_the_sample_before_whichever_process_took_it(writer: Writer) -> None:
    writer.add(0, processed=1_000, failed=10)
    writer.add(10, processed=1_100, failed=12)
    writer.lead(OTHER)
    writer.add(65, identity=OTHER, processed=1_105, failed=12)
    minutes = writer.read()
    assert [(record.processed, record.failed) for record in minutes.values()] == [(100, 2), (5, 0)]


def test_counters_that_were_set_back_count_from_zero(writer: Writer) -> None:
    writer.add(0, processed=1_000)
    writer.add(10, processed=30)
    assert writer.read()[AT].processed == 30


def test_runs_of_a_time_in_which_nobody_sampled_count_nowhere(writer: Writer, server: Server) -> None:
    writer.add(0, processed=1_000)
    assert 50 <= server.command("TTL", "teep:history:last") <= 60
    server.command("DEL", "teep:history:last")
    writer.add(600, processed=9_000)
    writer.add(610, processed=9_001)
    assert {at: record.processed for at, record in writer.read().items()} == {AT: None, AT + timedelta(minutes=10): 1}


NAMES: tuple[str, ...] = ("default", "1", "a/b", 'say "x"', "schön", "b.c|d", "\x01", "日本")


def test_queues_and_gauges_are_read_as_they_were_named(writer: Writer) -> None:
    queues = {name: Queued(number + 1, number / 8) for number, name in enumerate(NAMES)}
    gauges = dict.fromkeys(NAMES, -1.5)
    assert writer.add(queues=queues, gauges=gauges)
    assert writer.add(10, queues=queues)
    record = writer.read()[AT]
    assert record.queue_sizes == {name: Series(2, 2 * queue.size, queue.size) for name, queue in queues.items()}
    assert record.latencies == {name: Series(2, 2 * queue.latency, queue.latency) for name, queue in queues.items()}
    assert record.gauges == dict.fromkeys(NAMES, Series(1, -1.5, -1.5))


def test_a_name_that_is_no_utf8_is_written_out(writer: Writer) -> None:
    assert writer.add(queues={"no\udcffname": Queued(3, 0.5)}, gauges={"\udcff": 1})
    record = writer.read()[AT]
    assert record.queue_sizes == {"no\\udcffname": Series(1, 3, 3)}
    assert record.gauges == {"\\udcff": Series(1, 1, 1)}


def test_a_record_keeps_the_longest_queues_however_many_come_and_go(writer: Writer) -> None:
    most = history.MOST_QUEUES
    for number in range(4):
        queues = {f"queue-{number}-{size}": Queued(size, 1.0) for size in range(1, most // 2 + 1)}
        assert writer.add(10 * number, queues=queues)
    for seconds in (MINUTE, HOUR):
        (record,) = writer._run(history.read(AT.replace(minute=0), AT + timedelta(minutes=1), seconds)).values()
        assert len(record.queue_sizes) == len(record.latencies) == most
        assert set(record.queue_sizes) == set(record.latencies)
        assert min(series.peak for series in record.queue_sizes.values()) == most // 4 + 1


@pytest.mark.parametrize(
    "damage",
    [
        "no JSON",
        "[]",
        "{}",
        '{"n":1,"p":0,"f":0,"v":[],"q":{},"l":{},"g":{}}',
        '{"n":1,"p":0,"f":0,"v":{"dead":["a","b","c"]},"q":{},"l":{},"g":{}}',
        '{"n":1,"p":0,"f":0,"v":{"dead":[1,null,2]},"q":{},"l":{},"g":{}}',
        '{"n":[],"p":"x","f":0,"v":{},"q":{},"l":{},"g":{}}',
    ],
)
def test_a_damaged_record_is_a_gap_until_the_next_sample(writer: Writer, server: Server, damage: str) -> None:
    server.command("HSET", keys.history_minutes(AT), "30", damage)
    server.command("HSET", keys.history_hours(AT.date()), "02", damage)
    assert writer.read() == {}
    assert writer.add(dead=3)
    assert writer.read()[AT].sizes["dead"] == Series(1, 3, 3)


def test_who_has_read_an_older_record_writes_nothing(run: Run, server: Server, writer: Writer) -> None:
    writer.add(dead=1)
    late = history.add(Fence(keys.leader(), ME), Sample(AT.timestamp(), 0, 0, 0, 0, 0, 0, 0, {}), {})
    first = late.send(None)  # it reads
    reply = run(_read(first))
    writer.add(10, dead=1)
    command = late.send(reply)
    assert not run(_read(command))
    late.close()
    assert writer.read()[AT].samples == 2


async def _read(command: Any) -> Any:
    return await command


def test_records_expire(writer: Writer, server: Server) -> None:
    writer.add()
    ttls = {key: server.command("TTL", key) for key in ("teep:history:m:2026112402", "teep:history:d:20261124")}
    assert list(ttls.values()) == [pytest.approx(73 * 3600, abs=5), pytest.approx(91 * 86_400, abs=5)]


def test_a_sample_is_the_fleet_as_it_is(run: Run, server: Server) -> None:
    now = time.time()
    _fill(server, now)
    sample = run(history.sample())
    assert sample.at == pytest.approx(now, abs=20)
    assert (sample.processed, sample.failed) == (10, 3)
    assert sample.sizes == {"enqueued": 3, "scheduled": 1, "retries": 2, "dead": 3, "busy": 5}
    assert {name: queue.size for name, queue in sample.queues.items()} == {"default": 2, "broken": 1}
    assert sample.queues["default"].latency == pytest.approx(40, abs=20)
    assert sample.queues["broken"].latency == 0.0


def _fill(server: Server, now: float) -> None:
    sets: dict[str, Any] = {"schedule": 1, "retry": 2, "dead": 3}
    server.commands(
        [
            ("MSET", "stat:processed", 10, "stat:failed", 3),
            ("SADD", "queues", "default", "broken", "empty"),
            ("LPUSH", "queue:default", raw(job(1, enqueued_at=now - 40)), raw(job(2))),
            ("LPUSH", "queue:broken", "no job"),
            ("SADD", "processes", "a:1:x", "b:1:x"),
            ("HSET", "a:1:x", "busy", 2),
            ("HSET", "b:1:x", "busy", 3),
            *(("ZADD", key, number, str(number)) for key, count in sets.items() for number in range(count)),
        ]
    )


def test_reading_costs_a_command_for_each_hash(run: Run) -> None:
    assert [key for _, key in history._hashes(AT, AT + timedelta(hours=1), MINUTE)] == [
        Key("teep:history:m:2026112402"),
        Key("teep:history:m:2026112403"),
    ]
    assert len(list(history._hashes(AT - timedelta(days=90), AT, HOUR))) == 91
    assert run(history.read(AT, AT, MINUTE)) == {}
