"""Queues: order, sizes, searches, and walks that stay stable while others push and take."""

import random
from collections import Counter
from typing import Literal

import pytest

from teep.store.jobs import queues, slices
from teep.store.jobs.pushes import Push
from teep.store.jobs.queues import Summary
from tests.store.conftest import Run
from tests.support.servers import Server


def _push(server: Server, *raws: bytes, queue: str = "q") -> None:
    if raws:
        server.command("LPUSH", f"queue:{queue}", *raws)


async def _pushed(now: dict[str, list[bytes]], later: list[tuple[float, bytes]]) -> None:
    assert await Push(now, later) == []


def _content(server: Server, queue: str = "q") -> list[bytes]:
    content: list[bytes] = server.command("LRANGE", f"queue:{queue}", 0, -1)
    return content


def test_pushing_lists_the_queue_and_keeps_the_order(run: Run, server: Server) -> None:
    run(_pushed({"q": [b"1", b"2"], "low": [b"3"]}, [(7.5, b"later")]))
    assert run(queues.names()) == ["low", "q"]
    assert _content(server) == [b"2", b"1"]
    assert server.client.zrange("schedule", 0, -1, withscores=True) == [(b"later", 7.5)]


def test_sizes_pages_and_summaries(run: Run, server: Server) -> None:
    run(_pushed({"q": [f"{n}".encode() for n in range(1_700)], "low": [b"x"], "empty": [b"y"]}, []))
    run(queues.delete("empty", b"y"))
    server.command("SADD", "paused", "low")
    assert run(queues.size("q")) == 1_700
    assert run(queues.sizes(["low", "q", "none"])) == {"q": 1_700, "low": 1, "none": 0}
    assert run(queues.page("q", 1_000, 2)) == [b"699", b"698"]
    assert run(slices.sized_page("q", 1_698, 50)) == (1_700, [b"1", b"0"])
    assert run(queues.oldest("q")) == b"0"
    assert run(queues.summaries()) == [
        Summary("q", 1_700, b"0", False),
        Summary("low", 1, b"x", True),
        Summary("empty", 0, None, False),
    ]


def test_pausing(run: Run) -> None:
    run(queues.pause("q"))
    assert run(queues.is_paused("q"))
    assert run(queues.paused()) == {"q"}
    run(queues.unpause("q"))
    assert not run(queues.is_paused("q"))


def test_deleting_takes_one_job_of_exactly_these_bytes(run: Run, server: Server) -> None:
    _push(server, b"same", b"other", b"same")
    assert run(queues.delete("q", b"same"))
    assert _content(server) == [b"other", b"same"]
    assert not run(queues.delete("q", b"sam"))
    assert not run(queues.delete("none", b"same"))


def test_clearing_forgets_the_name(run: Run, server: Server) -> None:
    run(_pushed({"q": [b"1"], "low": [b"2"]}, []))
    run(queues.clear("q"))
    assert (run(queues.names()), run(queues.size("q")), run(queues.size("low"))) == (["low"], 0, 1)


def test_replacing_keeps_the_place(run: Run, server: Server) -> None:
    _push(server, b"1", b"2", b"3")
    assert run(queues.replace("q", b"2", b"two"))
    assert _content(server) == [b"3", b"two", b"1"]
    assert not run(queues.replace("q", b"2", b"two"))


@pytest.mark.parametrize("place", [0, 1, 4_999, 5_000, 12_344])
def test_searching_finds_a_job_anywhere(run: Run, server: Server, place: int) -> None:
    raws = [b"n%d." % n for n in range(12_345)]
    _push(server, *reversed(raws))
    wanted = raws[place]
    assert run(queues.search("q", wanted, lambda raw: raw == wanted)) == wanted


def test_searching_asks_before_it_believes_and_may_find_nothing(run: Run, server: Server) -> None:
    _push(server, b"needle in the arguments", b"needle of the jid")
    assert run(queues.search("q", b"needle", lambda raw: raw.startswith(b"needle in"))) == b"needle in the arguments"
    assert run(queues.search("q", b"needle", lambda _: False)) is None
    assert run(queues.search("q", b"n.*e", lambda _: True)) is None  # bytes, no pattern


def _walk_all(run: Run, walk: queues.Walk) -> list[bytes]:
    found: list[bytes] = []
    while (page := run(walk.next())) is not None:
        found += page
    return found


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 1_700])
@pytest.mark.parametrize("end", ["newest", "oldest"])
def test_a_walk_gives_every_job_in_order(
    run: Run, server: Server, size: int, end: Literal["newest", "oldest"]
) -> None:
    raws = [b"%d" % n for n in range(size)]
    _push(server, *raws)
    walk = queues.Walk("q", end=end)
    assert _walk_all(run, walk) == (raws[::-1] if end == "newest" else raws)
    assert walk.examined == size


