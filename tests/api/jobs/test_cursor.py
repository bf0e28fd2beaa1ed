"""Pages of a set by cursor: each entry once, whatever way one goes and whatever moves meanwhile."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import teep
from tests.api.sides import Side
from tests.support.servers import Server

# Ten of each score: where a page ends within them, the next one goes on there.
SCORES = [float(n // 10) for n in range(45)]


@pytest.fixture
def filled(server: Server) -> list[str]:
    """The payloads of the retry set, in order."""
    raws = [json.dumps({"class": f"C{n % 3}", "args": [n], "jid": f"{n:024x}"}) for n in range(45)]
    for score, raw in zip(SCORES, raws, strict=True):
        server.client.zadd("retry", {raw: score})
    return [raw.decode() for raw in server.command("ZRANGE", "retry", 0, -1)]


def pages(side: Side, size: int, **conditions: Any) -> Iterator[teep.CursorPage[Any]]:
    place = None
    while True:
        page = side.run(side.RetrySet().where(**conditions).page(size, after=place))
        yield page
        if (place := page.next) is None:
            return


@pytest.mark.parametrize("size", [1, 7, 10, 45, 50])
def test_pages_give_each_entry_once_and_in_order(side: Side, filled: list[str], size: int) -> None:
    read = list(pages(side, size))
    assert [entry.value for page in read for entry in page.items] == filled
    assert [page.position for page in read] == list(range(0, 45, size))
    assert all(page.complete and page.total == 45 for page in read)


@pytest.mark.parametrize("klass", [None, "C1"])
def test_back_is_where_one_came_from(side: Side, filled: list[str], klass: str | None) -> None:
    there = [[entry.value for entry in page.items] for page in pages(side, 4, klass=klass)]
    place = list(pages(side, 4, klass=klass))[-1].previous
    back = []
    while place is not None:
        page = side.run(side.RetrySet().where(klass=klass).page(4, before=place))
        back.append([entry.value for entry in page.items])
        assert page.next is not None
        place = page.previous
    assert back[::-1] == there[:-1]


def test_reverse_and_the_dead_begin_at_the_other_end(side: Side, filled: list[str], server: Server) -> None:
    page = side.run(side.RetrySet().where().page(50, reverse=True))
    assert [entry.value for entry in page.items] == filled[::-1]
    server.client.rename("retry", "dead")
    assert [entry.value for entry in side.run(side.DeadSet().where().page(50)).items] == filled[::-1]


def test_what_goes_meanwhile_lets_no_other_be_passed_over(side: Side, filled: list[str], server: Server) -> None:
    first = side.run(side.RetrySet().where().page(15))
    server.client.zrem("retry", *filled[:15])
    second = side.run(side.RetrySet().where().page(30, after=first.next))
    # A place counts those of its score that lay before it: as many others may be passed over, of that score only.
    assert [entry.value for entry in second.items] == filled[20:]
    server.client.zremrangebyscore("retry", 1, 1)
    assert [entry.value for entry in side.run(side.RetrySet().where().page(30, after=first.next)).items] == filled[
        20:
    ]


def test_a_search_that_takes_too_long_says_how_far_it_came(side: Side, server: Server) -> None:
    server.client.zadd("retry", {json.dumps({"class": "C", "args": [n], "jid": "j"}): n for n in range(5000)})
    page = side.run(side.RetrySet().where(match="[4999]").page(seconds=0))
    assert (page.items, page.complete, page.looked_at, page.total) == ([], False, 2000, 5000)
    page = side.run(side.RetrySet().where(match="[4999]").page(after=page.next, seconds=60))
    assert ([entry.args for entry in page.items], page.complete, page.next) == ([[4999]], True, None)
    assert (page.position, page.looked_at) == (2000, 3000)


def test_an_empty_set_has_an_empty_page(side: Side) -> None:
    page = side.run(side.ScheduledSet().where().page())
    assert page == ([], 0, 0, 0, None, None, True)
    with pytest.raises(teep.errors.InvalidPage):
        side.run(side.ScheduledSet().where().page(0))


def test_an_entry_is_found_by_its_score_and_jid_or_digest(side: Side, filled: list[str], server: Server) -> None:
    server.client.zadd("retry", {"no json": 2.0, **{f'{{"jid":"same","n":{n}}}': 2.0 for n in range(600)}})
    retries = side.RetrySet()
    entry = side.run(retries.entry(2.0, f"{29:024x}"))
    assert entry.args == [29]
    assert side.run(retries.entry(2.0, entry.digest)).value == entry.value
    malformed = side.run(retries.fetch(2.0, ""))[0]
    assert side.run(retries.entry(2.0, malformed.digest)).value == "no json"
    assert side.run(retries.entry(2.5, entry.jid)) is None
    assert side.run(retries.entry(2.0, "elsewhere")) is None


def test_a_selection_goes_to_its_queue_as_if_due(side: Side, filled: list[str], server: Server) -> None:
    assert side.run(side.RetrySet().where(klass="C1").add_all_to_queue()) == 15
    assert server.client.llen("queue:default") == 15
