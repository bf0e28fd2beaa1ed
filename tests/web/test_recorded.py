"""The history on pages: lines with gaps, and what pages show without one."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import teep
from tests.api.trips import asked
from tests.support.sampling import sampled
from tests.support.servers import Server
from tests.web.conftest import payload
from tests.web.visitor import Visitor, text_of

ROW = re.compile(r'<tr><td data-v="([^"]+Z)">[^<]*</td>((?:<td class="number" data-v="[^"]*">[^<]*</td>)+)')

Minute = Callable[[float], datetime]


def rows(page: Any, table: str) -> dict[str, list[str]]:
    """The numbers of a chart's table, by their time."""
    found = page.text.partition(f'id="{table}-details"')[2].partition("</table>")[0]
    return {at: re.findall('data-v="([^"]*)"', cells) for at, cells in ROW.findall(found)}


@pytest.fixture
def minute() -> Minute:
    """Minutes before the one in which the test begins, even where that one ends meanwhile."""
    begun = datetime.now(UTC).replace(second=0, microsecond=0)
    return lambda back: begun - timedelta(minutes=back)


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def test_hours_are_drawn_with_their_gaps(visitor: Visitor, config: teep.Config, minute: Minute) -> None:
    for back, processed in ((30, 100), (29.5, 130), (20, 180)):
        sampled(config, minute(back), processed=processed, failed=3, enqueued=5, busy=2)
    page = visitor.get("/?hours=1")
    past = rows(page, "past")
    assert len(past) == 59
    assert past[stamp(minute(30))] == ["30", "0"]
    assert past[stamp(minute(25))] == ["", ""]
    assert past[stamp(minute(20))] == ["50", "0"]
    fleet = rows(page, "fleet")
    assert fleet[stamp(minute(30))] == ["5.0", "2.0", "0.0"]
    assert fleet[stamp(minute(25))] == ["", "", ""]
    assert "Waiting, running, retrying" in text_of(page)
    assert "1 h" in text_of(page)
    for hours, step in ((24, 20), (72, 60)):
        past = rows(visitor.get(f"/?hours={hours}"), "past")
        assert len(past) == 71
        at = datetime.fromtimestamp(minute(20).timestamp() // (step * 60) * step * 60, UTC)
        assert past.get(stamp(at), ["0"])[0] != ""
    assert len(rows(visitor.get("/?days=7"), "past")) == 0  # days are Sidekiq's, which have no times


def test_queues_have_the_line_of_their_last_hour(
    visitor: Visitor, config: teep.Config, minute: Minute, store: Server
) -> None:
    store.client.sadd("queues", "default", "idle")
    store.client.lpush("queue:default", payload(1), payload(2))
    for back, size in ((40, 7), (39, 8), (10, 9)):
        sampled(config, minute(back), {"default": (size, 0.5)})
    for path in ("/", "/queues", "/queues/default"):
        page = visitor.get(path)
        assert re.search(r"<title>Jobs, lately: 7, then 2 after (40|41) min</title>", page.text), path
        line = re.search(r'after 4\d min</title><path d="([^"]*)"', page.text)
        assert line is not None
        assert line[1].count("M") == 3, "it is broken twice"
    assert re.search(r"<title>Jobs, lately: 0, then 0 after (40|41) min</title>", visitor.get("/queues/idle").text)


def test_numbers_of_the_application_are_on_the_dashboard(
    visitor: Visitor, config: teep.Config, minute: Minute
) -> None:
    for back, value in ((40, -4.0), (0, 12.5)):
        sampled(config, minute(back), gauges={"carts <open>": value})
    page = visitor.get("/")
    assert "Numbers of the application" in text_of(page)
    assert "carts <open> 12.5" in text_of(page)
    assert "carts <open>" not in page.text


def test_a_number_that_is_no_longer_read_has_no_value_and_its_line_ends_where_it_did(
    visitor: Visitor, config: teep.Config, minute: Minute
) -> None:
    for back in (40, 39):
        sampled(config, minute(back), gauges={"carts": 12.5})
    page = visitor.get("/")
    assert "carts \u2013" in text_of(page)
    line = re.search(r'12 after 60 s</title><path d="M(\d+) [^"L]*L(\d+) ', page.text)
    assert line is not None
    assert [int(x) for x in line.groups()] == [pytest.approx(33, abs=2), pytest.approx(35, abs=2)]


def test_without_a_history_pages_are_as_they_were_and_ask_once_a_minute(visitor: Visitor, store: Server) -> None:
    store.client.sadd("queues", "default")
    with asked() as commands:
        page = visitor.get("/")
        visitor.get("/")
        visitor.get("/queues")
        visitor.get("/queues/default")
    reads = [command for command in commands if any("teep:history" in key for key in command.keys)]
    assert len(reads) == 1
    assert "1 h" not in text_of(page).split("72 h")[0].split("History")[1]
    assert "metrics.js" not in page.text
    assert "Numbers of the application" not in text_of(page)


@pytest.mark.parametrize("path", ["/api/timeline", "/api/timeline?last=7200&step=600"])
def test_programs_read_it(visitor: Visitor, config: teep.Config, minute: Minute, path: str) -> None:
    sampled(config, minute(30), {"low": (4, 1.5)}, {"carts": 3}, processed=10, busy=2)
    sampled(config, minute(30) + timedelta(seconds=10), {"low": (2, 0.5)}, processed=25)
    told = visitor.get(path).json()
    at = max(number for number, start in enumerate(told["starts"]) if start <= minute(30).isoformat())
    assert (told["step"], len(told["starts"])) == ((60, 60) if "step" not in path else (600, 12))
    assert (told["processed"][at], told["failed"][at], told["busy"][at]) == (15, 0, 1)
    assert told["processed"].count(None) == len(told["starts"]) - 1
    assert (told["queues"]["low"]["size"][at], told["queues"]["low"]["latency"][at]) == (3, 1)
    assert told["gauges"]["carts"][at] == 3


@pytest.mark.parametrize(
    "query", ["step=7", "last=x", "last=99999999", "last=300000&step=60", "step=60000000000", "step=1e300"]
)
def test_programs_are_told_what_makes_no_sense(visitor: Visitor, query: str) -> None:
    answer = visitor.get(f"/api/timeline?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]
