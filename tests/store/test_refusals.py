"""No script loses a job to a command that Redis refuses, nor doubles one: each command of each script, in turn.

A stage holds jobs, and a call of the script moves them. Whatever is refused, each job lies in exactly one place
afterwards, and the same call moves it once nothing is refused any more.
"""

import contextlib
import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import pytest

from teep.drivers import Driver
from teep.errors import NotMoved, RedisCommandError
from teep.store.jobs import jobsets
from teep.store.jobs.jobsets import Enqueued
from teep.store.jobs.pushes import Extra, Push
from teep.store.running import inflight, iteration
from teep.store.running.iteration import Held
from teep.wire import keys, scripts
from teep.wire.command import Command
from teep.wire.keys import Key
from teep.wire.scripts import Lane, Lot, step
from teep.wire.scripts.moves import Moves
from teep.wire.scripts.script import Script, ScriptCall, load
from teep.wire.scripts.step import Part, Parts, Place, Step, Told
from tests.store.conftest import Run
from tests.support import refusing
from tests.support.refusing import allow, commands_of
from tests.support.servers import Server
from tests.wire import lua

# A case runs on one kind of server, but each kind has cases of each scene.
pytestmark = pytest.mark.one_server

DAY = dt.date(2026, 11, 24)
COUNTERS = (keys.processed(), keys.processed_on(DAY))
FLIGHT, QUEUE, OTHER = "{queue:q}:inflight:me", keys.queue("q"), keys.queue("other")
JOBS = [b'{"jid":"%d"}' % number for number in range(4)]
NEW = [b'{"jid":"%d","new":1}' % number for number in range(4)]
LOCKS = [Key(f"unique:{number}") for number in range(4)]
RESULTS = [keys.result(str(number)) for number in range(4)]


# The effects of a step that puts a job where it goes.
Effects = Callable[[bytes], tuple[Part, ...]]


class Scene(NamedTuple):
    """A call of a script, where its jobs lie before it (None: nowhere, they are pushed), and where each comes to lie.

    `counted` are keys that are not needed: the jobs move though these are refused.
    """

    call: Command[Any]
    source: str | None
    target: str
    counted: tuple[str, ...] = ()


def _along(number: int) -> tuple[Part, ...]:
    """What goes along with a job that ends: its lock, and its result."""
    return (
        Part("unique.unlock", LOCKS[number], (str(number),)),
        Part("results.keep", RESULTS[number], (b'60000 {"status":"dead"}',)),
    )


def _sift(kind: Literal["drop", "zset", "list"], target: str) -> Scene:
    moves = [(raw, new, "5.0") for raw, new in zip(JOBS, NEW, strict=True)]
    to = (Key(target), keys.queues()) if kind == "list" else (Key(target),)
    taken = scripts.sift(QUEUE, kind, to, "other", (0, 10), moves, map(_along, range(4)))
    return Scene(taken, QUEUE, target, (*LOCKS, *RESULTS))


def _pushed(target: Key, effects: Effects) -> Scene:
    """A push of jobs, each with a lock."""
    steps = [
        Step(
            Parts(
                guards=(Part("unique.free_or_mine", lock, (str(number),)),),
                effects=(*effects(raw), Part("unique.lock", lock, (str(number), 60_000))),
            )
        )
        for number, (lock, raw) in enumerate(zip(LOCKS, NEW, strict=True))
    ]
    return Scene(step.carry_out(steps), None, target)


def _taken(place: Literal["list", "zset"], source: str, target: Key, effects: Effects) -> Scene:
    """The ends of jobs: each leaves its place for where the effects put it, and gives up its lock and its state."""
    counters = ((keys.processed(), 0), (keys.processed_on(DAY), 9), (keys.failed(), 0), (keys.failed_on(DAY), 9))
    steps = [
        Step(
            Parts(effects=effects(NEW[number]), along=(*_along(number), Part("UNLINK", Key("it-1")))),
            Place(place, Key(source)),
            JOBS[number],
            counters,
        )
        for number in range(4)
    ]
    return Scene(step.carry_out(steps), source, target, (*(key for key, _ in counters), *LOCKS, *RESULTS, "it-1"))


