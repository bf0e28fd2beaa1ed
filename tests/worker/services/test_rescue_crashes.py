"""A rescue may crash anywhere, and may be done by several at once: nothing is lost, doubled or miscounted."""

import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import pytest

from teep import Config
from teep.config import driver_for
from teep.drivers import Driver
from teep.drivers.plans import run_plan
from teep.errors import RedisUnavailable
from teep.runtime.component import Component
from teep.store.running import owners
from teep.store.running.owners import Owner
from teep.wire import keys
from teep.wire.command import Command
from teep.wire.scripts.script import ScriptCall, load
from teep.worker.services.rescuer import Rescuer
from tests.support.proxy import Proxy
from tests.worker.fleet import SOON, Fleet

pytestmark = pytest.mark.every_server

T = TypeVar("T")

_DEAD = Owner("far:7:abc", 7, "another machine", 1, ("default", "low"))
# A payload in flight by its jid: its rescues, whether it had started, and what the rescue must make of it.
_JOBS = {
    "default": [
        ("fresh", 0, False, 1),
        ("blamed", 1, True, 2),
        ("poison", 2, True, None),
        ("ahead", 1, False, 1),
        ("ahead-last", 2, False, 2),
    ],
    "low": [("low-fresh", 0, False, 1), ("low-poison", 2, True, None)],
}
_MALFORMED = b"no job"


def _raw(jid: str, rescues: int) -> bytes:
    mark = b',"rescues":%d' % rescues if rescues else b""
    return b'{"class":"x", "args":[1.0e+16],"jid":"%s"%s}' % (jid.encode(), mark)


