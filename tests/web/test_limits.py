"""Limits on pages and for programs: seen, paused, changed and reset, by those who may; what they hold up is named."""

import re
from typing import Any

import pytest

import teep
from teep.config import overridden
from teep.web import OPERATOR, VIEWER, Access
from tests.api.trips import asked
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.conftest import MakeVisitor
from tests.web.visitor import OURS, Visitor, text_of
from tests.worker.fleet import SOON, Fleet


@pytest.fixture
def used(config: teep.Config) -> teep.LimiterSet:
    """Limits of which something is used."""
    with overridden(config):
        for limit in (
            teep.limits.bucket("mails", 3, per="day"),
            teep.limits.leaky("a/b <x>", 60, per="day"),
            teep.limits.points("github", 1000, refill=0.001),
        ):
            with limit.within_limit():
                pass
    return teep.LimiterSet(config=config)


def test_limits_are_listed_with_their_use(visitor: Visitor, used: teep.LimiterSet) -> None:
    text = text_of(visitor.get("/limits"))
    assert re.search(r"mails bucket 1 / 3 1 0 now", text)
    assert "a/b <x> leaky 1 / 60" in text
    assert "github points" in text
    assert "Limit 1,000 Used" in text_of(visitor.get("/limits/github")), "of points no interval is shown"
    assert "a/b" not in text_of(visitor.get("/limits?q=mail"))
    assert "No limit is named like that" in text_of(visitor.get("/limits?q=nope"))
    mails = visitor.get("/limits/mails")
    assert "3 / 24 h" in text_of(mails)
    assert visitor.get("/limits/nope").status_code == 404


def test_without_limits_it_says_how_to_begin(visitor: Visitor, store: Server) -> None:
    with asked() as commands:
        for path in ("/queues", "/queues/default", "/queues"):
            assert "Limits" not in text_of(visitor.get(path))
    asking = [one for one in commands if any("teep:limit" in key for key in one.keys)]
    assert len(asking) == 2, "once a minute, by the page and by its tab"
    assert "No limit is in use" in text_of(visitor.get("/limits"))


def test_a_limit_is_paused_and_resumed(visitor: Visitor, used: teep.LimiterSet) -> None:
    answer = visitor.post("/limits/mails", {"pause": "yes", "seconds": "90"})
    assert "mails lets nothing through for 90 s." in text_of(answer)
    assert "paused" in text_of(visitor.get("/limits"))
    assert used.get("mails").usage().paused_until is not None  # type: ignore[union-attr]
    assert "lets jobs through again" in text_of(visitor.post("/limits/mails", {"resume": "yes"}))
    assert used.get("mails").usage().paused_until is None  # type: ignore[union-attr]


def test_a_limit_is_set_and_left_to_the_code_again(visitor: Visitor, used: teep.LimiterSet) -> None:
    answer = visitor.post("/limits/mails", {"set": "yes", "limit": "7"})
    assert "The limit mails is 7 now." in text_of(answer)
    assert "7 / 24 h 3 in code" in text_of(answer)
    assert used.get("mails").usage().limit == 7  # type: ignore[union-attr]
    assert "that of the code again" in text_of(visitor.post("/limits/mails", {"unset": "yes"}))
    assert used.get("mails").usage().limit == 3  # type: ignore[union-attr]


def test_a_limit_is_reset(visitor: Visitor, used: teep.LimiterSet) -> None:
    name = next(link for link in re.findall(r'href="\./limits/([^"]+)"', visitor.get("/limits").text) if "~" in link)
    assert "is forgotten" in text_of(visitor.post(f"/limits/{name}", {"reset": "yes"}))
    assert used.get("a/b <x>").usage().used == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "form",
    [
        {"pause": "yes"}, {"pause": "yes", "seconds": "0"}, {"pause": "yes", "seconds": "90000"},
        {"set": "yes", "limit": "-1"}, {"set": "yes", "limit": "x"}, {"set": "yes", "limit": "9999999999"},
    ],
)  # fmt: skip
def test_what_is_no_number_changes_nothing(visitor: Visitor, used: teep.LimiterSet, form: dict[str, str]) -> None:
    before = used.get("mails").usage()  # type: ignore[union-attr]
    assert "This takes a whole number." in text_of(visitor.post("/limits/mails", form))
    assert used.get("mails").usage() == before  # type: ignore[union-attr]


