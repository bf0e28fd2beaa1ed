"""The recordings' steps 29 to 31: teep goes on where real Sidekiq left an iterable job, and leaves the same."""

import pytest

import teep
from teep.wire import payload
from tests.support import golden
from tests.worker.fleet import SOON, Fleet
from tests.worker.walking import Walk

JID = {"7.3.10": "b129c642ecf148104a7c9c5d", "8.1.7": "00d7462cd9d662b493617bcd"}
TTL_MS = 30 * 86_400 * 1000

pytestmark = [pytest.mark.every_server, pytest.mark.usefixtures("own_registry")]


def place(fleet: Fleet, jid: str) -> dict[bytes, bytes]:
    return dict(fleet.server.command("HGETALL", f"it-{jid}"))


@pytest.mark.parametrize("version", JID)
def test_it_goes_on_where_ruby_stopped(fleet: Fleet, version: str) -> None:
    golden.restore(fleet.server, golden.load(version, "29-iterable-interrupted"))
    walk = Walk()
    fleet.start()
    fleet.wait_until_processed(2)  # Ruby has counted its run
    assert walk.done == list(range(51, 200))
    assert walk.called == ["resume 51", "stop", "complete"]
    assert place(fleet, JID[version]) == {}


@pytest.mark.parametrize("version", JID)
def test_it_leaves_what_ruby_leaves(fleet: Fleet, version: str) -> None:
    step = golden.load(version, "29-iterable-interrupted")
    (pushed,) = step.lists["queue:default"]
    fleet.server.command("SADD", "queues", "default")
    fleet.push_raw(pushed)
    walk = Walk()
    config = fleet.configure(timestamps="milliseconds" if version == "8.1.7" else "seconds")
    walk.hold(50)
    worker = fleet.start(config)
    walk.wait_for(50)
    worker.quiet()
    walk.go()
    worker.stop(SOON)
    (left,) = fleet.queue()
    assert _without_times(left) == _without_times(pushed)
    ours, theirs = place(fleet, JID[version]), step.hashes[f"it-{JID[version]}"]
    assert ours.keys() == theirs.keys()
    assert (ours[b"ex"], ours[b"c"]) == (theirs[b"ex"], theirs[b"c"]) == (b"1", b"51")
    assert 0 < float(ours[b"rt"]) < 60
    assert TTL_MS - 60_000 < fleet.server.command("PTTL", f"it-{JID[version]}") <= TTL_MS


@pytest.mark.parametrize("version", JID)
def test_a_cancellation_is_written_as_rubys(fleet: Fleet, version: str) -> None:
    key = f"it-{JID[version]}"
    golden.restore(fleet.server, golden.load(version, "29-iterable-interrupted"))
    step = golden.load(version, "30-iterable-cancel-requested")
    fleet.server.command("DEL", "queue:default")  # Ruby has taken it, so nothing is found, and the mark stays
    fleet.server.command("PEXPIRE", key, step.ttls[key])
    assert fleet.client.cancel(JID[version]) is None
    ours = place(fleet, JID[version])
    assert ours.keys() == step.hashes[key].keys()
    assert ours.pop(b"cancelled").isdigit()
    assert ours == {name: value for name, value in step.hashes[key].items() if name != b"cancelled"}
    assert 0 < fleet.server.command("PTTL", key) <= step.ttls[key]  # as EXPIRE … NX
    fleet.server.command("HSET", key, "cancelled", 1795487400)
    fleet.client.cancel(JID[version])
    assert place(fleet, JID[version])[b"cancelled"] == b"1795487400"


@pytest.mark.parametrize("version", JID)
def test_what_ruby_cancelled_ends_here(fleet: Fleet, version: str) -> None:
    golden.restore(fleet.server, golden.load(version, "29-iterable-interrupted"))
    golden.restore(fleet.server, golden.load(version, "30-iterable-cancel-requested"))
    walk = Walk()
    fleet.start()
    fleet.wait_until_processed(2)
    assert (walk.done, walk.called) == ([], ["resume 51", "cancel", "stop", "complete"])
    after = golden.load(version, "31-iterable-cancelled-after-exit")
    assert f"it-{JID[version]}" not in after.types
    assert place(fleet, JID[version]) == {}
    assert fleet.counters()[0] == int(after.strings["stat:processed"])


def test_a_state_keeps_its_first_time_to_live(fleet: Fleet) -> None:
    golden.restore(fleet.server, golden.load("8.1.7", "29-iterable-interrupted"))
    key = f"it-{JID['8.1.7']}"
    fleet.server.command("PEXPIRE", key, 100_000)
    walk = Walk()
    walk.hold(60)
    worker = fleet.start()
    walk.wait_for(60)
    worker.quiet()
    walk.go()
    worker.stop(SOON)
    assert place(fleet, JID["8.1.7"])[b"c"] == b"61"
    assert place(fleet, JID["8.1.7"])[b"ex"] == b"2"
    assert float(place(fleet, JID["8.1.7"])[b"rt"]) > 5.1129277459999685
    assert 0 < fleet.server.command("PTTL", key) <= 100_000
    assert teep.IterableJobQuery([JID["8.1.7"]], config=fleet.config)[JID["8.1.7"]] is not None


def _without_times(raw: bytes) -> dict[str, object]:
    item = payload.parse(raw)
    return {name: type(value) if name == "enqueued_at" else value for name, value in item.items()}