def _into(key: Key) -> Effects:
    return lambda raw: step.scored(key, "5.0", raw)


def _behind(raw: bytes) -> tuple[Part, ...]:
    return step.queued(keys.queues(), "q", QUEUE, raw)


_MOVES = list(zip(JOBS, NEW, strict=True))
SCENES: dict[str, Scene] = {
    "step out of flight": _taken("list", FLIGHT, keys.retry(), _into(keys.retry())),
    "step behind its queue": _taken("list", FLIGHT, QUEUE, _behind),
    "step between sets": _taken("zset", keys.retry(), keys.dead(), _into(keys.dead())),
    "step to a queue": _pushed(QUEUE, _behind),
    "step to a set": _pushed(keys.schedule(), _into(keys.schedule())),
    "give_back": Scene(scripts.give_back(Key(FLIGHT), QUEUE, keys.queues(), "q", JOBS), FLIGHT, QUEUE),
    "rescue": Scene(scripts.rescue(Key(FLIGHT), QUEUE, _MOVES), FLIGHT, QUEUE),
    "requeue": Scene(scripts.requeue(Key(FLIGHT), QUEUE, 10), FLIGHT, QUEUE),
    "exchange": Scene(
        scripts.exchange([Lane("q", QUEUE, Key(FLIGHT), ())], 10, COUNTERS, keys.paused(), 9),
        QUEUE,
        FLIGHT,
        (*COUNTERS, keys.paused()),
    ),
    "enqueue": Scene(
        scripts.enqueue(keys.retry(), keys.queues(), [(old, QUEUE, new, "q") for old, new in _MOVES]),
        keys.retry(),
        QUEUE,
    ),
    "transfer": Scene(
        scripts.transfer(keys.retry(), keys.dead(), [(old, "", new) for old, new in _MOVES], map(_along, range(4))),
        keys.retry(),
        keys.dead(),
        (*LOCKS, *RESULTS),
    ),
    "transfer within a set": Scene(
        scripts.transfer(keys.retry(), keys.retry(), [(old, "7.0", new) for old, new in _MOVES]),
        keys.retry(),
        keys.retry(),
    ),
    "sift into a set": _sift("zset", keys.dead()),
    "sift into a queue": _sift("list", OTHER),
    "sift within a queue": _sift("list", QUEUE),
    "replace": Scene(scripts.replace(QUEUE, *_MOVES[0]), QUEUE, QUEUE),
}
_ADDS = re.compile(r"'(ZADD|LPUSH|RPUSH|LMOVE|LSET|HSET)'")


def _script(name: str) -> Script:
    call = SCENES[name].call
    assert isinstance(call, ScriptCall)
    return call.script


REFUSALS = [(name, command) for name in SCENES for command in commands_of(_script(name))]


@pytest.fixture
def limited(server: Server) -> Iterator[Driver]:
    """A driver for a user that may do all, until `allow` says otherwise."""
    with refusing.limited(server) as url:
        driver = Driver(url)
        yield driver
        driver.close()


def set_up(server: Server, scene: Scene) -> None:
    if scene.source is None:
        return
    if scene.source.startswith(("queue:", "{queue:")):
        server.command("RPUSH" if scene.source == FLIGHT else "LPUSH", scene.source, *JOBS)
    else:
        server.commands(("ZADD", scene.source, score, raw) for score, raw in enumerate(JOBS))


def places(server: Server) -> Counter[tuple[str, bytes]]:
    """Count every job of every list and set, by key and jid."""
    found: Counter[tuple[str, bytes]] = Counter()
    for key, value in server.everything().items():
        if key.startswith(b"teep:result:"):
            # None stays for ever, whatever was refused; one of another type is the test's own.
            assert not isinstance(value, list) or server.command("PTTL", key) > 0
            continue
        for each in value if isinstance(value, list) else []:
            raw = each if isinstance(each, bytes) else each[0]
            (jid,) = re.findall(rb'"jid":"(\d+)"', raw) or [raw]
            found[str(key, "utf-8"), jid] += 1
    return found


