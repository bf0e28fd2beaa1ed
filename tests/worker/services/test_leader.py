"""One process leads: it takes a lease, renews it at its heartbeats, and gives it up in time."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import teep
from teep.config import overridden
from teep.config.hooks import LeaderTask
from teep.runtime.component import Component
from teep.runtime.leadership import LeaderService, Leadership
from teep.store import leader
from teep.wire import commands, keys
from teep.worker.services.heartbeat import Heartbeat
from teep.worker.services.leader import Candidate
from tests.api.trips import sent
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.one_server

Events = list[str]


def _fail(error: BaseException, name: str) -> None:
    raise AssertionError(name) from error


class Standing:
    """A candidate without a worker: its test beats, and hears its events."""

    def __init__(self, server: Server, identity: str, **options: Any) -> None:
        self.config = teep.Config(redis_url=server.url, **options)
        self.events: Events = []
        self.complaint = ""
        self.begun: list[Any] = []
        self.errors: list[BaseException] = []
        for event in ("leader", "follower"):
            self.config.on(event, partial(self.events.append, event))
        self.component = Component.alone(self.config, lambda error, _: self.errors.append(error), identity)
        self.candidate = Candidate(self.component, self.begun.append, lambda: self.complaint)
        self.candidate.start()

    @property
    def leads(self) -> bool:
        return self.component.leadership.leads

    def beat(self) -> bool:
        self.candidate.check()
        self.candidate.beat(commands.ping())
        return self.leads


def test_one_leads_and_the_others_follow(server: Server) -> None:
    first, second = Standing(server, "first"), Standing(server, "second")
    assert [first.beat(), second.beat(), first.beat(), second.beat()] == [True, False, True, False]
    assert (first.events, second.events) == (["leader"], [])
    assert server.command("GET", "teep:leader") == b"first"
    assert 14_000 < server.command("PTTL", "teep:leader") <= 15_000
    assert first.component.leadership.term == 1


def test_a_clean_resignation_leaves_no_gap(server: Server) -> None:
    """Sidekiq's gap at the handover (its issues 6758, 6804): here the next heartbeat of anyone takes the lease."""
    first, second = Standing(server, "first"), Standing(server, "second")
    first.beat()
    first.candidate.resign()
    assert (first.events, server.command("EXISTS", "teep:leader")) == (["leader", "follower"], 0)
    assert second.beat()
    assert second.component.leadership.term == 2
    assert not first.beat()  # it stands no more
    first.candidate.start()  # as the services of a worker are started once more
    assert not first.beat()


def test_its_end_is_told_of_before_it_is_quiet_whoever_noticed_first(server: Server) -> None:
    """A lease may run out, or be given up by the heartbeat's thread, just before the process takes no more jobs."""
    first = Standing(server, "first")
    first.beat()
    first.component.leadership.end()
    first.candidate.resign()
    assert first.events == ["leader", "follower"]
    first.candidate.check()
    assert first.events == ["leader", "follower"]


def test_a_dead_leader_is_followed_when_its_lease_is_over(server: Server) -> None:
    Standing(server, "dead").beat()
    second = Standing(server, "second")
    assert not second.beat()
    server.command("PEXPIRE", "teep:leader", 1)
    wait_until(second.beat, SOON, "the second to lead")


def test_a_leader_that_was_frozen_does_not_take_itself_for_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sidekiq's flapping leaders (3974) and two leaders after a failover (3773): the belief ends with the lease."""
    first, second = Standing(server, "first"), Standing(server, "second")
    first.beat()
    server.command("DEL", "teep:leader")  # it runs out meanwhile
    second.beat()
    frozen = time.monotonic() + 15.1
    monkeypatch.setattr("teep.runtime.leadership.monotonic", lambda: frozen)
    assert not first.leads
    first.candidate.check()
    assert first.events == ["leader", "follower"]
    monkeypatch.undo()
    assert not first.beat()
    assert first.events == ["leader", "follower"]


def test_what_acts_is_fenced_by_the_lease_itself(server: Server) -> None:
    """Two may believe that they lead; Redis knows the one that does."""
    first, second = Standing(server, "first"), Standing(server, "second")
    first.beat()
    server.command("SET", "teep:leader", "second", "PX", 15_000)  # as a failover has it, that lost the first's lease
    second.beat()
    assert first.leads
    assert second.leads
    driver = first.component.driver
    given_up = [driver.run(leader.resign(each.candidate._candidacy)) for each in (first, second)]
    assert given_up == [False, True]


def test_a_process_with_complaints_resigns_until_they_are_over(server: Server) -> None:
    """Sidekiq's leader that was starved of CPU (6560), and led on."""
    first, second = Standing(server, "first"), Standing(server, "second")
    first.beat()
    first.complaint = "the fetch loop stands still"
    assert [first.beat(), second.beat(), first.beat()] == [False, True, False]
    first.complaint = ""
    second.candidate.resign()
    assert first.beat()
    assert first.events == ["leader", "follower", "leader"]


