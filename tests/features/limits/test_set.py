"""`LimiterSet`: all limits that were used, with their usage, on both sides."""

from teep import limits
from teep.config import overridden
from tests.api.sides import Side
from tests.client.conftest import side

__all__ = ["side"]


def _use(side: Side, limit: limits.Limit, times: int = 1) -> None:
    with overridden(side.config):
        for _ in range(times):
            with limit.within_limit():
                pass


def test_it_lists_and_finds_limiters(side: Side) -> None:
    _use(side, limits.bucket("b", 5, "day"), 2)
    _use(side, limits.window("w", 2_000, 60))
    _use(side, limits.concurrent("c", 3))
    found = side.LimiterSet()
    assert side.run(found.size()) == 3
    listed = {limiter.name: limiter for limiter in side.listed(found)}
    assert {name: (one.kind, one.interval, one.read.used, one.read.limit) for name, one in listed.items()} == {
        "b": ("bucket", 86_400.0, 2, 5),
        "w": ("window", 60.0, 1, 2_000),
        "c": ("concurrent", None, 0, 3),
    }
    assert side.run(found.get("nothing")) is None
    assert repr(side.run(found.get("b"))).endswith("Limiter b: 2 of 5>")


def test_a_limiter_is_changed_for_all(side: Side) -> None:
    _use(side, limits.bucket("b", 5, "day"), 5)
    limiter = side.run(side.LimiterSet().get("b"))
    assert side.run(limiter.usage()).free_at is not None
    side.run(limiter.set_limit(6))
    assert (side.run(limiter.usage()).limit, side.run(limiter.usage()).free_at) == (6, None)
    side.run(limiter.pause(60))
    assert side.run(limiter.usage()).paused_until is not None
    side.run(limiter.resume())
    side.run(limiter.reset())
    usage = side.run(limiter.usage())
    assert (usage.used, usage.limit, usage.paused_until, usage.granted) == (0, 6, None, 0)


def test_more_than_a_page(side: Side) -> None:
    for number in range(150):
        _use(side, limits.leaky(f"l{number}", 5, "day"))
    assert len({limiter.name for limiter in side.listed(side.LimiterSet())}) == 150


def test_one_that_is_not_known_yet_can_be_changed(side: Side) -> None:
    limit = limits.bucket("new", 5, "day")
    with overridden(side.config):
        assert limit.usage() == limit.usage()._replace(used=0, limit=5, waiting=0, free_at=None)
        limit.set_limit(9)
        limit.reset()
        assert side.run(side.LimiterSet().size()) == 0
        _use(side, limit)
        assert (limit.usage().used, limit.usage().limit) == (1, 9)
