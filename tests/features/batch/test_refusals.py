"""Redis may refuse any command of a step: no job is lost or of a batch by halves, and the batch can be mended."""

import contextlib

import pytest

import teep
from teep.client import Client
from teep.client.batches import Batch
from teep.config import Config, driver_for
from teep.errors import RedisError
from teep.store import batches, compact
from teep.store.batches import Event
from teep.store.jobs import lost
from teep.store.running import inflight
from teep.wire import keys, payload
from teep.wire.scripts.script import load
from tests.features.batch.world import DAY, _outcome, _Success
from tests.support.refusing import allow, commands_of
from tests.support.servers import Server

pytestmark = pytest.mark.one_server

COMMANDS = commands_of(load("step"))


def jids(raws: list[bytes]) -> set[str]:
    return {str(payload.parse(raw)["jid"]) for raw in raws}


def members(server: Server, bid: str, of: str = "pending") -> set[str]:
    """Return the jids that a batch remembers, and those of the jobs in the queue whose bits are set."""
    found = {jid.decode() for jid in server.command("SMEMBERS", f"{keys.batch(bid)}:{of}")}
    bits = compact.indices(server.command("GET", keys.batch_bits(bid)) or b"") if of == "pending" else []
    assert of != "pending" or len(bits) == int(server.command("HGET", keys.batch(bid), "bits") or 0)
    queued = {item.get("bix"): item["jid"] for item in map(payload.parse, server.command("LRANGE", "queue:q", 0, -1))}
    return found | {queued.get(bit, f"bit {bit}") for bit in bits}


def push_members(config: Config, jobs: int) -> None:
    """Push jobs that are unique, and if there are three, one that is not."""
    for number in range(jobs):
        unique = {"unique_for": 60} if number < 2 else {}
        Client(config).push({"class": "member", "args": [number], "queue": "q", **unique})


def new_batch(config: Config, event: Event) -> Batch:
    return Batch(config=config, callback_queue="callbacks").on(event, "told")


def fill(batch: Batch, config: Config, jobs: int, *, in_steps: bool) -> Batch:
    with batch.jobs() as block:
        push_members(config, jobs)
        if in_steps:
            driver_for(config).run(block.flush())
    return batch


def open_batch(config: Config, jobs: int = 3, *, in_steps: bool = False) -> Batch:
    return fill(new_batch(config, "finish"), config, jobs, in_steps=in_steps)


KNOWN = pytest.mark.parametrize("in_steps", [False, True], ids=["by jid", "by index"])


@KNOWN
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_pushed_is_of_the_batch_and_nothing_else_is(
    server: Server, limited: Config, command: str, in_steps: bool
) -> None:
    allow(server, f"-{command.lower()}")
    batch = new_batch(limited, "success")
    with contextlib.suppress(RedisError, teep.BatchClosed):
        fill(batch, limited, 3, in_steps=in_steps)
    queued = jids(server.command("LRANGE", "queue:q", 0, -1))
    assert members(server, batch.bid) == queued
    locked = {server.command("GET", key).decode() for key in server.command("KEYS", "unique:*")}
    assert locked <= queued
    assert len(queued) - len(locked) in ((1,) if queued else (0,))  # one of the three has no lock
    assert server.command("LLEN", "queue:callbacks") == 0
    allow(server)
    again = open_batch(limited, 0)
    assert server.command("LLEN", "queue:callbacks") == 1
    assert again.bid != batch.bid


@KNOWN
@pytest.mark.parametrize("how", ["failed", "dead", "discarded", "done"])
@pytest.mark.parametrize("command", sorted({*COMMANDS, *commands_of(load("running/exchange"))}))
def test_an_end_is_carried_out_and_the_batch_hears_of_it_or_finds_it_out(
    server: Server, limited: Config, how: str, command: str, in_steps: bool
) -> None:
    driver = driver_for(limited)
    batch = open_batch(limited, 2, in_steps=in_steps)
    reserved = reserve(limited)
    allow(server, f"-{command.lower()}")
    settle(limited, how, reserved)
    allow(server)
    settle(limited, how, reserved)  # what was refused is tried again
    assert server.command("LLEN", "{queue:q}:inflight:me") == 0
    places = {"failed": "retry", "dead": "dead"}
    if how in places:
        assert jids(server.command("ZRANGE", places[how], 0, -1)) == jids(reserved)
    if how == "failed":
        return
    driver.run(lost.reconcile(batch.bid))
    driver.run(batches.decide(batch.bid))
    if how == "dead":
        assert members(server, batch.bid, "dead") == jids(reserved)
    assert server.command("LLEN", "queue:callbacks") == 1


