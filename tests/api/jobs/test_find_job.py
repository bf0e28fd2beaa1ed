"""Finding a job in a long queue by its jid: quickly where the jid tells its time, always, and never another."""

import random
import secrets
from functools import cache
from typing import Any, NamedTuple

import pytest

from teep.store.jobs import queues
from teep.wire import payload
from tests.api.sides import Side, job, raw

NOW = 1_790_000_000.0
JOBS = 20_000
PRODUCERS = (-30.0, -4.0, 0.0, 0.2, 30.0)  # how far each one's clock is off, in seconds
CHANCE = random.Random(20_261_124)


class Filled(NamedTuple):
    """What lies in the queue, oldest first, and the jids by how they can be found."""

    raws: list[bytes]
    ordered: list[str]
    elsewhere: list[str]


@cache
def filled() -> Filled:
    """A queue as several producers, a retry poller and Ruby would fill it within an hour, with odd things between."""
    raws: list[bytes] = []
    ordered: list[str] = []
    elsewhere: list[str] = []
    for number in range(JOBS):
        at = NOW + number * 3_600 / JOBS
        clock = at + CHANCE.choice(PRODUCERS)
        stamp: float = clock if CHANCE.random() < 0.5 else int(clock * 1000)
        kind = CHANCE.random()
        if kind < 0.9:
            ordered.append(payload.new_jid(clock, CHANCE.randbytes(6)))
            raws.append(raw(job(number, jid=ordered[-1], created_at=stamp, enqueued_at=stamp)))
        elif kind < 0.93:  # came back from the retry set, with the jid of its first push
            elsewhere.append(payload.new_jid(clock - CHANCE.uniform(3_600, 90_000), CHANCE.randbytes(6)))
            raws.append(raw(job(number, jid=elsewhere[-1], created_at=at - 9e4, retry_count=1, enqueued_at=stamp)))
        elif kind < 0.97:  # Ruby's
            elsewhere.append(CHANCE.randbytes(12).hex())
            raws.append(raw(job(number, jid=elsewhere[-1], enqueued_at=stamp)))
        elif kind < 0.98:  # an argument that looks like a time, after the one that counts and before it
            ordered.append(payload.new_jid(clock, CHANCE.randbytes(6)))
            fields = {"jid": ordered[-1], "enqueued_at": stamp, "args": [number, {"enqueued_at": 5.5}]}
            raws.append(raw(job(number, **fields)))
        elif kind < 0.99:
            elsewhere.append(payload.new_jid(clock, CHANCE.randbytes(6)))
            raws.append(raw(job(number, jid=elsewhere[-1])))  # no time at all
        else:
            raws.append(CHANCE.choice([b"no job", b'"enqueued_at":', b'{"enqueued_at":"then"}', b"[]", b"\xff"]))
    return Filled(raws, ordered, elsewhere)


def lay(side: Side, raws: list[bytes]) -> None:
    for start in range(0, len(raws), 5_000):
        side.server.command("LPUSH", "queue:default", *raws[start : start + 5_000])


def calls(side: Side, command: str) -> int:
    """How often the server carried a command out since the statistics began, within scripts too."""
    stats: dict[str, Any] = side.server.client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_every_job_is_found_and_no_other(side: Side) -> None:
    queue, found = side.Queue(), filled()
    lay(side, found.raws)
    picks = [
        *CHANCE.sample(found.ordered, 80),
        found.ordered[0],
        found.ordered[-1],
        *CHANCE.sample(found.elsewhere, 30),
    ]
    for jid in picks:
        record = side.run(queue.find_job(jid))
        assert record is not None, jid
        assert record.jid == jid
        assert record.raw in found.raws


