"""The screen: what it says at which size, tab by tab, by the keys and by the mouse."""

import asyncio
import re
from pathlib import Path

import pytest
from textual.events import MouseScrollDown

import teep
from teep.top import tabs
from teep.top.keys import KEYS, VERBS, written
from tests.support.servers import Server
from tests.top.seeing import Seen, retry, watch
from tests.web.browser import releases, shop

pytestmark = pytest.mark.one_server

EVERY = list(tabs.KINDS)


def test_it_opens_on_the_dashboard_with_figures_tabs_and_keys(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        head, labels, values, bar, crumb, *_ = seen.lines
        assert head.startswith(f" teep  {fleet.url}")
        assert re.search(r"every 0\.05 s  \d\d:\d\d:\d\d", head)
        assert labels.split() == [
            "Processed",
            "Failed",
            "Busy",
            "Enqueued",
            "Retries",
            "Scheduled",
            "Dead",
            "Processes",
        ]
        assert values.split() == ["48,213,077", "61,804", "20", "6,493", "217", "44", "17", "5"]
        assert "[Dashboard]" in bar
        assert "1–7 of 7 queues" in crumb
        assert "valkey" in crumb.lower()
        assert "jobs a second" in seen.text
        assert "4,820" in seen.line(" low ")
        assert "paused" in seen.line(" low ")
        assert "q quit" in seen.lines[-1]
        assert len(seen.lines) == 24
        assert max(map(len, seen.lines)) <= 80

    watch(config, scene)


@pytest.mark.slow("twelve tabs are read, in two sizes")
@pytest.mark.parametrize("size", [(80, 24), (160, 40)])
def test_every_tab_shows_its_list_and_what_is_known_of_a_row(
    fleet: Server, config: teep.Config, size: tuple[int, int]
) -> None:
    shown = {
        "busy": ("worker-1:412", "heartbeat"), "queues": ("mailers", "latency"),
        "scheduled": ("SendInvoice", "arguments"), "retries": ("smtplib.SMTPS", "next try"),
        "dead": ("Stripe::RateLimitError", "died"), "errors": ("Connection une", "the last one"),
        "metrics": ("app.jobs.ImportProducts", "seconds of one"), "periodic": ("payouts", "last runs"),
        "batches": ("█", "pending"), "workflows": ("█", "pending"), "limits": (" of ", "over limit"),
    }  # fmt: skip

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: len(seen.app.shown) == len(EVERY))
        for name, (row, known) in shown.items():
            await seen.go(name)
            await seen.until(row)
            assert max(map(len, seen.lines)) <= size[0]
            if size[0] >= 120:
                await seen.until(known)
            await seen.press("space")
            await seen.until("Esc goes back")
            while known not in seen.text:
                await seen.press("pagedown")
            await seen.press("escape")

    watch(config, scene, size=size)


