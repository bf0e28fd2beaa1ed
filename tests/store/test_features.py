"""A feature is asked for jobs that ask for it, and for no others."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from teep.errors import InvalidJob
from teep.store import features
from teep.store.feature import Barred, Feature, Pushing, Unit
from teep.store.running import outcome
from teep.store.running.outcome import End
from teep.wire import payload
from teep.wire.keys import Key
from teep.wire.payload import Item
from teep.wire.scripts.step import Part, Parts
from tests.store.conftest import Run

NOW = Pushing(1_700_000_000.0, "seconds", is_new=True)
COUNT = Key("counted")


class Counting(Feature):
    """One that adds a part to each push and each end."""

    name = "counting"
    option = "counted_as"
    stamps = "count"
    differs = True
    before = frozenset({"counted_as"})
    ends = True

    def check(self, job: str, options: Mapping[str, Any]) -> None:
        if options.get(self.option) == "wrong":
            raise InvalidJob(f"{job} is counted as nothing")

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:
        return item | {"count": pushing.now}, Parts(effects=(Part("SADD", COUNT, (item["jid"],)),))

    def on_end(self, item: Item, how: End) -> tuple[Part, ...]:
        return (Part(how, COUNT, (item["jid"],)),)

    async def admit(self, unit: Unit, item: Item) -> Barred | None:
        return Barred(outcome.over(unit.queue, unit.raw, "expired"), "not today") if unit.jid == "barred" else None


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have it take part for the time of a test."""
    for name, of_all in (("_features", dict), ("special", set), ("_before", set), ("_options", set)):
        monkeypatch.setattr(features, name, of_all(getattr(features, name)))
    features.register(Counting())
    yield
    monkeypatch.undo()
    features.register()


def _raw(**fields: Any) -> bytes:
    return payload.serialise({"class": "Noop", "args": [], "jid": "a", **fields})


def test_a_push_is_changed_where_the_job_asks_for_it() -> None:
    item, parts = features.on_push({"jid": "a", "counted_as": "x"}, NOW)
    assert item["count"] == NOW.now
    assert parts == Parts(effects=(Part("SADD", COUNT, ("a",)),))
    plain = {"jid": "a"}
    assert features.on_push(plain, NOW) == (plain, None)
    assert features.differ(item)
    assert not features.differ(plain)


def test_several_features_add_to_one_push() -> None:
    asked = {"class": "Noop", "args": [], "queue": "q", "jid": "a", "unique_for": 60, "counted_as": "x"}
    item, parts = features.on_push(asked, NOW)
    assert parts is not None
    assert [part.name for part in parts.effects] == ["unique.lock", "SADD"]
    assert {"unique_lock", "count"} <= item.keys()


@pytest.mark.parametrize("how", ["done", "discarded", "expired", "dead", "deleted"])
def test_an_end_has_what_goes_along_where_the_payload_says_so(how: End) -> None:
    assert features.on_end(_raw(count=1), how) == (Part(how, COUNT, ("a",)),)
    assert features.on_end(_raw(), how) == ()
    assert features.on_end(_raw(args=['"count"']), how) == ()  # one that only mentions it
    assert features.on_end(b'no job, but "count"', how) == ()


def test_options_that_do_not_fit_are_refused() -> None:
    features.check("noop", {"counted_as": "right"})
    with pytest.raises(InvalidJob, match="noop is counted as nothing"):
        features.check("noop", {"counted_as": "wrong"})


class _Unit:
    queue, may_have_begun = "q", False

    def __init__(self, jid: str, **fields: Any) -> None:
        self.jid: str | None = jid
        self.raw = _raw(jid=jid, **fields)

    def stored(self) -> Item:
        return payload.parse(self.raw)

    def named(self) -> dict[str, Any]:
        return {}


def test_a_job_is_looked_at_before_it_runs_where_it_asks_for_it(run: Run) -> None:
    assert {"counted_as", "count"} <= features.special
    barred = run(features.admit(_Unit("barred", counted_as="x")))
    assert barred is not None
    assert (barred.outcome.end, barred.word) == ("expired", "not today")
    assert run(features.admit(_Unit("other", counted_as="x"))) is None
    assert run(features.admit(_Unit("barred"))) is None