def carry_out(driver: Driver, call: Command[Any]) -> list[str]:
    """Carry a call out; returns why it was refused, as far as it was."""
    try:
        told = driver.execute(call)
    except RedisCommandError as error:
        return [str(error)]
    if isinstance(told, Moves):
        return [*told.refused.values(), *([told.beside] if told.beside else [])]
    if isinstance(told, list) and told and isinstance(told[0], Told):
        return [why for each in told for why in (each.refused, each.beside) if why]
    return [*getattr(told, "refused", {}).values()]


def check_nothing_lost(server: Server, scene: Scene) -> None:
    """See that each job lies in one place; one that is pushed may lie nowhere, and then has no lock."""
    here = places(server)
    by_jid = Counter(jid for _, jid in here.elements())
    assert set(by_jid) <= {b"0", b"1", b"2", b"3"}, here
    assert set(by_jid.values()) <= {1}, here
    if scene.source is not None:
        assert len(by_jid) == len(JOBS), here
    else:
        locked = {str(number).encode() for number, lock in enumerate(LOCKS) if server.command("EXISTS", lock)}
        assert locked == set(by_jid)


def go_on(driver: Driver, server: Server, scene: Scene) -> None:
    """See the jobs move now. What was pushed already is not pushed again."""
    if scene.source is not None or not places(server):
        assert carry_out(driver, scene.call) == []
    check_nothing_lost(server, scene)
    check_moved(server, scene)


def check_moved(server: Server, scene: Scene) -> None:
    here = places(server)
    count = 1 if scene.call.args[1] in _ONE_JOB else len(JOBS)
    assert sum(number for (key, _), number in here.items() if key == scene.target) >= count, here


_ONE_JOB = {load("moving/replace").sha}


def test_every_script_that_adds_has_a_scene() -> None:
    adding = {name for name in lua.NAMES if _ADDS.search(load(name).source)}
    hold_no_jobs = {
        "history/record",
        "running/checkpoint",
        "running/keep_alive",
        "periodic/declare",
        "periodic/put",
        "periodic/pause",
    }
    # Jobs that wait for a limit move in what these have in common: see tests/features/limits/test_line.py.
    hold_no_jobs |= {name for name in adding if name.startswith("limits/")}
    assert adding - {_script(name).name for name in SCENES} == hold_no_jobs


@pytest.mark.parametrize(("name", "command"), REFUSALS)
def test_a_command_that_the_user_may_not_send(limited: Driver, server: Server, name: str, command: str) -> None:
    scene = SCENES[name]
    set_up(server, scene)
    allow(server, f"-{command.lower()}")
    carry_out(limited, scene.call)
    check_nothing_lost(server, scene)
    allow(server)
    go_on(limited, server, scene)


@pytest.mark.parametrize("category", ["@sortedset", "@list", "@write", "@set", "@string", "@keyspace"])
@pytest.mark.parametrize("name", SCENES)
def test_a_category_that_the_user_may_not_use(limited: Driver, server: Server, name: str, category: str) -> None:
    scene = SCENES[name]
    set_up(server, scene)
    allow(server, f"-{category}")
    carry_out(limited, scene.call)
    check_nothing_lost(server, scene)


def _wrong_keys() -> list[tuple[str, str]]:
    return [
        (name, key)
        for name, scene in SCENES.items()
        for key in dict.fromkeys(map(str, scene.call.args[3 : 3 + int(str(scene.call.args[2]))]))
        if key != scene.source and not (scene.source is None and key.startswith("unique:"))
    ]


@pytest.mark.parametrize("wrong", ["SET", "HSET"])
@pytest.mark.parametrize(("name", "key"), _wrong_keys())
def test_a_key_of_another_type(run: Run, driver: Driver, server: Server, name: str, key: str, wrong: str) -> None:
    scene = SCENES[name]
    set_up(server, scene)
    server.command(wrong, key, *(["no number"] if wrong == "SET" else ["field", "value"]))
    refused = carry_out(driver, scene.call)
    check_nothing_lost(server, scene)
    if key in scene.counted:
        check_moved(server, scene)
    elif key == scene.target:
        assert refused
        assert all("WRONGTYPE" in why for why in refused)
    server.command("DEL", key)
    go_on(driver, server, scene)