def test_a_jid_that_tells_its_time_takes_a_few_looks_whatever_the_queues_length(side: Side) -> None:
    queue, found = side.Queue(), filled()
    lay(side, found.raws)
    side.run(queue.find_job(found.ordered[0]))  # loads the script
    for jid in CHANCE.sample(found.ordered, 25):
        side.server.command("CONFIG", "RESETSTAT")
        assert side.run(queue.find_job(jid)).jid == jid
        assert calls(side, "evalsha") <= len(queues.PROBE_WINDOWS)
        assert calls(side, "lrange") == calls(side, "evalsha")
        assert calls(side, "lindex") < 150  # halvings of 20,000, twice, and neighbours of those that say nothing
        assert calls(side, "llen") == calls(side, "evalsha")


def test_clocks_that_agree_take_one_look(side: Side) -> None:
    """Also where every second payload tells no time, and the arguments of the others tell a wrong one."""
    jids = [payload.new_jid(NOW + number, secrets.token_bytes(6)) for number in range(3_000)]
    for number, jid in enumerate(jids):
        told = job(number, jid=jid, args=[{"enqueued_at": 5.5}], enqueued_at=NOW + number)
        lay(side, [raw(told), b"no job"])
    queue = side.Queue()
    assert side.run(queue.find_job(jids[1_234])).jid == jids[1_234]
    side.server.command("CONFIG", "RESETSTAT")
    for jid in (jids[0], jids[1_500], jids[-1]):
        assert side.run(queue.find_job(jid)).jid == jid
    assert calls(side, "evalsha") == 3


def test_what_is_not_there_is_not_found(side: Side) -> None:
    queue, found = side.Queue(), filled()
    lay(side, found.raws)
    middle = found.ordered[len(found.ordered) // 2]
    absent = [
        middle[:-1],
        f"{middle[:-1]}{'0' if middle[-1] != '0' else '1'}",
        payload.new_jid(NOW - 1e6, secrets.token_bytes(6)),
        payload.new_jid(NOW + 1e6, secrets.token_bytes(6)),
        secrets.token_hex(12),
        "",
        "é☃",
        '"jid"',
    ]
    for jid in absent:
        assert side.run(queue.find_job(jid)) is None, jid


@pytest.mark.parametrize("length", [1, 150, 6_000])
@pytest.mark.parametrize("ordered", [True, False], ids=["teep's jids", "random jids"])
def test_a_jid_that_others_only_name_is_no_find(side: Side, length: int, ordered: bool) -> None:
    jids = [
        payload.new_jid(NOW + n, secrets.token_bytes(6)) if ordered else secrets.token_hex(12) for n in range(length)
    ]
    lay(side, [
        raw(job(n, args=[jid, {"jid": jid}], jid=f"other-{n}", parent=jid, enqueued_at=NOW + n))
        for n, jid in enumerate(jids)
    ])  # fmt: skip
    for jid in (jids[0], jids[length // 2], jids[-1]):
        assert side.run(side.Queue().find_job(jid)) is None
        assert not side.run(side.Queue().delete_job(jid))
    side.push(job(-1, jid=jids[0], enqueued_at=NOW + 2 * length))
    assert side.run(side.Queue().find_job(jids[0])).args == [-1]
    assert side.run(side.Queue().delete_job(jids[0])) is True
    assert side.run(side.Queue().size()) == length


@pytest.mark.parametrize("stamps", [("s",), ("ms",), ("s", "ms"), ()], ids=["s", "ms", "mixed", "none"])
def test_whichever_unit_the_times_have(side: Side, stamps: tuple[str, ...]) -> None:
    jids = [payload.new_jid(NOW + number, secrets.token_bytes(6)) for number in range(6_000)]
    raws = []
    for number, jid in enumerate(jids):
        at = NOW + number
        stamp = {} if not stamps else {"enqueued_at": at if stamps[number % len(stamps)] == "s" else int(at * 1000)}
        raws.append(raw(job(number, jid=jid, **stamp)))
    lay(side, raws)
    side.server.command("CONFIG", "RESETSTAT")
    for number in (0, 1, 2_999, 4_500, 5_999):
        assert side.run(side.Queue().find_job(jids[number])).args == [number]
    if stamps:
        assert calls(side, "evalsha") <= 6  # one each, and once more where the script was not known yet
