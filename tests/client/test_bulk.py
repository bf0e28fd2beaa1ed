"""Bulk pushes: slices, laziness, times."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from teep.drivers import AsyncDriver, Driver
from teep.errors import InvalidArguments, InvalidJob
from tests.api.sides import Side


def commands(side: Side) -> dict[str, int]:
    """How often the server has carried out each command."""
    stats = side.server.client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(entry["calls"]) for name, entry in stats.items()}


def bulk(side: Side, args: Any, **fields: Any) -> Any:
    return side.run(side.Client().push_bulk({"class": "Noop", "args": args} | fields))


def test_nothing_to_push(side: Side) -> None:
    assert bulk(side, []) == []
    assert bulk(side, iter(())) == []
    assert side.server.command("KEYS", "*") == []


def test_jids_in_the_order_of_the_arguments(side: Side) -> None:
    jids = bulk(side, [[number] for number in range(2_345)])
    items = list(reversed(side.lying()))
    assert [item["jid"] for item in items] == jids
    assert [item["args"] for item in items] == [[number] for number in range(2_345)]
    assert len(set(jids)) == 2_345
    assert list(items[0]) == ["retry", "queue", "class", "args", "jid", "created_at", "enqueued_at"]


@pytest.mark.parametrize(("fields", "slices"), [({}, 3), ({"batch_size": 1000}, 3), ({"batch_size": 500}, 5)])
def test_one_push_a_slice(side: Side, fields: dict[str, int], slices: int) -> None:
    side.server.command("CONFIG", "RESETSTAT")
    bulk(side, [[number] for number in range(2_345)], **fields)
    done = commands(side)
    assert (done["lpush"], done["sadd"]) == (slices, slices)
    assert side.run(side.Queue().size()) == 2_345


def test_a_slice_is_one_round_trip(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    kind: Any = Driver if side.name == "sync" else AsyncDriver
    execute = kind.execute

    def carry_out(driver: Any, command: Any) -> Any:
        sent.append(command)
        return execute(driver, command)

    monkeypatch.setattr(kind, "execute", carry_out)
    bulk(side, [[number] for number in range(2_345)])
    assert len(sent) == 3
    bulk(side, [[number] for number in range(2_345)], at=2e9)
    assert len(sent) == 6


def test_arguments_are_taken_as_they_are_needed(side: Side) -> None:
    waiting: list[int] = []

    def args() -> Iterator[list[int]]:
        for number in range(2_500):
            if number % 1_000 == 0:
                waiting.append(side.server.command("LLEN", "queue:default"))
            yield [number]

    assert len(bulk(side, args())) == 2_500
    assert waiting == [0, 1_000, 2_000]


def test_tuples_are_arguments_too(side: Side) -> None:
    bulk(side, ((number, "x") for number in range(2)))
    assert [item["args"] for item in side.lying()] == [[1, "x"], [0, "x"]]


def test_a_bad_one_stops_its_slice_and_leaves_those_before(side: Side) -> None:
    args: Any = itertools.chain(([number] for number in range(1_500)), [[{1}]], [[9]])
    with pytest.raises(InvalidArguments, match=r"args\[1500\]\[0\] is a set"):
        bulk(side, args)
    assert side.run(side.Queue().size()) == 1_000


def test_one_time_for_all(side: Side) -> None:
    jids = bulk(side, [[1], [2]], at=2e9)
    entries = side.listed(side.ScheduledSet())
    assert {entry.jid for entry in entries} == set(jids)
    assert {entry.score for entry in entries} == {2e9}
    assert side.server.command("KEYS", "*") == [b"schedule"]


def test_a_time_for_each(side: Side) -> None:
    jids = bulk(side, ([number] for number in range(1_200)), at=(2e9 + number for number in range(1_200)))
    scores = {entry.jid: entry.score for entry in side.listed(side.ScheduledSet())}
    assert scores == {jid: 2e9 + number for number, jid in enumerate(jids)}


def test_times_that_have_passed_mean_now(side: Side) -> None:
    bulk(side, [[1], [2]], at=[time.time() - 5, 2e9])
    assert [item["args"] for item in side.lying()] == [[1]]
    assert len(side.scored("schedule")) == 1


def test_too_many_or_too_few_times_push_nothing(side: Side) -> None:
    for times in ([2e9], [2e9] * 3):
        with pytest.raises(InvalidJob):
            bulk(side, [[1], [2]], at=times)
    assert side.server.command("KEYS", "*") == []


def test_spread_over_an_interval(side: Side) -> None:
    before = time.time()
    bulk(side, [[number] for number in range(300)], spread_interval=3_600)
    scores = [entry.score - before for entry in side.listed(side.ScheduledSet())]
    assert len(scores) + len(side.lying()) == 300
    assert max(scores) <= 3_600 + 30
    assert max(scores) - min(scores) > 1_800


def test_a_jid_of_its_own_for_a_single_job(side: Side) -> None:
    assert bulk(side, [[1]], jid="own") == ["own"]


def test_a_middleware_stops_some(side: Side) -> None:
    def odd_ones_only(item: dict[str, Any], call_next: Any) -> Any:
        return call_next() if item["args"][0] % 2 else None

    side.config.client_middleware.add(odd_ones_only)
    jids = bulk(side, [[number] for number in range(5)])
    assert [jid is None for jid in jids] == [True, False, True, False, True]
    assert [item["args"] for item in side.lying()] == [[3], [1]]


def test_a_middleware_may_reroute_each(side: Side) -> None:
    def by_number(item: dict[str, Any], call_next: Any) -> Any:
        item["queue"] = f"q{item['args'][0] % 2}"
        return call_next()

    side.config.client_middleware.add(by_number)
    bulk(side, [[number] for number in range(4)])
    assert [item["args"] for item in side.lying("q0")] == [[2], [0]]
    assert [item["args"] for item in side.lying("q1")] == [[3], [1]]
    assert side.server.command("SMEMBERS", "queues") == {b"q0", b"q1"}