@pytest.mark.parametrize("name", [name for name in SCENES if name not in ("requeue", "replace")])
def test_a_full_server(driver: Driver, server: Server, name: str) -> None:
    scene = SCENES[name]
    set_up(server, scene)
    server.command("CONFIG", "SET", "maxmemory", 1)
    try:
        if scene.source is None:
            with pytest.raises(Exception, match="out of memory"):
                driver.execute(scene.call)
        else:
            assert carry_out(driver, scene.call) == []
    finally:
        server.command("CONFIG", "SET", "maxmemory", 0)
    check_nothing_lost(server, scene)
    if scene.source is not None:
        check_moved(server, scene)


def test_one_refused_job_among_many_holds_up_no_other(run: Run, server: Server) -> None:
    raws = [b'{"jid":"%d"}' % number for number in range(1_200)]
    server.command("ZADD", "retry", *(part for score, raw in enumerate(raws) for part in (score, raw)))
    server.command("SET", "queue:bad", "a string")

    def rewrite(raw: bytes) -> Enqueued:
        return Enqueued("bad" if raw in raws[36::100] else "good", raw)

    with pytest.raises(NotMoved, match=r"LPUSH queue:bad: WRONGTYPE .*; 12 jobs stay where they were") as caught:
        run(jobsets.enqueue_all(Key("retry"), rewrite))
    assert caught.value.moved == 1_188
    assert server.command("ZRANGE", "retry", 0, -1) == raws[36::100]
    assert server.command("LLEN", "queue:good") == 1_188
    server.command("DEL", "queue:bad")
    assert run(jobsets.enqueue_all(Key("retry"), rewrite)) == 12


def test_what_moved_of_several_is_told_by_its_place(run: Run, server: Server) -> None:
    server.command("ZADD", "retry", 1, "a", 2, "b", 3, "c")
    server.command("SET", "queue:bad", "a string")
    names = {b"a": "good", b"x": "good", b"b": "bad", b"c": "good"}
    moves = [(raw, Enqueued(name, raw)) for raw, name in names.items()]
    told = run(jobsets.enqueue(Key("retry"), moves))
    assert told.done == [True, False, False, True]
    assert list(told.refused) == [2]


def test_steps_beside_a_refused_one_are_done_and_the_refused_are_named(driver: Driver, server: Server) -> None:
    server.command("SET", "queue:bad", "a string")
    extras = {
        raw: Extra(str(number), Parts(effects=(Part("unique.lock", lock, (str(number), 60_000)),)))
        for number, (lock, raw) in enumerate(zip(LOCKS, NEW, strict=True))
    }
    with pytest.raises(NotMoved, match=r"LPUSH queue:bad: WRONGTYPE .*; not pushed: 1, 3"):
        driver.execute(Push({"q": [NEW[0], NEW[2]], "bad": [NEW[1], NEW[3]]}, [], extras=extras))
    assert server.command("LRANGE", "queue:q", 0, -1) == [NEW[2], NEW[0]]
    assert [server.command("EXISTS", lock) for lock in LOCKS] == [1, 0, 1, 0]


def test_a_queue_of_another_type_keeps_no_other_from_being_served(driver: Driver, server: Server) -> None:
    server.command("SET", "queue:bad", "a string")
    server.command("LPUSH", QUEUE, *JOBS)
    told = driver.execute(inflight.exchange("me", {}, ["bad", "q"], 2, DAY))
    assert [raw for _, raw in told.reserved] == JOBS[:2]
    assert list(told.refused) == ["bad"]


@pytest.mark.parametrize("command", commands_of(load("running/checkpoint")))
def test_a_checkpoint_that_is_refused_leaves_the_last_one(limited: Driver, server: Server, command: str) -> None:
    held = Held("q", "me", JOBS[0])
    server.command("RPUSH", keys.inflight("q", "me"), JOBS[0])
    limited.run(iteration.save("1", 1, b"[1]", 1.0, held))
    allow(server, f"-{command.lower()}")
    with contextlib.suppress(RedisCommandError):
        limited.run(iteration.save("1", 2, b"[2]", 2.0, held))
    assert server.command("HGET", "it-1", "c") in (b"[1]", b"[2]")