class _Scene:
    """What a dead process has left, and what heard of deaths."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.deaths: list[str] = []
        driver_for(fleet.config).run(owners.register(_DEAD))
        for queue, jobs in _JOBS.items():
            raws = [_raw(jid, rescues) for jid, rescues, _, _ in jobs]
            fleet.server.command("RPUSH", keys.inflight(queue, _DEAD.identity), *raws)
            started = [jid for jid, _, has_started, _ in jobs if has_started]
            fleet.server.command("SADD", keys.suspects(_DEAD.identity), *started)
        fleet.server.command("RPUSH", keys.inflight("default", _DEAD.identity), _MALFORMED)

    def rescuer(self, driver: Any, config: Config | None = None) -> Rescuer:
        config = config or self._fleet.configure()
        config.death_handlers.append(lambda item, _reason: self.deaths.append(item["jid"]))
        return Rescuer(Component.alone(config, _fail_test, "me:1:0")._replace(driver=driver))

    def check_that_nothing_is_lost_or_doubled(self) -> None:
        there = [
            *self._fleet.queue(),
            *self._fleet.queue("low"),
            *self._fleet.in_flight(),
            *self._fleet.members("dead"),
        ]
        jids = sorted("" if raw == _MALFORMED else msgspec.json.decode(raw)["jid"] for raw in there)
        assert jids == sorted(["", *(jid for jobs in _JOBS.values() for jid, *_ in jobs)])

    def check_the_end(self) -> None:
        self.check_that_nothing_is_lost_or_doubled()
        for queue, jobs in _JOBS.items():
            expected = [_raw(jid, after) for jid, _, _, after in jobs if after is not None]
            assert self._fleet.queue(queue) == [*expected, *([_MALFORMED] if queue == "default" else [])]
        dead = [msgspec.json.decode(raw) for raw in self._fleet.members("dead")]
        assert sorted(item["jid"] for item in dead) == ["low-poison", "poison"]
        assert self._fleet.counters() == (2, 2)
        assert self._fleet.in_flight() == []
        assert self._fleet.server.command("EXISTS", keys.inflight_owners(), keys.suspects(_DEAD.identity)) == 0


def _fail_test(error: BaseException, where: str) -> None:
    raise AssertionError(where) from error


class _Crashing:
    """Executes as many commands as it is told, and breaks off as a crash would: before the next, or after it."""

    def __init__(self, driver: Driver, commands: int, *, after: bool) -> None:
        self._driver = driver
        self._after = after
        self.left = commands

    def run(self, plan: Any) -> Any:
        return run_plan(plan, self)

    def execute(self, command: Command[T]) -> T:
        self.left -= 1
        if self.left >= 0:
            return self._driver.execute(command)
        if self._after:
            self._driver.execute(command)
        raise RedisUnavailable("crashed")


# More than a whole rescue of this takes.
_MOST = 40


@pytest.mark.parametrize("after", [False, True], ids=["before a command", "after a command"])
def test_a_rescue_that_breaks_off_anywhere_is_harmless(fleet: Fleet, after: bool) -> None:
    for commands in range(_MOST):
        fleet.server.flushall()
        scene = _Scene(fleet)
        crashing = _Crashing(driver_for(fleet.config), commands, after=after)
        try:
            scene.rescuer(crashing).run_once()
        except RedisUnavailable:
            scene.check_that_nothing_is_lost_or_doubled()
            scene.rescuer(driver_for(fleet.config)).run_once()
        scene.check_the_end()
        assert len(scene.deaths) <= 2
        if crashing.left >= 0:
            assert commands > 15
            assert sorted(scene.deaths) == ["low-poison", "poison"]
            return
    pytest.fail("a rescue takes more commands than were tried")


@pytest.fixture
def proxy(fleet: Fleet) -> Iterator[Proxy]:
    with Proxy(fleet.server.port) as proxy:
        yield proxy


@pytest.mark.parametrize("script", ["running/rescue", "step"])
def test_a_rescue_whose_connection_breaks_before_the_answer_is_harmless(
    fleet: Fleet, proxy: Proxy, script: str
) -> None:
    scene = _Scene(fleet)
    driver = Driver(proxy.url)
    # Loaded, so that the very call whose answer is lost was carried out.
    fleet.server.command("SCRIPT", "LOAD", load(script).source)
    proxy.lose_answer(load(script).sha.encode())
    rescuer = scene.rescuer(driver)
    try:
        rescuer.run_once()
    except RedisUnavailable:
        scene.check_that_nothing_is_lost_or_doubled()
        rescuer.run_once()
    scene.check_the_end()
    driver.close()


def test_several_rescuers_at_once_do_each_thing_once(fleet: Fleet) -> None:
    scene = _Scene(fleet)
    raws = [_raw(str(number), 0) for number in range(3_000)]
    fleet.server.command("LPUSH", keys.inflight("low", _DEAD.identity), *raws)
    together = threading.Barrier(4)

    def rescue() -> None:
        together.wait(SOON)
        scene.rescuer(driver_for(fleet.config)).run_once()

    threads = [threading.Thread(target=rescue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    expected = [_raw(str(number), 1) for number in reversed(range(3_000))]
    assert fleet.queue("low") == [*expected, _raw("low-fresh", 1)]
    assert sorted(scene.deaths) == ["low-poison", "poison"]
    assert fleet.counters() == (2, 2)
    assert fleet.in_flight() == []


class _Measuring:
    """Notes how many values each script call carries."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.most = 0

    def run(self, plan: Any) -> Any:
        return run_plan(plan, self)

    def execute(self, command: Command[T]) -> T:
        if isinstance(command, ScriptCall):
            self.most = max(self.most, len(command.args))
        return self._driver.execute(command)


def test_a_hundred_thousand_jobs_are_rescued_in_small_steps(fleet: Fleet) -> None:
    driver = driver_for(fleet.config)
    driver.run(owners.register(_DEAD))
    for start in range(0, 100_000, 10_000):
        raws = [_raw(str(number), 0) for number in range(start, start + 10_000)]
        fleet.server.command("RPUSH", keys.inflight("default", _DEAD.identity), *raws)
    measuring: Any = _Measuring(driver)
    Rescuer(Component.alone(fleet.config, _fail_test, "me:1:0")._replace(driver=measuring)).run_once()
    # Five hundred jobs, as they were and as they are, and what calls the script.
    assert 1_000 < measuring.most <= 1_010
    assert fleet.queue() == [_raw(str(number), 1) for number in range(100_000)]
    assert fleet.in_flight() == []
