"""What only looks writes nothing: it is there for a user of Redis who may only read, and leaves all as it was."""

from collections.abc import Iterator

import pytest

import teep
from teep.cli.endings import DONE, NOTHING
from teep.wire import keys
from tests.cli.running import output
from tests.cli.running import teep as teep_with
from tests.support.servers import Server
from tests.web.browser import releases, shop

pytestmark = pytest.mark.one_server

LOOKS = [
    ["stats"], ["queues"], ["queues", "default"], ["jobs", "default"], ["jobs", "retries", "class:app.*"],
    ["jobs", "dead"], ["jobs", "scheduled"], ["job", shop.jid(shop.LETTER)], ["errors"], ["processes"], ["periodic"],
    ["batches", "show", releases.BATCH], ["batches", "show", releases.WORKFLOW], ["limits"], ["result", "0" * 24],
]  # fmt: skip


@pytest.fixture
def store(valkey: Server, own_registry: None) -> Iterator[Server]:
    """A shop's fleet with a dead process, a forgotten batch, and a user who may only read."""
    valkey.flushall()
    shop.populate(valkey, teep.Config(redis_url=valkey.url))
    valkey.client.sadd("processes", "dead:1:a")
    valkey.client.zadd(keys.batches(), {"0" * 24: 2e9})
    valkey.command("ACL", "SETUSER", "reader", "reset", "on", ">pw", "~*", "&*", "+@all", "-@write")
    yield valkey
    valkey.command("ACL", "DELUSER", "reader")


@pytest.mark.slow("fifteen commands, one after the other")
def test_a_command_that_looks_writes_nothing(store: Server) -> None:
    before = store.everything()
    for command in LOOKS:
        done = teep_with(*command, REDIS_URL=store.url.replace("redis://", "redis://reader:pw@"))
        assert (done.returncode, done.stderr) in ((DONE, ""), (NOTHING, "")), command
        assert store.everything() == before, command


def test_a_list_of_batches_is_tidied_only_by_a_user_who_may(store: Server) -> None:
    listed = store.client.zcard(keys.batches())
    assert output("batches", REDIS_URL=store.url.replace("redis://", "redis://reader:pw@"))
    assert store.client.zcard(keys.batches()) == listed
    assert output("batches", REDIS_URL=store.url)
    assert store.client.zcard(keys.batches()) == listed - 1
