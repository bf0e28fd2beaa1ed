"""The scheduled, retry and dead sets: walks, and moves that compare before they move."""

import random

import pytest

from teep.drivers import Driver
from teep.store.jobs import jobsets
from teep.store.jobs.jobsets import DeadLimits, Enqueued, Verdict
from teep.wire import keys
from teep.wire.command import Command
from teep.wire.keys import Key
from tests.store.conftest import Run
from tests.support.servers import Server

MANY = 1_700


def _fill(server: Server, key: str, count: int = MANY) -> list[bytes]:
    raws = [b"job%04d" % n for n in range(count)]
    server.client.zadd(key, {raw: 1_000 + n for n, raw in enumerate(raws)})
    return raws


def _members(server: Server, key: str) -> list[bytes]:
    members: list[bytes] = server.command("ZRANGE", key, 0, -1)
    return members


def test_scores_are_exact(run: Run, server: Server) -> None:
    at = 1_795_487_359.626_334_7
    assert run(jobsets.add(Key("retry"), [(at, b"a"), (2.0, b"b")])) == 2
    assert run(jobsets.between(Key("retry"), at, at)) == [(b"a", at)]
    assert run(jobsets.page(Key("retry"), 0, 10, ascending=True)) == [(b"b", 2.0), (b"a", at)]
    assert run(jobsets.page(Key("retry"), 0, 1, ascending=False)) == [(b"a", at)]
    assert run(jobsets.sized_page(Key("retry"), 1, 10, ascending=True)) == (2, [(b"a", at)])


def test_single_entries(run: Run, server: Server) -> None:
    run(jobsets.add(Key("retry"), [(1.0, b"a"), (2.0, b"b")]))
    assert run(jobsets.reschedule(Key("retry"), b"a", 9.5))
    assert not run(jobsets.reschedule(Key("retry"), b"gone", 9.5))
    assert run(jobsets.between(Key("retry"), 9.5, 9.5)) == [(b"a", 9.5)]
    assert run(jobsets.replace(Key("retry"), b"b", b"B"))
    assert not run(jobsets.replace(Key("retry"), b"b", b"B"))
    assert run(jobsets.pop(Key("retry"))) == (b"B", 2.0)
    assert run(jobsets.delete(Key("retry"), b"a"))
    assert not run(jobsets.delete(Key("retry"), b"a"))
    assert run(jobsets.pop(Key("retry"))) is None


def test_clearing_tells_how_many(run: Run, server: Server) -> None:
    _fill(server, "dead")
    assert run(jobsets.clear(Key("dead"))) == MANY
    assert run(jobsets.clear(Key("dead"))) == 0


def test_the_next_due(run: Run) -> None:
    assert run(jobsets.next_due([keys.schedule(), keys.retry()])) is None
    run(jobsets.add(Key("schedule"), [(7.5, b"a")]))
    run(jobsets.add(Key("retry"), [(5.25, b"b"), (9.0, b"c")]))
    assert run(jobsets.next_due([keys.schedule(), keys.retry()])) == 5.25


@pytest.mark.parametrize(
    ("match", "found"),
    [("ab", [b"xaby"]), ("x*y", [b"xaby", b"x[y"]), ("x[", [b"x[y"]), ("?", [b"q?"]), ("\\", [b"back\\slash"])],
)
def test_scanning_takes_text_literally_and_stars_as_anything(run: Run, match: str, found: list[bytes]) -> None:
    run(jobsets.add(Key("retry"), [(1.0, raw) for raw in (b"xaby", b"x[y", b"q?", b"back\\slash")]))
    _, entries = run(jobsets.scan_page(Key("retry"), 0, jobsets.glob(match)))
    assert sorted(raw for raw, _ in entries) == sorted(found)


