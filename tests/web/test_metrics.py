"""Metrics and profiles: the same numbers as the data API, in charts with a table beside each."""

import gzip
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from teep.store.statistics.metrics import Batch, add
from teep.web import urls
from teep.web.pages.metrics.reading import PERIODS, Column, period_of, quantile, steps
from teep.web.rendering.words import LANGUAGES
from teep.wire.metrics import Tally
from tests.api.trips import sent
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor
from tests.web.test_hostile import XSS
from tests.web.visitor import Visitor, links, text_of


def ran(config: teep.Config, at: datetime | None = None, /, **classes: tuple[int, float, int]) -> None:
    """Write what classes did in a minute: runs that succeeded, seconds of each, runs that failed."""
    tallies = {}
    for name, (runs, seconds, failed) in classes.items():
        tally = tallies[name] = Tally()
        if runs:
            tally.add(seconds, runs)
        tally.failed = failed
    when = at or datetime.now(UTC)
    teep.Stats(config=config)._run(add(f"host:1:{when}", Batch(1, when, tallies)))


def left_profile(store: Server, key: str = "mike-0123", **fields: Any) -> None:
    whole: Any = {"started_at": 1, "token": "mike", "type": "app.Slow", "jid": "0123", "elapsed": 1.5, "size": 2048}
    whole |= {"data": gzip.compress(b"{}"), **fields}
    store.client.hset(key, mapping=whole)
    store.client.zadd("profiles", {key: time.time() + 100})


def test_classes_come_by_the_time_that_they_took(visitor: Visitor, config: teep.Config) -> None:
    ran(config, quick=(5, 0.1, 0), slow=(2, 30, 1), broken=(0, 0, 3))
    teep.Deploy(config=config).mark("v1 <b>")
    page = visitor.get("/metrics")
    assert re.findall(r"metrics/(\w+)\?period=1h", page.text) == ["slow", "quick", "broken"]
    assert "slow 3 1 60 s 30 s" in text_of(page)
    assert "broken 3 3 0 ms \u2013" in text_of(page)
    assert page.text.count("<tr><td data-v=") == 60
    assert "v1 <b>" in text_of(page)
    assert "<b>" not in page.text
    assert re.search(r'data-mark="20\d\d-\d\d-\d\dT\d\d:\d\d:00Z"', page.text)


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.name)
def test_every_period_has_few_steps_and_all_of_the_sum(visitor: Visitor, config: teep.Config, period: Any) -> None:
    ran(config, datetime.now(UTC) - timedelta(minutes=1), slow=(4, 15, 0))
    page = visitor.get(f"/metrics?period={period.name}")
    rows = re.findall(r'<tr><td data-v="[^"]+">.*?data-v="([^"]+)"', page.text)
    assert len(rows) <= 72
    assert sum(map(float, rows)) == 60
    assert len(page.text) < 60_000


def test_a_class_by_a_part_of_its_name(visitor: Visitor, config: teep.Config) -> None:
    ran(config, **{"app.Import": (1, 1, 0), "app.Export": (1, 1, 0)})
    for query in ("q=import", "substr=Import"):
        page = visitor.get(f"/metrics?{query}")
        assert ("app.Import" in page.text, "app.Export" in page.text) == (True, False)
    assert "No class has this in its name" in text_of(visitor.get("/metrics?q=nothing"))
    assert "app.Export" in visitor.get("/metrics", params={"period": "x", "q": " "}).text


def test_where_nothing_ran_the_page_says_what_to_do(visitor: Visitor) -> None:
    assert "Nothing ran in this time" in text_of(visitor.get("/metrics"))


