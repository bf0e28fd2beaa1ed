"""Profiles: what 8.1 left, read back; expired ones are dropped."""

import gzip
import json
import time
from datetime import UTC, datetime

from tests.api.sides import Side
from tests.support import golden

KEY = "mike-4feef8af45e62adeb8785141"
DAY = 86_400


def restore(side: Side) -> None:
    """The recorded profile, as if it had been made now."""
    golden.restore(side.server, golden.load("8.1.7", "33-profile"))
    expire(side, KEY, DAY)


def expire(side: Side, key: str, seconds: float) -> None:
    """List a profile that expires that many seconds from now."""
    side.server.command("ZADD", "profiles", repr(time.time() + seconds), key)


def add(side: Side, key: str, seconds: float) -> None:
    """Add a profile that expires that many seconds from now."""
    side.server.command(
        "HSET", key, "started_at", 1, "token", "t", "type", "Noop", "jid", key, "elapsed", 1.5, "data", "d", "size", 1
    )
    expire(side, key, seconds)


def test_no_profiles(side: Side) -> None:
    profiles = side.ProfileSet()
    assert (side.run(profiles.size()), side.listed(profiles), side.run(profiles.get(KEY))) == (0, [], None)
    assert bool(profiles)


def test_the_recorded_profile(side: Side) -> None:
    restore(side)
    profiles = side.ProfileSet()
    [record] = side.listed(profiles)
    assert (record.key, record.token, record.jid) == (KEY, "mike", "4feef8af45e62adeb8785141")
    assert (record.type, record.elapsed, record.size) == ("NoopJob", 0.001837378, 91)
    assert record.started_at == datetime(2026, 11, 24, 2, 30, 59, tzinfo=UTC)
    data = side.run(record.data())
    assert data == golden.load("8.1.7", "33-profile").hashes[KEY][b"data"]
    assert json.loads(gzip.decompress(data))["meta"]["product"] == "vernier-stub"
    assert side.run(profiles.size()) == 1
    assert repr(record).endswith(f"ProfileRecord NoopJob {KEY}>")


def test_they_come_from_the_newest(side: Side) -> None:
    for key, seconds in (("t-b", 200), ("t-c", 300), ("t-a", 100)):
        add(side, key, seconds)
    assert [record.key for record in side.listed(side.ProfileSet())] == ["t-c", "t-b", "t-a"]


def test_the_first_use_drops_what_has_expired(side: Side) -> None:
    for use in (
        lambda profiles: side.run(profiles.size()),
        lambda profiles: len(side.listed(profiles)),
        lambda profiles: side.run(profiles.get("t-old")) is None,
    ):
        add(side, "t-old", -1)
        add(side, "t-new", 100)
        profiles = side.ProfileSet()
        assert use(profiles) == 1
        assert side.server.command("ZRANGE", "profiles", 0, -1) == [b"t-new"]
        add(side, "t-old", -1)
        assert side.run(profiles.size()) == 2  # later uses leave the set alone


def test_a_profile_whose_data_is_gone(side: Side) -> None:
    restore(side)
    add(side, "t-a", 100)
    [_, record] = side.listed(side.ProfileSet())
    side.server.command("DEL", "t-a")
    assert [record.key for record in side.listed(side.ProfileSet())] == [KEY]
    assert side.run(record.data()) is None
    assert side.run(side.ProfileSet().get("t-a")) is None


def test_one_by_its_key(side: Side) -> None:
    restore(side)
    side.push({"class": "Noop"})
    assert side.run(side.ProfileSet().get(KEY)).type == "NoopJob"
    assert side.run(side.ProfileSet().get("queue:default")) is None  # not every key is a profile's
