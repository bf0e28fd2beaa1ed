"""Random payloads as foreign clients push them end alike in a real Sidekiq and in teep, field by field."""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

import teep
from teep.runtime.component import Component
from teep.wire.payload import TimeUnit
from teep.worker.services.poller import Poller
from tests.interop.allowed import ALLOWED, DUE, NEWER, NO_RUN, explanation
from tests.interop.batches import LAST, QUEUES, Batch, Difference, differences
from tests.interop.cases import Case, cases
from tests.interop.conftest import RubySidekiqFactory
from tests.interop.python_side import PythonTeep
from tests.interop.ruby_side import Ruby
from tests.support.servers import Server
from tests.support.waiting import wait_until

# The last try of a job that has three retries.
ROUNDS = 4
PAGE = Path(__file__).parents[2] / "docs" / "api-parity.md"


def drawn() -> list[Case]:
    """400 cases, always the same; new ones where tests are thorough."""
    seed = 1 if settings().derandomize else random.randrange(1 << 32)
    print(f"the seed of the cases: {seed}")
    return list(cases(seed, 400))


@pytest.fixture
def clients(redis_server: Server) -> Iterator[tuple[redis.Redis, redis.Redis]]:
    """Two databases of the server: Sidekiq's, and teep's."""
    with redis.Redis.from_url(redis_server.url) as theirs, redis.Redis.from_url(beside(redis_server)) as ours:
        yield theirs, ours


def beside(server: Server) -> str:
    return server.url.removesuffix("0") + "1"


@pytest.mark.slow("a Sidekiq and a teep process start, and go through hundreds of failures five times")
def test_payloads_end_alike(
    ruby: Ruby,
    ruby_sidekiq: RubySidekiqFactory,
    redis_server: Server,
    clients: tuple[redis.Redis, redis.Redis],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    since = time.time()
    # The processes do not poll: on a slow machine, a retry would come due before its round is compared.
    monkeypatch.setenv("POLL_SECONDS", "3600")
    poller = poller_on(beside(redis_server), ruby)
    theirs, ours = (Batch(client, pushed) for client, pushed in zip(clients, [drawn()] * 2, strict=True))
    ruby_sidekiq([*QUEUES, LAST], 1)
    seen = set[str]()
    # Before its worker is ready: an idle one waits for a job of every queue, so it would take the last job early.
    ours.push()
    with PythonTeep(beside(redis_server), [*QUEUES, LAST], 1, timestamps=timestamps(ruby)):
        theirs.push()
        for number in range(ROUNDS):
            theirs.wait(number)
            ours.wait(number)
            seen |= explanations(theirs, ours, since, ruby.version)
            if number == 0:
                counted_alike(theirs, ours)
            theirs.make_due(number + 1)
            ours.make_due(number + 1)
            ruby.enqueue_due()
            poller.run_once()
    newer = {NEWER} if ruby.version >= "8" else set()
    assert seen == ALLOWED.keys() - DUE - newer, "what is allowed is still so"


def test_the_pollers_make_the_same_jobs(
    ruby: Ruby, redis_server: Server, clients: tuple[redis.Redis, redis.Redis]
) -> None:
    since = time.time()
    theirs, ours = (Batch(client, pushed) for client, pushed in zip(clients, [drawn()] * 2, strict=True))
    theirs.schedule(since)
    ours.schedule(since)
    ruby.enqueue_due()
    poller_on(beside(redis_server), ruby).run_once()
    assert explanations(theirs, ours, since, ruby.version) >= DUE, "what is allowed is still so"


def counted_alike(theirs: Batch, ours: Batch) -> None:
    """Every run counts once, a failure as such; Sidekiq also counts some of what is no job."""
    no_jobs = sum(case.difference in NO_RUN for case in ours.cases)
    jobs = 1 + len(ours.cases) - no_jobs

    def are_alike() -> bool:
        (more, more_failed), (processed, failed) = theirs.counters(), ours.counters()
        return processed == jobs and 0 <= more - processed == more_failed - failed <= no_jobs

    wait_until(are_alike, 15, lambda: f"{jobs} runs in the counters {theirs.counters()} and {ours.counters()}")


def poller_on(url: str, ruby: Ruby) -> Poller:
    config = teep.Config(redis_url=url, timestamps=timestamps(ruby))
    return Poller(Component.alone(config, lambda error, _name: print(error)))


def timestamps(ruby: Ruby) -> TimeUnit:
    return "milliseconds" if ruby.version >= "8" else "seconds"


def explanations(theirs: Batch, ours: Batch, since: float, version: str) -> set[str]:
    """The names of the differences that are allowed; one that is not fails the test."""
    one, other = theirs.left(), ours.left()
    found = [
        (difference, explanation(difference, version))
        for case in theirs.cases
        for difference in differences(case, one[case.number], other[case.number], since)
    ]
    print(f"Sidekiq leaves {Counter(left.place for left in one.values())}")
    print(f"explained: {Counter(name for _, name in found)}")
    faults = [told(difference) for difference, name in found if not name]
    assert not faults, "\n".join(faults)
    return {name for _, name in found}


def told(found: Difference) -> str:
    """A difference in a line."""
    parts = [found.case.number, found.aspect, found.theirs, found.ours, found.case.raw]
    return " | ".join(str(part)[:200] for part in parts)


def test_the_documentation_has_the_same_list() -> None:
    listed = re.findall(r"^\* \*\*(.+?)\*\*", PAGE.read_text("utf-8"), re.MULTILINE)
    assert listed == list(ALLOWED)