def _ending(*numbers: int) -> Command[Any]:
    """An exchange that acknowledges jobs in flight, with each the lock and the state that go with its end."""
    along = [(*_along(number), Part("UNLINK", Key(f"it-{number}"))) for number in numbers]
    lot = Lot(Key(FLIGHT), [JOBS[number] for number in numbers], along)
    return scripts.exchange([], 0, COUNTERS, keys.paused(), 9, [lot])


def _begin_with_locks(server: Server) -> None:
    for number, raw in enumerate(JOBS):
        server.command("RPUSH", FLIGHT, raw)
        server.command("SET", LOCKS[number], number)
        server.command("HSET", f"it-{number}", "ex", 1)


def _left(server: Server) -> tuple[list[int], list[int], list[int]]:
    """Return which jobs are in flight, which locks there are, and which states."""
    held = server.command("LRANGE", FLIGHT, 0, -1)
    numbers = range(len(JOBS))
    return (
        [number for number in numbers if JOBS[number] in held],
        [number for number in numbers if server.command("EXISTS", LOCKS[number])],
        [number for number in numbers if server.command("EXISTS", f"it-{number}")],
    )


def test_what_goes_along_with_acknowledged_jobs_goes_in_their_step(driver: Driver, server: Server) -> None:
    _begin_with_locks(server)
    server.command("LREM", FLIGHT, 1, JOBS[1])  # given up, and given to others
    server.command("SET", LOCKS[2], "another job's jid")
    server.command("DEL", LOCKS[3])
    exchanged = driver.execute(_ending(0, 1, 2))
    assert (exchanged.late, exchanged.refused) == ([JOBS[1]], {})
    assert _left(server) == ([3], [1, 2], [1, 3])
    assert driver.execute(_ending(3)).refused == {}
    assert _left(server) == ([], [1, 2], [1])
    assert server.command("GET", keys.processed()) == b"3"


@pytest.mark.parametrize("command", commands_of(load("running/exchange")))
def test_a_refused_command_keeps_what_goes_along_with_its_job(limited: Driver, server: Server, command: str) -> None:
    _begin_with_locks(server)
    allow(server, f"-{command.lower()}")
    refused = carry_out(limited, _ending(0, 1, 2, 3))
    jobs, locks, states = _left(server)
    if command == "LREM":
        assert (jobs, locks, states) == ([0, 1, 2, 3],) * 3
    else:
        assert jobs == []
        assert locks == ([0, 1, 2, 3] if command == "DEL" else [])
        assert states == ([0, 1, 2, 3] if command == "UNLINK" else [])
    assert bool(refused) == (command in {"LREM", "DEL", "UNLINK", "INCRBY", "EXPIRE", "RPUSH", "PEXPIRE"})


def test_a_lock_of_another_type_is_told_of_and_holds_up_no_other(driver: Driver, server: Server) -> None:
    _begin_with_locks(server)
    server.command("DEL", LOCKS[1])
    server.command("HSET", LOCKS[1], "another", "program's")
    assert "WRONGTYPE" in driver.execute(_ending(0, 1, 2, 3)).refused[""]
    assert _left(server) == ([], [1], [])


def test_a_list_of_another_type_keeps_no_end_of_another_queue_from_being_whole(
    driver: Driver, server: Server
) -> None:
    _begin_with_locks(server)
    server.command("SET", "{queue:bad}:inflight:me", "a string")
    lots = [
        Lot(Key(FLIGHT), JOBS, [_along(number) for number in range(4)]),
        Lot(Key("{queue:bad}:inflight:me"), [b"raw"], [()]),
    ]
    with pytest.raises(RedisCommandError, match="WRONGTYPE"):
        driver.execute(scripts.exchange([], 0, COUNTERS, keys.paused(), 9, lots))
    assert _left(server)[:2] == ([], [])
    assert server.command("GET", keys.processed()) == b"4"