def test_enqueuing_moves_what_is_there_and_leaves_the_rest(run: Run, server: Server) -> None:
    run(jobsets.add(Key("retry"), [(1.0, b"a"), (2.0, b"b")]))
    moves = [(b"a", Enqueued("q", b"A")), (b"gone", Enqueued("q", b"G")), (b"b", Enqueued("low", b"B"))]
    assert run(jobsets.enqueue(Key("retry"), moves)).done == [True, False, True]
    assert run(jobsets.enqueue(Key("retry"), moves)).done == [False, False, False]
    assert server.command("LRANGE", "queue:q", 0, -1) == [b"A"]
    assert server.command("LRANGE", "queue:low", 0, -1) == [b"B"]
    assert server.command("SMEMBERS", "queues") == {b"q", b"low"}
    assert _members(server, "retry") == []


def test_transferring_moves_what_is_there_and_leaves_the_rest(run: Run, server: Server) -> None:
    run(jobsets.add(Key("retry"), [(1.0, b"a")]))
    moves = [(b"a", 1_795_487_415.604_598, b"A"), (b"gone", 3.0, b"G")]
    assert run(jobsets.transfer(Key("retry"), Key("dead"), moves)).done == [True, False]
    assert run(jobsets.between(Key("dead"), 0, 2e9)) == [(b"A", 1_795_487_415.604_598)]


def test_a_whole_set_is_enqueued_in_order_in_batches(run: Run, server: Server) -> None:
    raws = _fill(server, "retry")
    assert run(jobsets.enqueue_all(Key("retry"), lambda raw: Enqueued("q", raw.upper()))) == MANY
    assert server.command("LRANGE", "queue:q", 0, -1) == [raw.upper() for raw in reversed(raws)]
    assert _members(server, "retry") == []


def test_only_what_is_due_is_enqueued(run: Run, server: Server) -> None:
    raws = _fill(server, "schedule", 20)
    assert run(jobsets.enqueue_all(Key("schedule"), lambda raw: Enqueued("q", raw), until="1009")) == 10
    assert _members(server, "schedule") == raws[10:]


def test_verdicts_leave_or_drop(run: Run, server: Server) -> None:
    raws = _fill(server, "retry")

    def rewrite(raw: bytes) -> Enqueued | Verdict:
        n = int(raw[3:])
        return (Enqueued("q", raw), Verdict.LEAVE, Verdict.DROP)[n % 3]

    assert run(jobsets.enqueue_all(Key("retry"), rewrite)) == len(raws[0::3])
    assert _members(server, "retry") == raws[1::3]
    assert server.command("LRANGE", "queue:q", 0, -1) == raws[0::3][::-1]


def test_a_job_that_fails_again_at_once_is_not_enqueued_again(run: Run, server: Server) -> None:
    _fill(server, "retry", 700)

    def fails_at_once(raw: bytes) -> Enqueued:
        server.client.zadd("retry", {raw + b"!": 500.0})
        return Enqueued("q", raw)

    assert run(jobsets.enqueue_all(Key("retry"), fails_at_once)) <= 700
    assert run(jobsets.size(Key("retry"))) >= 700


def test_a_whole_set_is_transferred_and_each_job_told(run: Run, server: Server) -> None:
    raws = _fill(server, "retry")
    told: list[bytes] = []
    assert run(jobsets.kill_all(Key("retry"), 5.0, told.append)) == MANY
    assert told == raws
    assert _members(server, "retry") == []
    assert run(jobsets.between(Key("dead"), 5.0, 5.0)) == [(raw, 5.0) for raw in raws]


def test_what_others_took_meanwhile_is_not_moved(run: Run, driver: Driver, server: Server) -> None:
    _fill(server, "retry", 100)

    class Meddling:
        """Carries out commands, but someone else takes half of the set before the first move."""

        def execute(self, command: Command[object]) -> object:
            if command.args[0] == "EVALSHA":
                server.command("ZREMRANGEBYRANK", "retry", 50, -1)
            return driver.execute(command)

    from teep.drivers.plans import run_plan

    told: list[bytes] = []
    assert run_plan(jobsets.kill_all("retry", 5.0, told.append), Meddling()) == 50  # type: ignore[arg-type]
    assert len(told) == run(jobsets.size(Key("dead"))) == 50