@pytest.mark.parametrize("end", ["newest", "oldest"])
def test_a_walk_with_needles_gives_what_holds_all_of_them(
    run: Run, server: Server, end: Literal["newest", "oldest"]
) -> None:
    raws = [b'{"a":%d,"b":%d}' % (n % 3, n % 7) for n in range(9_000)]
    _push(server, *raws)
    found = _walk_all(run, queues.Walk("q", end=end, needles=(b'"a":2', b'"b":5')))
    expected = [raw for raw in raws if b'"a":2' in raw and b'"b":5' in raw]
    assert found == (expected[::-1] if end == "newest" else expected)


class _World:
    """A queue that others change at random, and what is known of each job in it."""

    def __init__(self, server: Server, seed: int, *, twins: bool) -> None:
        self._server = server
        self._random = random.Random(seed)
        self._twins = twins
        self._pushed = 0
        self.stayed: Counter[bytes] = Counter()
        self.ever: Counter[bytes] = Counter()

    def start(self, size: int) -> None:
        self._push(size)
        self.stayed = Counter(self.ever)

    def disturb(self) -> None:
        """Push, pop at the tail, and delete at the head and in the middle, each a random number of times."""
        for change in self._random.sample((self._push_some, self._pop_tail, self._delete_head, self._delete_any), 4):
            change()

    def _push(self, count: int) -> None:
        raws = []
        for _ in range(count):
            self._pushed += 1
            # Every tenth job of the twins' world has the bytes of another.
            equal = self._twins and self._random.random() < 1 / 10
            raws.append(b"twin%d" % self._random.randrange(100) if equal else b"job%d" % self._pushed)
        _push(self._server, *raws)
        self.ever.update(raws)

    def _push_some(self) -> None:
        self._push(self._random.choice((0, 1, 30, 200)))

    def _pop_tail(self) -> None:
        for raw in self._server.command("RPOP", "queue:q", self._random.choice((1, 5, 40))) or []:
            self._gone(raw)

    def _delete_head(self) -> None:
        for raw in self._server.command("LPOP", "queue:q", self._random.choice((1, 3, 20))) or []:
            self._gone(raw)

    def _delete_any(self) -> None:
        size = self._server.command("LLEN", "queue:q")
        for _ in range(self._random.choice((0, 1, 10)) if size else 0):
            raw = self._server.command("LINDEX", "queue:q", self._random.randrange(size))
            if raw is not None and self._server.command("LREM", "queue:q", 1, raw):
                self._gone(raw)

    def _gone(self, raw: bytes) -> None:
        if self.stayed[raw]:
            self.stayed[raw] -= 1


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("end", ["newest", "oldest"])
def test_a_walk_is_stable_while_others_push_and_take(
    run: Run, server: Server, seed: int, end: Literal["newest", "oldest"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PAGE", 100)  # more pages, more chances to lose the place
    world = _World(server, seed, twins=False)
    world.start(1_700)
    walk = queues.Walk("q", end=end)
    given: Counter[bytes] = Counter()
    while (page := run(walk.next())) is not None:
        given.update(page)
        world.disturb()
    assert +world.stayed - given == Counter(), "jobs that stayed put were passed over"
    assert {raw: count for raw, count in given.items() if count > 1} == {}, "jobs were given twice"


@pytest.mark.parametrize("seed", range(12))
def test_a_walk_among_jobs_of_equal_bytes_passes_over_none(
    run: Run, server: Server, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PAGE", 100)
    world = _World(server, seed, twins=True)
    world.start(1_700)
    walk = queues.Walk("q")
    given: Counter[bytes] = Counter()
    while (page := run(walk.next())) is not None:
        given.update(page)
        world.disturb()
    single = Counter({raw: count for raw, count in world.stayed.items() if raw.startswith(b"job")})
    assert single - given == Counter()
    assert all(count == 1 for raw, count in given.items() if raw.startswith(b"job"))
    # Twins cannot be told apart, so which of them went is unknown: none may be given more often than it ever was.
    assert given - world.ever == Counter()


def test_a_walk_survives_the_caller_deleting_all_it_is_given(run: Run, server: Server) -> None:
    raws = [b"%d" % n for n in range(1_700)]
    _push(server, *raws)
    walk = queues.Walk("q")
    given: list[bytes] = []
    while (page := run(walk.next())) is not None:
        given += page
        for raw in page:
            assert run(queues.delete("q", raw))
        walk.removed(len(page))
    assert given == raws[::-1]
    assert _content(server) == []


def test_a_walk_ends_where_the_queue_vanishes(run: Run, server: Server) -> None:
    _push(server, *(b"%d" % n for n in range(1_700)))
    walk = queues.Walk("q")
    run(walk.next())
    server.command("DEL", "queue:q")
    assert len(run(walk.next()) or []) <= queues.PAGE  # what was read ahead
    assert run(walk.next()) is None