def test_one_that_must_never_lead_does_not_even_if_it_is_alone(server: Server) -> None:
    """Asked for twice of Sidekiq (6560, 6822)."""
    assert not Standing(server, "small", leader="never").beat()
    assert server.command("EXISTS", "teep:leader") == 0


def test_one_that_is_preferred_takes_over_in_one_step(server: Server) -> None:
    usual, preferred = Standing(server, "usual"), Standing(server, "preferred", leader="prefer")
    assert [usual.beat(), preferred.beat()] == [True, False]
    assert not usual.beat()  # it hands over
    assert server.command("GET", "teep:leader") == b"preferred"
    assert [preferred.beat(), usual.beat(), preferred.beat()] == [True, False, True]
    other = Standing(server, "other", leader="prefer")
    assert [other.beat(), preferred.beat(), other.beat()] == [False, True, False]  # not among their like
    preferred.candidate.resign()
    assert other.beat()


def test_a_preferred_one_that_resigns_wishes_for_nothing_more(server: Server) -> None:
    usual, preferred = Standing(server, "usual"), Standing(server, "preferred", leader="prefer")
    usual.beat()
    preferred.beat()
    preferred.candidate.resign()
    assert usual.beat()


def test_the_lease_lasts_for_three_heartbeats(server: Server) -> None:
    Standing(server, "slow", heartbeat_interval=20.0).beat()
    assert 59_000 < server.command("PTTL", "teep:leader") <= 60_000


def test_the_lease_of_sidekiq_only_on_request(server: Server) -> None:
    """Beside a Ruby fleet neither hinders the other: each has a leader of its own."""
    server.command("SET", "dear-leader", "ruby", "EX", 60)
    own = Standing(server, "own")
    assert own.beat()
    assert server.command("GET", "dear-leader") == b"ruby"
    assert teep.ProcessSet(config=own.config).leader() == "own"
    asked = Standing(server, "asked", leader_key="dear-leader")
    assert not asked.beat()
    server.command("DEL", "dear-leader")
    assert asked.beat()
    assert server.command("GET", "dear-leader") == b"asked"


@pytest.mark.parametrize("option", [{"leader": "always"}, {"leader_key": "mine"}])
def test_other_words_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(teep.errors.ConfigurationError, match=f"{next(iter(option))} must be one of"):
        teep.Config(**option)


def test_a_full_redis_still_has_a_leader(server: Server) -> None:
    server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        first = Standing(server, "first")
        assert [first.beat(), first.beat()] == [True, True]
        first.candidate.resign()
    finally:
        server.command("CONFIG", "SET", "maxmemory", 0)
    assert server.command("EXISTS", "teep:leader") == 0


def test_a_refused_election_costs_no_heartbeat_and_is_told_of_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.command("SADD", "teep:leader", "of another type")
    standing = Standing(server, "first")
    with caplog.at_level(logging.ERROR, "teep"):
        assert [standing.beat(), standing.beat()] == [False, False]
    assert [record.message for record in caplog.records if "refuses this process the lead" in record.message] == [
        record.message for record in caplog.records
    ]
    assert len(caplog.records) == 1
    server.command("DEL", "teep:leader")
    assert standing.beat()


def test_standing_shares_a_round_trip_of_the_heartbeat(server: Server) -> None:
    standing = Standing(server, "first")
    standing.beat()
    with sent() as round_trips:
        standing.beat()
    assert len(round_trips) == 1


def test_in_an_outage_nobody_waits_to_resign(server: Server) -> None:
    standing = Standing(server, "first")
    standing.beat()
    standing.component.outage.began(teep.errors.RedisUnavailable("away"))
    with sent() as round_trips:
        standing.candidate.resign()
    assert (round_trips, standing.events) == ([], ["leader", "follower"])


class _Steady(LeaderService):
    """Counts its turns."""

    def __init__(self, component: Component) -> None:
        super().__init__("steady", component.on_error, component.leadership)
        self.turns = 0

    def run_once(self) -> None:
        self.turns += 1

    def pause(self) -> float:
        return 0.01


def _task(name: str, made: Events, occasion: str = "") -> LeaderTask:
    def make(component: Component) -> _Steady:
        made.append(name)
        return _Steady(component)

    return LeaderTask(name, make, lambda _config: keys.queue(occasion) if occasion else None)