def test_the_dead_set_keeps_the_youngest(run: Run, server: Server) -> None:
    run(jobsets.add(Key("dead"), [(float(n), b"%d" % n) for n in range(10)]))
    run(jobsets.trim_dead(100.0, DeadLimits(max_jobs=5, timeout=1_000)))
    assert _members(server, "dead") == [b"6", b"7", b"8", b"9"]  # one less than max_jobs, as Sidekiq
    run(jobsets.trim_dead(100.0, DeadLimits(max_jobs=1_000, timeout=92.0)))
    assert _members(server, "dead") == [b"9"]


def test_finding_by_jid(run: Run, server: Server) -> None:
    raws = _fill(server, "retry", 5_000)
    for raw in (raws[0], raws[2_500], raws[-1]):
        found = run(jobsets.find(Key("retry"), raw.decode(), lambda each, raw=raw: each == raw))  # type: ignore[misc]
        assert found is not None
        assert found[0] == raw
    assert run(jobsets.find(Key("retry"), "job0000", lambda _: False)) is None


def _walk_all(run: Run, walk: jobsets.Walk) -> list[jobsets.Entry]:
    found: list[jobsets.Entry] = []
    while (entries := run(walk.next())) is not None:
        found += entries
    return found


@pytest.mark.parametrize("size", [0, 1, 500, 501, MANY])
@pytest.mark.parametrize("scores", ["equal", "different"])
def test_a_walk_gives_every_entry_highest_score_first(run: Run, server: Server, size: int, scores: str) -> None:
    if size:
        at = {b"job%04d" % n: 1.5 if scores == "equal" else n + 0.25 for n in range(size)}
        server.client.zadd("retry", at)
    walk = jobsets.Walk(Key("retry"))
    assert _walk_all(run, walk) == run(jobsets.page(Key("retry"), 0, size or 1, ascending=False))
    assert walk.examined == size


def test_a_walk_with_needles_gives_what_holds_all_of_them(run: Run, server: Server) -> None:
    raws = [b'{"a":%d,"b":%d,"n":%d}' % (n % 3, n % 7, n) for n in range(5_000)]
    server.client.zadd("retry", {raw: n for n, raw in enumerate(raws)})
    found = _walk_all(run, jobsets.Walk(Key("retry"), needles=(b'"a":2', b'"b":5')))
    assert [raw for raw, _ in found] == [raw for raw in reversed(raws) if b'"a":2' in raw and b'"b":5' in raw]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("scores", [1, 5, 10_000])
def test_a_walk_is_stable_while_others_add_and_take(
    run: Run, server: Server, seed: int, scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobsets, "BATCH", 100)
    dice = random.Random(seed)
    stayed = {b"job%04d" % n: float(dice.randrange(scores)) for n in range(MANY)}
    server.client.zadd("retry", dict(stayed))
    given: list[bytes] = []
    walk, last = jobsets.Walk(Key("retry")), b""
    while (entries := run(walk.next())) is not None:
        given += [raw for raw, _ in entries]
        last = given[-1]
        added = {b"new%d-%d" % (len(given), n): float(dice.randrange(scores)) for n in range(dice.choice((0, 1, 50)))}
        if added:
            server.client.zadd("retry", dict(added))
        gone = dice.sample(sorted(stayed), k=min(len(stayed), dice.choice((1, 20))))
        # The very entry that the reader stands at goes, too.
        gone += [last] if dice.random() < 0.5 else []
        server.command("ZREM", "retry", *gone)
        for raw in gone:
            stayed.pop(raw, None)
    assert len(given) == len(set(given)), "entries were given twice"
    assert set(stayed) - set(given) == set(), "entries that stayed put were passed over"