def test_one_class_has_its_histogram(visitor: Visitor, config: teep.Config) -> None:
    ran(config, slow=(90, 0.01, 2))
    ran(config, datetime.now(UTC) - timedelta(minutes=3), slow=(10, 4, 0))
    page = visitor.get("/metrics/slow")
    text = text_of(page)
    assert "102 Runs" in text or "Runs 102" in text
    assert re.search(r"Half of them up to 20 ms|up to 20 ms Half of them", text)
    assert "up to 5.75 s" in text
    assert re.findall(r'<progress max="90" value="(\d+)"', page.text)[0] == "90"
    assert "These counts are kept for 8 hours" in text_of(visitor.get("/metrics/slow?period=24h"))
    assert "Nothing ran in this time" in text_of(visitor.get("/metrics/unknown"))


def test_names_of_classes_are_text(visitor: Visitor, config: teep.Config, store: Server) -> None:
    names = ("Foo::Bar", "a/b?c#d", "../..", XSS)
    ran(config, **dict.fromkeys(names, (1, 1, 0)))
    page = visitor.get("/metrics")
    found = {link for link in links(page) if link.startswith("/metrics/")}
    assert {urls.from_path(link.split("/")[2].split("?")[0]) for link in found} == set(names)
    for answer in [page, *map(visitor.get, found)]:
        assert answer.status_code == 200
        assert "Nothing ran" not in text_of(answer)
        assert "<script>alert" not in answer.text
    assert text_of(visitor.get("/metrics/Foo::Bar")).count("Foo::Bar") >= 1


def test_only_the_hundred_slowest_are_shown(visitor: Visitor, config: teep.Config) -> None:
    ran(config, **{f"c{number}": (1, number + 1, 0) for number in range(103)})
    page = visitor.get("/metrics")
    assert "3 more classes took less time" in text_of(page)
    assert len(page.text) < 60_000


@pytest.mark.parametrize("path", ["/metrics", "/metrics/slow", "/profiles"])
def test_a_page_costs_few_round_trips(visitor: Visitor, config: teep.Config, store: Server, path: str) -> None:
    ran(config, slow=(1, 1, 0))
    left_profile(store)
    visitor.get(path)
    with sent() as commands:
        visitor.get(path)
    assert len(commands) <= 6


def test_profiles_are_listed_and_given_as_files(visitor: Visitor, store: Server) -> None:
    left_profile(store)
    left_profile(store, "evil/../key", type=XSS, jid='"\r\nX: y', data=b"<script>alert(1)</script>")
    page = visitor.get("/profiles")
    assert "app.Slow 0123 mike 2 s 2.0 kB Download" in text_of(page)
    assert 'aria-label="Download app.Slow 0123"' in page.text
    assert "<script>alert" not in page.text
    for link in sorted(link for link in links(page) if link.endswith("/data")):
        answer = visitor.ask("GET", link)
        assert answer.headers["content-type"] == "application/gzip"
        assert re.fullmatch(r'attachment; filename="[\w.-]+\.json\.gz"', answer.headers["content-disposition"])
    assert gzip.decompress(visitor.get("/profiles/mike-0123").content) == b"{}"
    assert visitor.get("/profiles/retry/data").status_code == 404


def test_without_profiles_the_page_says_how_one_comes(visitor: Visitor) -> None:
    assert "There are no profiles" in text_of(visitor.get("/profiles"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_they_speak_each_language(visit: MakeVisitor, config: teep.Config, store: Server, language: str) -> None:
    ran(config, slow=(1, 400, 0))
    left_profile(store)
    visitor = visit()
    for path in ("/metrics", "/metrics/slow", "/metrics?q=x", "/metrics/y", "/profiles"):
        page = visitor.get(path, headers={"accept-language": language})
        assert (page.status_code, f'<html lang="{language}"' in page.text) == (200, True)


def test_steps_and_quantiles() -> None:
    lines = [Column("a", {"1": 1, "3": 4}), Column("b", {"2": 2})]
    two = period_of("2h")
    assert steps(["1", "2", "3"], lines, two) == [("1", [1, 2]), ("3", [4, 0])]
    assert steps(["1", "2", "3"], lines[:1], two, per=lines[1]) == [("1", [0.5]), ("3", [None])]  # a gap, and no zero
    assert [quantile([0, 9, 1], share) for share in (0.5, 0.9, 0.95)] == [1, 1, 2]