@pytest.mark.slow("twelve tabs are read")
def test_every_tab_of_an_empty_redis_says_that_nothing_is_there(store: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        for name in EVERY:
            await seen.go(name)
            await seen.until(seen.app.tabs[name].empty)
            await seen.press(
                "enter", "space", "y", "c", "x", "A", "j", "k", "h", "l", "R", "D", "K", "E", "Q", "T", "p", "m"
            )
            await seen.press("escape")
            assert not seen.app.is_asking

    watch(config, scene, interval=60.0)  # a look at each when one comes to it


@pytest.mark.usefixtures("own_registry")
def test_what_a_fleet_does_not_use_has_no_tab_until_it_does(store: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        assert seen.app.shown == EVERY[:8]
        await seen.press("left")
        assert seen.app.view.tab.name == "metrics"
        await seen.press("right")
        assert seen.app.view.tab.name == "dashboard"
        await asyncio.to_thread(releases.keep, store, config)
        seen.app._looked_for_tabs = -1e9  # a minute later
        await seen.until("[Dashboard]")
        await seen.until(lambda: {"batches", "workflows"} <= set(seen.app.shown))

    watch(config, scene)


def test_two_panes_from_120_columns_and_the_right_one_follows_the_cursor(store: Server, config: teep.Config) -> None:
    for number in range(3):
        retry(store, number, 2e9 + number)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        for number in range(3):
            await seen.until(f"jid       {number:024x}")
            await seen.press("j")
        await seen.pilot.resize_terminal(100, 30)
        await seen.until(lambda: "jid       " not in seen.text)
        await seen.pilot.resize_terminal(130, 30)
        await seen.until("jid       ")

    watch(config, scene, size=(120, 24))


@pytest.mark.parametrize("size", [(79, 24), (80, 23), (30, 8)])
def test_below_80_by_24_a_sentence_says_so(store: Server, config: teep.Config, size: tuple[int, int]) -> None:
    async def scene(seen: Seen) -> None:
        said = "".join(line.strip("\n") for line in seen.lines)
        assert f"teep top needs a terminal of 80×24; this one has {size[0]}×{size[1]}. q ends it." in said
        assert "Dashboard" not in seen.text
        await seen.pilot.resize_terminal(80, 24)
        await seen.until("[Dashboard]")

    watch(config, scene, size=size)


def test_pages_of_fifty_by_h_and_l(store: Server, config: teep.Config) -> None:
    jids = [retry(store, number, 2e9 + number) for number in range(120)]

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("1–50 of 120 jobs")
        await seen.press("l")
        await seen.until("51–100 of 120 jobs")
        assert [row.key for row in seen.view.rows] == jids[50:100]
        await seen.press("l")
        await seen.until("101–120 of 120 jobs")
        await seen.press("l")
        await seen.until("this is the last page")
        await seen.press("h", "h")
        await seen.until("1–50 of 120 jobs")
        await seen.press("h")
        await seen.until("this is the first page")
        await seen.press("G")
        assert seen.view.index == 49
        assert "❯" in seen.line("no answer 49")

    watch(config, scene)


def test_the_filter_takes_the_words_of_the_web_page_and_completes_them(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("smtplib.SMTPServer")
        await seen.press("/")
        await seen.type("error:KeyE", end="tab")
        await seen.press("enter")
        await seen.until("/error:KeyError")
        await seen.until(lambda: {row.thing.error_class for row in seen.view.rows} == {"KeyError"})
        await seen.press("/")
        await seen.type(" clas:x")
        await seen.until("did you mean class:?")
        assert "/error:KeyError" in seen.text
        await seen.press("escape")
        await seen.until(lambda: not seen.view.filter.text)
        await seen.press("/")
        await seen.type("xyzzy")
        await seen.until("Nothing matches xyzzy")

    watch(config, scene)


def test_a_part_of_the_name_filters_the_other_lists(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.go("queues")
        await seen.until("of 7 queues")
        await seen.press("/")
        await seen.type("MAIL")
        await seen.until("1–1 of 1 queues")
        assert [row.key for row in seen.view.rows] == ["mailers"]

    watch(config, scene)


def test_a_jump_leads_to_a_queue_a_job_or_a_filter(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.press(":")
        await seen.type("queue mai", end="tab")
        await seen.press("enter")
        await seen.until("Queues › mailers")
        await seen.until("1–50 of 312 jobs")
        await seen.press("v")
        await seen.until("newest first")
        await seen.press("escape")
        await seen.until("of 7 queues")
        await seen.press(":")
        await seen.type(f"jid {shop.jid(shop.LETTER)}")
        await seen.until("app.jobs.SendInvoice")
        assert "retrying" in seen.text
        await seen.press("escape", ":")
        await seen.type("jid 000000000000000000000000")
        await seen.until("is nowhere")
        await seen.press(":")
        await seen.type("retry class:app.jobs.Import*")
        await seen.until("[Retries]")
        await seen.until(lambda: {row.thing.klass for row in seen.view.rows} == {"app.jobs.ImportProducts"})
        await seen.press(":")
        await seen.type("retires")
        await seen.until("did you mean retries?")

    watch(config, scene)


def test_enter_leads_on_and_escape_back(fleet: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.go("errors")
        await seen.until("SMTPServer")
        await seen.press("enter")
        await seen.until("[Retries]")
        await seen.until("/class:app.jobs.SendInvoice")
        await seen.until(lambda: seen.view.row)
        await seen.press("enter")
        await seen.until("Esc goes back")
        await seen.press("escape")
        await seen.go("busy")
        await seen.until("worker-1:412")
        while "worker-1:412" not in seen.line("❯"):
            await seen.press("j")
        await seen.press("enter")
        await seen.until("Busy › worker-1:412:aaaa")
        await seen.until("of 9 running jobs")
        await seen.press("escape")
        await seen.until("of 5 processes")
        await seen.press("v")
        await seen.until("of 20 running jobs")

    watch(config, scene)


def test_the_raw_payload_and_the_jid(store: Server, config: teep.Config) -> None:
    jid = retry(store, 7, 2e9)
    (raw,) = store.command("ZRANGE", "retry", 0, -1)

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no answer 7")
        await seen.press("y")
        await seen.until(f"{len(raw)} bytes")
        shown = "".join(re.findall(r"│ (.*?) *│", seen.text))
        assert raw.decode().replace(" ", "") in shown.replace(" ", "")
        await seen.press("c")
        await seen.until("is copied")
        assert seen.app.clipboard == jid
        seen.app.copy_to_clipboard("")
        await seen.press("c")
        assert seen.app.clipboard == jid

    watch(config, scene)


def test_the_mouse_picks_tabs_rows_and_keys(store: Server, config: teep.Config) -> None:
    for number in range(30):
        retry(store, number, 2e9 + number)

    def at(seen: Seen, text: str) -> tuple[int, int]:
        y, line = next((y, line) for y, line in enumerate(seen.lines) if text in line)
        return line.index(text), y

    async def scene(seen: Seen) -> None:
        await seen.pilot.click(offset=at(seen, "Retries "))
        await seen.until("no answer 3")
        await seen.pilot.click(offset=at(seen, "no answer 3"))
        assert "no answer 3" in seen.line("❯")
        await seen.pilot.click(offset=at(seen, "/ filter"))
        assert seen.app.is_asking
        await seen.press("escape")
        await seen.pilot._post_mouse_events([MouseScrollDown], "#table", offset=(5, 5))
        await seen.until(lambda: seen.view.top > 0)
        assert seen.view.index == 3
        await seen.pilot.click(offset=at(seen, "no answer 9"), times=2)
        await seen.until("Esc goes back")

    watch(config, scene)


def test_the_help_has_every_key_that_holds(store: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        await seen.press("?")
        found = set[str]()
        for _ in range(6):
            found |= set(re.findall(r"│ (\S+) +[A-Z]", seen.text))
            await seen.press("j", "j", "j", "j", "j", "j", "j")
        assert {"x", "A", "*", "/", ":", "R", "D", "K", "E", "p", "Q", "T", "q"} <= found

    watch(config, scene)


def test_plus_and_minus_change_how_often_redis_is_asked(store: Server, config: teep.Config) -> None:
    async def scene(seen: Seen) -> None:
        for key, interval in (("-", "5"), ("-", "10"), ("+", "5"), ("+", "2"), ("+", "1")):
            await seen.press(key)
            await seen.until(f"every {interval} s")

    watch(config, scene, interval=2.0)


def test_the_keys_of_the_docs_are_those_that_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "top.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", page, re.MULTILINE)
    own = [(" or ".join(f"`{written(name)}`" for name in (key.key, *key.also)), key.sentence) for key in KEYS]
    assert rows == own + [(f"`{key}`", sentence) for key, sentence in VERBS]