def reserve(config: Config) -> list[bytes]:
    """Take two jobs, or the one that there is."""
    return [raw for _, raw in driver_for(config).execute(inflight.exchange("me", {}, ["q"], 2, DAY)).reserved]


def settle(config: Config, how: str, raws: list[bytes]) -> None:
    driver = driver_for(config)
    with contextlib.suppress(RedisError):
        if how == "done":
            from teep.store import features

            done = [_Success(raw, features.along_of(payload.parse(raw), "done")) for raw in raws]
            driver.execute(inflight.exchange("me", {}, [], 0, DAY, done))
        else:
            driver.run(inflight.settle("me", [_outcome(raw, how) for raw in raws], DAY))


@pytest.mark.parametrize("key", ["queue:callbacks", "queues"])
def test_a_callback_that_redis_refuses_is_pushed_when_it_takes_it(server: Server, limited: Config, key: str) -> None:
    batch = open_batch(limited, 1)
    server.command("DEL", key)
    server.command("SET", key, "a string")
    driver = driver_for(limited)
    raws = server.command("LRANGE", "queue:q", 0, -1)
    from teep.store.jobs import dropping

    with pytest.raises(RedisError, match=f"{key}: WRONGTYPE .*; the job is removed all the same"):
        driver.run(dropping.remove("list", keys.queue("q"), raws))
    assert server.command("HGET", keys.batch(batch.bid), "fired:finish") is None
    server.command("DEL", key)
    driver.run(batches.decide(batch.bid))
    driver.run(batches.decide(batch.bid))
    assert server.command("LLEN", "queue:callbacks") == 1


@KNOWN
def test_a_full_redis_still_ends_jobs_and_pushes_callbacks(server: Server, limited: Config, in_steps: bool) -> None:
    open_batch(limited, 2, in_steps=in_steps)
    reserved = reserve(limited)
    server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        settle(limited, "dead", reserved[:1])
        settle(limited, "done", reserved[1:])
        with pytest.raises(RedisError, match="out of memory"):
            open_batch(limited, 1, in_steps=in_steps)
    finally:
        server.command("CONFIG", "SET", "maxmemory", 0)
    assert server.command("LLEN", "queue:callbacks") == 1


def test_no_lock_is_left_of_a_job_that_its_batch_cannot_take(server: Server, limited: Config) -> None:
    batch = open_batch(limited, 1)
    Client(limited).cancel(next(iter(members(server, batch.bid))))
    held = Batch(config=limited)
    with pytest.raises(RedisError, match="WRONGTYPE"), held.jobs():
        server.command("SET", f"{keys.batch(held.bid)}:pending", "a string")
        Client(limited).push({"class": "member", "args": [5], "queue": "q", "unique_for": 60})
    assert server.command("KEYS", "unique:*") == server.command("LRANGE", "queue:q", 0, -1) == []


@KNOWN
def test_a_batch_s_key_of_another_type_holds_up_no_job(server: Server, limited: Config, in_steps: bool) -> None:
    batch = open_batch(limited, 2, in_steps=in_steps)
    reserved = reserve(limited)
    for key in (keys.batch(batch.bid), f"{keys.batch(batch.bid)}:pending"):
        server.command("DEL", key)
        server.command("SET", key, "a string")
    server.command("DEL", keys.batch_bits(batch.bid))
    server.command("SADD", keys.batch_bits(batch.bid), "no string")
    settle(limited, "dead", reserved[:1])
    settle(limited, "done", reserved[1:])
    assert server.command("LLEN", "{queue:q}:inflight:me") == 0
    with pytest.raises(RedisError, match="WRONGTYPE"), Batch(batch.bid, config=limited).jobs():
        Client(limited).push({"class": "member", "args": [], "queue": "q"})
    assert server.command("LLEN", "queue:q") == 0


@pytest.mark.parametrize("in_steps", [False, True])
def test_a_death_that_redis_refused_to_tell_is_told_later(server: Server, limited: Config, in_steps: bool) -> None:
    driver = driver_for(limited)
    batch = fill(new_batch(limited, "death"), limited, 1, in_steps=in_steps)
    reserved = reserve(limited)
    server.command("SET", "queue:callbacks", "no list")
    settle(limited, "dead", reserved)
    assert b"fired:death" not in server.client.hgetall(keys.batch(batch.bid))
    server.command("DEL", "queue:callbacks")
    driver.run(batches.decide(batch.bid))
    driver.run(batches.decide(batch.bid))
    assert server.command("LLEN", "queue:callbacks") == 1
