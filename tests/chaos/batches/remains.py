"""What Redis holds of batches: while any has not finished, at the end, and once their linger is over."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, get_args

from teep import BatchSet, Config, DeadSet, Queue, ScheduledSet
from teep.config import driver_for
from teep.store import workflows
from teep.wire import keys
from teep.wire.keys import Companion
from tests.chaos.batches.made import Made
from tests.chaos.kinds import QUEUES
from tests.support.servers import Server
from tests.support.waiting import wait_until

_SETS: tuple[Companion, ...] = get_args(Companion)
_BID = re.compile(r"{teep:batch:(\w+)}")
# What Redis says of how long a key lives that is gone by now.
_GONE = -0.002
# How often jobs that are deleted may have workflows push others.
_MOST_LAYERS = 12
_GONE_WITHIN = 20.0
# Of a batch that has fallen children, or nodes that wait behind a failed one: it may be sent back (seconds).
_LIFE_OF_DEAD = 180 * 86_400.0


class Remains(NamedTuple):
    """A batch in Redis: its hash, the members of its sets, and for how long each key lives (seconds)."""

    fields: Mapping[str, str]
    sets: Mapping[str, list[str]]
    lives: Mapping[str, float]

    @property
    def bits(self) -> int:
        """How many pending jobs it knows by an index."""
        return int(self.fields.get("bits", 0))

    @property
    def is_kept_long(self) -> bool:
        """Whether something of it may be sent back and succeed yet."""
        waits = any(name.endswith(":open") and life > 0 for name, life in self.lives.items())
        return waits or "recoverable" in self.fields

    @property
    def has_finished(self) -> bool:
        return "fired:finish" in self.fields


def read(server: Server) -> dict[str, Remains]:
    """Return the batches that there are, by their bids."""
    bids = [bid.decode() for bid in server.command("ZRANGE", keys.batches(), 0, -1)]
    by_bid: dict[str, list[str]] = {bid: [] for bid in bids}
    for bid, name in _keys(server):
        by_bid.setdefault(bid, []).append(name)
    found = {}
    for bid in bids:
        with server.client.pipeline(transaction=True) as pipe:
            pipe.hgetall(keys.batch(bid))
            for of in _SETS[:-1]:
                pipe.smembers(keys.batch_set(bid, of))
            pipe.zrange(keys.batch_set(bid, "openers"), 0, -1)
            for name in by_bid[bid]:
                pipe.pttl(name)
            fields, *rest = pipe.execute()
        if fields:
            sets: dict[str, list[str]] = {
                of: sorted(map(bytes.decode, members)) for of, members in zip(_SETS, rest, strict=False)
            }
            lives = {name: life / 1000 for name, life in zip(by_bid[bid], rest[len(_SETS) :], strict=True)}
            found[bid] = Remains({k.decode(): v.decode() for k, v in fields.items()}, sets, lives)
    return found


def _keys(server: Server) -> list[tuple[str, str]]:
    """Return all keys of batches, each with its bid."""
    names = [name.decode() for name in server.command("KEYS", "{teep:batch:*")]
    return [(found[1], name) for name in names if (found := _BID.match(name)) is not None]


def unfinished(server: Server) -> list[str]:
    """Return the bids of batches that have not finished."""
    bids = [bid.decode() for bid in server.command("ZRANGE", keys.batches(), 0, -1)]
    found = server.commands([("HMGET", keys.batch(bid), "created_at", "fired:finish") for bid in bids])
    return [bid for bid, (made, finished) in zip(bids, found, strict=True) if made and not finished]


def problems(server: Server, made: Mapping[str, Made], dead: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the bid of each batch of which Redis holds something wrong, and what, once all is over.

    Of its jobs only dead ones are pending; once the dead set is cleared, none are. Then each batch is kept for its
    linger, and what is over by then leaves no key.
    """
    found = read(server)
    for bid, each in found.items():
        pending, buried = set(each.sets["pending"]), set(each.sets["dead"])
        if not each.has_finished:
            yield bid, f"has not finished, with {dict(each.sets)}"
        elif len(pending) + each.bits != len(buried) or pending - buried or buried - dead:
            some = f"{sorted(pending)} and {each.bits} by index"
            yield (
                bid,
                f"has pending jobs {some}, and dead ones {sorted(buried)}, not all of them {sorted(buried & dead)}",
            )
        if each.sets["children"] or each.sets["openers"]:
            yield bid, f"still waits for {each.sets['children']} and {each.sets['openers']}"
    config = Config(redis_url=server.url)
    _clear(config)
    for bid, each in read(server).items():
        most = _LIFE_OF_DEAD if each.is_kept_long else made[bid].linger
        if each.bits or each.sets["pending"] or each.sets["failed"] or each.sets["dead"]:
            yield bid, f"has jobs left, when all are gone: {dict(each.sets)}"
        elif not all(life == _GONE or 0 < life <= most for life in each.lives.values()):
            yield bid, f"is kept for {dict(each.lives)} s"
    yield from _after_linger(server, config, made)


def _clear(config: Config) -> None:
    """Delete all dead jobs, and what workflows push because of that, as often as that has them push more."""
    DeadSet(config=config).clear()
    for _ in range(_MOST_LAYERS):
        for name in QUEUES:
            Queue(name, config=config).clear()
        ScheduledSet(config=config).clear()


def _after_linger(server: Server, config: Config, made: Mapping[str, Made]) -> Iterator[tuple[str, str]]:
    brief = {bid for bid, each in made.items() if each.linger < _GONE_WITHIN}

    def left() -> list[str]:
        return [bid for bid, each in read(server).items() if bid in brief and not each.is_kept_long]

    try:
        wait_until(lambda: not left(), _GONE_WITHIN, "short batches to be gone")
    except TimeoutError:
        for bid in left():
            yield bid, "is there after its linger"
    there = {status.bid for status in BatchSet(config=config)}
    listed = {bid.decode() for bid in server.command("ZRANGE", keys.batches(), 0, -1)}
    driver = driver_for(config)
    driver.run(workflows.sweep(*driver.run(workflows.page(0, 10_000))))
    listed |= {bid.decode() for bid in server.command("ZRANGE", keys.workflows(), 0, -1)}
    for bid in (listed | {bid for bid, _ in _keys(server)}) - there:
        yield bid, "has left something behind after its linger"