def test_roles_hold_and_actions_are_recorded(visit: MakeVisitor, config: teep.Config, used: Any) -> None:
    heard: list[dict[str, Any]] = []
    config.on("audit", heard.append)
    viewer = visit(authorize=lambda _: VIEWER)
    assert "<button" not in viewer.get("/limits/mails").text.split('id="limit-facts"')[1].split("</main>")[0]
    assert viewer.post("/limits/mails", {"reset": "yes"}).status_code == 403
    assert viewer.ask("POST", "/api/limits/mails", json={"action": "reset"}, headers=OURS).status_code == 403
    assert heard == []
    operator = visit(authorize=lambda _: Access(act=OPERATOR.act, who="bob"))
    operator.post("/limits/mails", {"set": "yes", "limit": "5"})
    operator.ask("POST", "/api/limits/mails", json={"action": "reset"}, headers=OURS)
    told = [(one["who"], one["verb"], one["where"], one["filter"], one["of"]) for one in heard]
    assert told == [("bob", "set", "limits/mails", "5", "limits"), ("bob", "reset", "limits/mails", "", "limits")]


def test_another_site_cannot_act(visitor: Visitor, used: teep.LimiterSet) -> None:
    answer = visitor.post("/limits/mails", {"reset": "yes"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert used.get("mails").usage().used == 1  # type: ignore[union-attr]


def test_programs_read_and_change_them(visitor: Visitor, used: teep.LimiterSet) -> None:
    found = {one["name"]: one for one in visitor.get("/api/limits").json()["limits"]}
    assert (found["mails"]["used"], found["mails"]["limit"], found["mails"]["kind"]) == (1, 3, "bucket")
    one = visitor.get(f"/api/limits/{found['a/b <x>']['key']}").json()
    assert one["name"] == "a/b <x>"
    for body, field, value in (
        ({"action": "set", "limit": 9}, "limit", 9),
        ({"action": "unset"}, "limit", 3),
        ({"action": "reset"}, "used", 0),
    ):
        assert visitor.ask("POST", "/api/limits/mails", json=body, headers=OURS).json()[field] == value
    paused = visitor.ask("POST", "/api/limits/mails", json={"action": "pause", "seconds": 60}, headers=OURS).json()
    assert paused["paused_until"] is not None
    for wrong in ({"action": "pause"}, {"action": "set", "limit": "9"}, {"action": "go"}, {}):
        assert visitor.ask("POST", "/api/limits/mails", json=wrong, headers=OURS).status_code == 400
    assert visitor.ask("POST", "/api/limits/nope", json={"action": "reset"}, headers=OURS).status_code == 404


def test_prometheus_has_them(visitor: Visitor, used: teep.LimiterSet) -> None:
    text = visitor.get("/prometheus").text
    assert 'teep_limiter_used{name="mails"} 1' in text
    assert 'teep_limiter_limit{name="mails"} 3' in text
    assert 'teep_limiter_waiting{name="mails"} 0' in text


def test_a_queue_tells_which_limits_its_jobs_wait_for(
    visitor: Visitor, config: teep.Config, store: Server, own_registry: None
) -> None:
    with overridden(config), Fleet(store) as fleet:
        mail = teep.job(name="mail", queue="mailers", limit=teep.limits.bucket("mails <day>", 1, per="day"))(
            lambda: None
        )
        mail.perform_bulk([()] * 4)
        fleet.start(fleet.configure(queues=["mailers"]))
        waiting = teep.LimiterSet(config=config)
        wait_until(lambda: waiting.waiting() == {"mailers": {"mails <day>": 3}}, SOON, "three to wait")
        page = visitor.get("/queues/mailers")
        assert "Jobs of this queue wait for limits: mails <day> (3)" in text_of(page)
        (link,) = re.findall(r'href="\.\./limits/([^"]+)"', page.text)
        assert "mails <day>" in text_of(visitor.get(f"/limits/{link}"))
        assert "waits for limits" in text_of(visitor.get("/queues"))