def test_the_leader_begins_what_only_it_does_and_what_has_an_occasion_when_that_comes(server: Server) -> None:
    made: Events = []
    standing = Standing(server, "first")
    standing.component.hooks.leader_services += [_task("now", made), _task("later", made, "occasion")]
    standing.candidate = Candidate(standing.component, standing.begun.append, str)
    assert made == []
    standing.candidate.start()
    standing.beat()
    standing.beat()
    assert made == ["now"]
    server.command("LPUSH", "queue:occasion", "a job")
    standing.beat()
    standing.beat()
    assert (made, len(standing.begun)) == (["now", "later"], 2)


def test_of_tasks_with_one_name_the_last_one_counts() -> None:
    made: Events = []
    config = teep.Config()
    config.hooks.leader_services += [_task("clock", made, "occasion"), _task("clock", made)]
    found = [task for task in config.hooks.tasks_of_the_leader() if task.name == "clock"]
    assert [task.occasion(config) for task in found] == [None]


def test_a_task_that_cannot_begin_is_reported_and_the_others_begin(server: Server) -> None:
    made: Events = []

    def fails(_: Component) -> _Steady:
        raise ValueError("no")

    standing = Standing(server, "first")
    standing.component.hooks.leader_services += [LeaderTask("fails", fails), _task("works", made)]
    standing.candidate = Candidate(standing.component, standing.begun.append, str)
    standing.candidate.start()
    standing.beat()
    assert (made, list(map(str, standing.errors))) == (["works"], ["no"])


def test_a_service_of_the_leader_rests_while_its_process_does_not_lead(valkey: Server) -> None:
    component = Component.alone(teep.Config(redis_url=valkey.url), _fail, "me")
    service = _Steady(component)
    assert service.turn() > 0.1
    component.leadership.renew(1, time.monotonic() + SOON)
    assert (service.turn(), service.turns) == (0.01, 1)
    component.leadership.end()
    assert (service.turn() > 0.1, service.turns) == (True, 1)


@pytest.fixture
def leading(fleet: Fleet) -> Callable[..., tuple[Any, Events]]:
    """Starts a worker, and returns it with its events."""

    def start(**options: Any) -> tuple[Any, Events]:
        config = fleet.configure(heartbeat_interval=0.1, **options)
        events: Events = []
        for event in ("leader", "follower", "quiet"):
            config.on(event, partial(events.append, event))
        return fleet.start(config), events

    return start


def test_a_worker_leads_until_it_is_quiet_and_the_next_one_takes_over(
    fleet: Fleet, leading: Callable[..., tuple[Any, Events]]
) -> None:
    """In Sidekiq a process that was quieted leads on (2836)."""
    first, of_first = leading()
    wait_until(lambda: of_first, SOON, "the first to lead")
    second, of_second = leading()
    (process,) = [each for each in teep.ProcessSet(config=fleet.config) if each.is_leader()]
    assert process.identity == first.identity == teep.leader(config=fleet.config)
    first.quiet()
    assert of_first == ["leader", "follower", "quiet"]
    wait_until(lambda: of_second, SOON, "the second to lead")
    assert teep.leader(config=fleet.config) == second.identity
    second.stop()
    assert teep.leader(config=fleet.config) is None
    assert of_second == ["leader", "follower", "quiet"]


def test_a_worker_runs_the_services_of_the_leader_and_ends_them(fleet: Fleet) -> None:
    config = fleet.configure(heartbeat_interval=0.1)
    services: list[_Steady] = []

    def make(component: Component) -> _Steady:
        services.append(_Steady(component))
        return services[-1]

    config.hooks.leader_services.append(LeaderTask("steady", make))
    worker = fleet.start(config)
    wait_until(lambda: services and services[0].turns > 1, SOON, "the service to turn")
    assert [thread.name for thread in threading.enumerate()].count("teep-steady") == 1
    worker.stop()
    assert "teep-steady" not in [thread.name for thread in threading.enumerate()]


def test_a_worker_that_is_stuck_resigns(fleet: Fleet, leading: Callable[..., tuple[Any, Events]]) -> None:
    worker, events = leading()
    wait_until(lambda: events, SOON, "it to lead")
    worker._services.of(Heartbeat)._candidate._complaint = lambda: "the fetch loop stands still"
    wait_until(lambda: events == ["leader", "follower"], SOON, "it to resign")
    assert teep.leader(config=fleet.config) is None


def test_a_belief_is_that_of_one_worker() -> None:
    leadership = Leadership()
    assert not leadership.leads
    leadership.renew(3, time.monotonic() + SOON)
    assert (leadership.leads, leadership.term) == (True, 3)


def test_awaited(valkey: Server) -> None:
    import asyncio

    valkey.flushall()
    with overridden(teep.Config(redis_url=valkey.url)) as config:
        assert asyncio.run(_asked(config)) is None
        valkey.command("SET", "teep:leader", "one")
        assert asyncio.run(_asked(config)) == "one"


async def _asked(config: teep.Config) -> str | None:
    found = await teep.async_leader(config=config)
    assert found == await teep.async_leader()
    return found
