"""Batches through the data API: what a status tells, on either side, and the set of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from teep.client.batches import Batch
from teep.errors import InvalidType, InvalidValue, NotHere
from teep.store import batches as store
from tests.api.sides import Side

pytestmark = pytest.mark.one_server


def made(side: Side, jobs: int = 2, **options: Any) -> Batch:
    batch = Batch(config=side.config, **options).on("finish", "Told", 1)
    with batch.jobs():
        for number in range(jobs):
            teep.Client(side.config).push({"class": "Noop", "args": [number], "queue": "q"})
    return batch


def status(side: Side, bid: str) -> Any:
    if side.name == "sync":
        return teep.BatchStatus(bid, config=side.config)
    return side.run(teep.AsyncBatchStatus.fetch(bid, config=side.config))


def test_a_status_tells_all_of_a_batch(side: Side) -> None:
    parent = made(side, 1)
    batch = made(side, 3, description='a "quoted"\nline \x00', tags=["eu", "ü"], parent=parent)
    found = status(side, batch.bid)
    assert (found.bid, found.total, found.pending, found.failures, found.dead, found.discarded) == (
        *(batch.bid, 3, 3, 0, 0, 0),
    )
    assert (found.description, found.tags) == ('a "quoted"\nline \x00', ["eu", "ü"])
    assert (found.parent, found.children, found.failed_jids, found.dead_jids) == (parent.bid, [], [], [])
    assert status(side, parent.bid).children == [batch.bid]
    assert (found.state, found.progress, found.is_known, found.invalid, found.abandoned) == (
        *("running", 0.0, True, False, False),
    )
    assert abs((datetime.now(UTC) - found.created_at).total_seconds()) < 60
    assert found.finished_at is None
    assert 29.9 < (found.expires_at - datetime.now(UTC)).total_seconds() / 86_400 <= 30
    (callback,) = found.callbacks["finish"]
    assert (callback.event, callback.klass, callback.fired_at) == ("finish", "Told", None)
    side.run(side.Queue("q").clear())
    side.run(found.refresh())
    assert (found.pending, found.discarded, found.state, found.progress) == (0, 3, "finished", 1.0)
    assert found.finished_at == found.fired_at("finish") == found.callbacks["finish"][0].fired_at
    assert found.fired_at("success") is None
    with pytest.raises(InvalidValue, match="there is no event 'succes'; there are complete, success, death, finish"):
        found.fired_at("succes")
    assert "0 of 3 pending, finished" in repr(found)


def test_a_batch_that_knows_jobs_by_an_index_tells_the_same(side: Side) -> None:
    batch = Batch(config=side.config).on("finish", "Told", 1)
    with batch.jobs(flush_every=2):
        teep.Client(side.config).push_bulk({"class": "Noop", "args": [[number] for number in range(5)], "queue": "q"})
    found = status(side, batch.bid)
    assert (found.compact, found.total, found.pending, found.progress, found.state) == (True, 5, 5, 0.0, "running")
    assert [each.pending for each in side.listed(side.BatchSet())] == [5]
    assert side.run(side.Queue("q").where(bid=batch.bid).count()) == 5
    side.server.command("RPOP", "queue:q", 2)
    assert side.run(found.reconcile()) == ["0", "1"]
    side.run(side.Queue("q").clear())
    side.run(found.refresh())
    assert (found.pending, found.discarded, found.state, found.progress) == (0, 5, "finished", 1.0)
    assert not status(side, made(side).bid).compact


def test_a_batch_that_is_not_known_has_nothing(side: Side) -> None:
    found = status(side, "0" * 24)
    assert (found.is_known, found.state, found.total, found.pending, found.created_at) == (
        *(False, "unknown", 0, 0, None),
    )
    assert (found.failed_jids, found.callbacks, found.tags, found.description, found.expires_at) == (
        *([], {}, [], None, None),
    )
    assert side.run(found.wait(timeout=5)) is False
    assert side.run(found.delete()) is False
    side.run(found.invalidate_all())
    assert side.server.command("KEYS", "*") == []
    with pytest.raises(InvalidValue, match="24 hex digits"):
        status(side, "LBnbJr0O3hK2Ug")


def test_waiting_ends_with_the_event_or_the_time(side: Side) -> None:
    batch = made(side)
    found = status(side, batch.bid)
    assert side.run(found.wait(timeout=0.05)) is False
    side.run(side.Queue("q").clear())
    assert side.run(found.wait()) is True
    assert found.discarded == 2
    assert side.run(found.wait(0.05, "success")) is False
    with pytest.raises(InvalidValue, match="has the events"):
        side.run(found.wait(1, "end"))
    with pytest.raises(TypeError, match="timeout must be seconds"):
        side.run(found.wait("1"))


def test_the_failed_jobs_of_a_batch_are_sent_back_and_no_others(side: Side) -> None:
    batch = made(side, 3)
    side.push({"class": "Noop", "args": [9], "jid": "f" * 24, "queue": "q"}, queue="q")
    raws = side.server.command("LRANGE", "queue:q", 0, -1)
    side.server.command("DEL", "queue:q")
    for key, raw in zip(("retry", "retry", "dead", "schedule"), raws, strict=True):
        side.server.command("ZADD", key, 4e9, raw)
    found = status(side, batch.bid)
    assert side.run(found.retry_failed()) == 2
    assert {job["bid"] for job in side.lying("q")} == {batch.bid}
    assert len(side.scored("retry")) + len(side.scored("schedule")) == 2


def test_selections_take_the_jobs_of_a_batch(side: Side) -> None:
    batch, other = made(side, 3), made(side, 2)
    assert side.run(side.Queue("q").where(bid=batch.bid).count()) == 3
    assert side.run(side.Queue("q").where(bid=other.bid).delete_all()) == 2
    assert side.run(side.Queue("q").size()) == 3
    assert side.run(side.Queue("q").where(bid=[other.bid, batch.bid]).count()) == 3
    assert side.run(side.Queue("q").where(bid=[]).count()) == 0
    with pytest.raises(InvalidType, match="bid must be the bid of a batch, or several in a list"):
        side.Queue("q").where(bid=5)


def test_the_set_lists_the_newest_first_and_drops_what_is_forgotten(side: Side) -> None:
    batches = [made(side, number % 2, tags=[f"t{number % 3}"]) for number in range(7)]
    found = side.listed(side.BatchSet())
    assert [status.bid for status in found] == [batch.bid for batch in reversed(batches)]
    assert side.run(side.BatchSet().size()) == 7
    assert {status.bid for status in side.listed(side.BatchSet().where(tag="t0"))} == {
        batches[number].bid for number in (0, 3, 6)
    }
    assert side.run(side.BatchSet().where(state="success").size()) == 4
    assert side.run(side.BatchSet().where(state="running", tag="t1").size()) == 1
    page = side.run(side.BatchSet().page(2, size=3))
    assert ([status.bid for status in page.items], page.total, page.number) == (
        *([batch.bid for batch in batches[3:0:-1]], 7, 2),
    )
    assert side.run(side.BatchSet().get(batches[0].bid)).bid == batches[0].bid
    assert side.run(side.BatchSet().get("nothing")) is None
    side.server.command("UNLINK", f"{{teep:batch:{batches[3].bid}}}")
    assert len(side.listed(side.BatchSet())) == side.run(side.BatchSet().size()) == 6


def test_a_search_through_the_set_goes_on_where_it_ended(side: Side) -> None:
    batches = [made(side, 1, tags=["odd"] if number % 2 else []) for number in range(7)]
    odd = side.BatchSet().where(tag="odd")
    first = side.run(odd.search(size=2))
    assert ([status.bid for status in first.items], first.total) == ([batches[5].bid, batches[3].bid], 7)
    assert first.looked_at == first.next == 4
    side.server.command("UNLINK", f"{{teep:batch:{batches[2].bid}}}")
    rest = side.run(odd.search(first.next, size=2))
    assert ([status.bid for status in rest.items], rest.total) == ([batches[1].bid], 6)
    assert (rest.looked_at, rest.next) == (6, None)
    assert side.run(odd.search(6)).items == []


def test_a_search_that_has_no_time_says_how_far_it_came(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.page, "__defaults__", (2,))
    for _ in range(5):
        made(side, 1)
    found = side.run(side.BatchSet().where(tag="none").search(seconds=0))
    assert (found.items, found.looked_at, found.next) == ([], 2, 2)


def test_a_glimpse_shows_some_of_a_batch_of_any_size(side: Side) -> None:
    batch = made(side, 1)
    key = f"{{teep:batch:{batch.bid}}}"
    jids = [f"{number:024x}" for number in range(2_000)]
    side.server.command("SADD", f"{key}:failed", *jids)
    side.server.command("SADD", f"{key}:dead", *jids[:2])
    side.server.command("SADD", f"{key}:children", "a" * 24)
    side.server.command("ZADD", f"{key}:openers", 4e12, "token")
    found = status(side, batch.bid)
    seen = side.run(found.glimpse(25))
    assert (seen.dead, seen.children, seen.fallen, seen.blocks) == (jids[:2], ["a" * 24], [], 1)
    assert len(seen.failed) == 25
    assert set(seen.failed) < set(jids[2:])
    assert seen.expires_at == pytest.approx(found.expires_at, abs=timedelta(seconds=5))
    side.server.command("SADD", f"{key}:dead", *jids[::2])
    seen = side.run(found.glimpse(25))
    assert len(seen.dead) == 25
    assert not set(seen.failed) & set(jids[::2])


def test_long_verbs_tell_how_far_they_are(side: Side) -> None:
    batch = made(side, 3)
    raws = side.server.command("LRANGE", "queue:q", 0, -1)
    side.server.command("DEL", "queue:q")
    side.server.command("ZADD", "retry", 4e9, raws[0])
    side.server.command("ZADD", "dead", 4e9, raws[1])
    found, heard = status(side, batch.bid), list[tuple[int, int]]()

    def told(*progress: int) -> None:
        heard.append(progress)  # type: ignore[arg-type]

    assert len(side.run(found.reconcile(on_progress=told))) == 1
    assert len(heard) == 5
    assert heard == sorted(heard)
    assert [done for done, _ in heard].index(3) == 4, "all are looked for only once the last one is"
    assert {total for _, total in heard} == {3}
    heard.clear()
    assert side.run(found.retry_failed(on_progress=told)) == 2
    assert heard == [(1, 2), (2, 2)]


def failed_jobs_of(side: Side, batch: Any) -> None:
    """Put one of its jobs into the retry set, one into the dead set, and lose the others."""
    raws = side.server.command("LRANGE", "queue:q", 0, -1)
    side.server.command("DEL", "queue:q")
    side.server.command("ZADD", "retry", 4e9, raws[0])
    side.server.command("ZADD", "dead", 4e9, raws[1])


def test_a_verb_of_a_batch_ends_where_its_listener_returns_false(side: Side) -> None:
    batch = made(side, 4)
    failed_jobs_of(side, batch)
    assert side.run(status(side, batch.bid).retry_failed(on_progress=lambda *_: False)) == 1
    assert (len(side.scored("retry")), len(side.scored("dead"))) == (0, 1)
    assert side.run(status(side, batch.bid).retry_failed(on_progress=lambda done, _: done == 0)) == 1


@pytest.mark.parametrize("looks", range(5))
def test_a_search_that_is_stopped_counts_no_job_as_gone(side: Side, looks: int) -> None:
    """Some jobs are known by their jids, and some by an index: neither are gone before all were looked for."""
    batch = made(side, 1)
    with Batch(batch.bid, config=side.config).jobs(flush_every=2):
        teep.Client(side.config).push_bulk({"class": "Noop", "args": [[number] for number in range(4)], "queue": "q"})
    side.server.command("DEL", "queue:q")
    heard = list[tuple[int, int]]()

    def told(done: int, total: int) -> bool:
        heard.append((done, total))
        return len(heard) <= looks

    found = status(side, batch.bid)
    assert side.run(found.reconcile(on_progress=told)) == []
    assert len(heard) == looks + 1
    assert heard[-1][0] < heard[-1][1] == 5
    side.run(found.refresh())
    assert (found.pending, found.discarded) == (5, 0)


def test_a_search_whose_listener_returns_false_at_the_last_look_is_over(side: Side) -> None:
    batch = made(side, 2)
    side.server.command("DEL", "queue:q")
    found = status(side, batch.bid)
    assert len(side.run(found.reconcile(on_progress=lambda done, total: done < total))) == 2
    side.run(found.refresh())
    assert (found.pending, found.discarded) == (0, 2)


def test_verbs_for_all_that_were_chosen_end_where_the_listener_returns_false(side: Side) -> None:
    for _ in range(103):
        made(side, 1)
    assert side.run(side.BatchSet().invalidate_all(dry_run=True, on_progress=lambda *_: False)) == 100
    assert side.run(side.BatchSet().invalidate_all(on_progress=lambda *_: False)) == 100
    assert side.run(side.BatchSet().where(state="invalid").size()) == 100
    assert side.run(side.BatchSet().delete_all(on_progress=lambda *_: False)) == 100
    assert side.run(side.BatchSet().size()) == 3


def test_verbs_for_a_batch_of_the_set(side: Side) -> None:
    batch = made(side)
    (found,) = side.listed(side.BatchSet())
    if side.name == "async":
        with pytest.raises(NotHere, match="await its refresh"):
            found.failed_jids  # noqa: B018 - a property that reads
        side.run(found.refresh())
    assert found.failed_jids == []
    side.run(found.invalidate_all())
    side.run(found.refresh())
    assert (found.invalid, found.state) == (True, "invalid")
    side.server.command("DEL", "queue:q")
    assert len(side.run(found.reconcile())) == 2
    assert side.run(found.delete()) is True
    assert not status(side, batch.bid).is_known
    assert side.listed(side.BatchSet()) == []


def test_verbs_for_all_that_were_chosen(side: Side) -> None:
    chosen = [made(side, 1, tags=["eu"]) for _ in range(103)]
    other = made(side, 2)
    raws = side.server.command("LRANGE", "queue:q", 0, -1)
    side.server.command("DEL", "queue:q")
    for key, raw in zip(("retry", "retry", "dead", "dead"), raws, strict=False):  # the newest: two of another batch
        side.server.command("ZADD", key, 4e9, raw)
    some, heard = side.BatchSet().where(tag="eu"), list[tuple[int, int]]()

    def told(*progress: int) -> None:
        heard.append(progress)  # type: ignore[arg-type]

    assert side.run(some.retry_failed(dry_run=True)) == 2
    assert side.run(side.Queue("q").size()) == 0
    assert side.run(some.retry_failed(on_progress=told)) == 2
    assert (side.run(side.Queue("q").size()), heard[-1]) == (2, (4, 4))
    assert all(other.bid.encode() in raw for raw in side.scored("retry"))
    assert side.run(some.invalidate_all(dry_run=True)) == 103
    assert side.run(side.BatchSet().where(state="invalid").size()) == 0
    heard.clear()
    assert side.run(some.invalidate_all(on_progress=told)) == 103
    assert heard == [(100, 103), (103, 103)]
    assert side.run(side.BatchSet().where(state="invalid").size()) == 103
    assert side.run(some.delete_all(dry_run=True)) == side.run(some.delete_all()) == 103
    assert [status.bid for status in side.listed(side.BatchSet())] == [other.bid]
    assert not status(side, chosen[0].bid).is_known


def test_conditions_that_do_not_fit_are_refused(side: Side) -> None:
    with pytest.raises(InvalidValue, match="state must be one of running, success, dead, finished, invalid"):
        side.BatchSet().where(state="open")
    with pytest.raises(InvalidType, match="tag must be a string"):
        side.BatchSet().where(tag=5)
