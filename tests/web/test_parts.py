"""Static files, templates, the dashboard, pages of others, and what goes wrong."""

import asyncio
import base64
import gzip
import hashlib
import re
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import teep
import teep.web
from teep.web import Pages, Tab
from teep.web.rendering import OWN_TEMPLATES, page
from teep.web.rendering.assets import OWN
from tests.support.servers import Server
from tests.web.conftest import MakeVisitor, payload
from tests.web.visitor import Visitor, links, text_of

VENDOR = OWN / "vendor"


def test_what_comes_from_others_is_what_npm_serves() -> None:
    packages = tomllib.loads((VENDOR / "VENDOR.toml").read_text("utf-8"))["packages"]
    files = {file["name"]: file["sha384"] for package in packages for file in package["files"]}
    assert files.keys() | {"VENDOR.toml"} == {path.name for path in VENDOR.iterdir()}
    for name, digest in files.items():
        assert base64.b64encode(hashlib.sha384((VENDOR / name).read_bytes()).digest()).decode() == digest, name


def test_static_files_are_kept_for_ever_and_zipped(visitor: Visitor) -> None:
    found = {link for link in links(visitor.get("/")) if "/static/" in link}
    assert len(found) >= 6
    size = 0
    for link in found:
        answer = visitor.get(link, headers={"accept-encoding": "gzip"})
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
        size += len(gzip.compress(answer.content, 9))
        plain = visitor.get(link, headers={"accept-encoding": "identity"})
        assert plain.content == answer.content
        assert "content-encoding" not in plain.headers
    assert size < 70_000


def test_our_own_files_stay_small() -> None:
    assert (OWN / "teep.css").stat().st_size <= 15_000
    assert (OWN / "teep.js").stat().st_size <= 12_000


@pytest.mark.parametrize("path", sorted(OWN_TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_escape_everything(path: Path) -> None:
    template = path.read_text("utf-8")
    assert not re.search(r"\|\s*safe|autoescape|Markup|style=|\son\w+=|hx-on|js:", template)
    # An attribute without quotes could be left by a value with a space.
    assert not re.search(r"=\{\{", template)


def test_without_the_extra_a_sentence_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "import teep.web\n"
        "try: teep.web.app()\n"
        "except teep.errors.ConfigurationError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "the web page needs jinja2: pip install 'teep[web]'\n"


def test_the_dashboard_tells_of_queues_days_and_the_server(
    visitor: Visitor, store: Server, config: teep.Config
) -> None:
    teep.Client(config).push_bulk({"class": "C", "args": [[1], [2]], "queue": "low"})
    teep.Queue("low", config=config).pause()
    today, yesterday = datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1)
    store.client.mset({f"stat:processed:{today}": 12345, f"stat:failed:{yesterday}": 67, "stat:processed": 98765})
    page = visitor.get("/?days=7")
    text = text_of(page)
    assert all(word in text for word in ("low", "paused", "12,345", "67", "98,765", "Valkey", "Uptime"))
    rows = re.findall(r'<tr><td data-v="(\d{4}-\d\d-\d\d)">', page.text)
    assert len(rows) == 7
    assert rows[-1] == str(today)
    assert date.fromisoformat(rows[0]) == today - timedelta(days=6)


def test_the_dashboard_tells_of_hours(visitor: Visitor, store: Server) -> None:
    now = datetime.now(UTC)
    store.client.hset(f"j|{now:%y%m%d}|{now.hour}:{now.minute // 10}", mapping={"C|p": 41, "C|f": 3, "D|p": 1})
    rows = re.findall(
        r'<tr><td data-v="[^"]+Z">[^<]*</td><td [^>]*data-v="(\d+)">.*?data-v="(\d+)">',
        visitor.get("/?hours=24").text,
    )
    assert len(rows) == 144
    assert ("42", "3") in rows


def test_the_dashboard_stays_small_with_many_queues(visitor: Visitor, store: Server) -> None:
    store.client.sadd("queues", *(f"queue-{n}" for n in range(300)))
    page = visitor.get("/")
    assert page.text.count("queues/queue-") == 50
    assert "and 250 smaller queues" in text_of(page)


def test_an_empty_redis_says_how_to_begin(visitor: Visitor) -> None:
    assert "There are no queues yet" in text_of(visitor.get("/"))


async def _shop(request: Any) -> Any:
    return await page(request, "shop.html", name="<b>")


def test_others_bring_pages_with_a_tab(visit: MakeVisitor, tmp_path: Path) -> None:
    (tmp_path / "shop.html").write_text('{% extends "base.html" %}{% block page %}<h1>{{ name }}</h1>{% endblock %}')
    (tmp_path / "shop.css").write_text("h1 { color: red }")
    pages = Pages(
        routes=(Route("/shop", _shop), Route("/shop/plain", lambda _: PlainTextResponse("plain"))),
        tab=Tab("shop", "Shop"), templates=tmp_path, static=tmp_path,
    )  # fmt: skip
    visitor = visit(pages=[pages])
    shown = visitor.get("/shop")
    assert "<h1>&lt;b&gt;</h1>" in shown.text
    assert re.search(r'<a href="\./shop" aria-current="page">Shop</a>', shown.text)
    assert visitor.get("/shop/plain").text == "plain"
    assert visitor.get("/shop/plain").headers["content-security-policy"]


def test_others_tell_more_of_a_job(visit: MakeVisitor, store: Server) -> None:
    store.client.zadd("retry", {payload(1, tenant="<b>"): 1e9})
    visitor = visit(pages=[Pages(job_rows=lambda job: [("Tenant", job["tenant"])])])
    assert "<dt>Tenant</dt><dd>&lt;b&gt;</dd>" in visitor.get(f"/jobs/{1:024x}").text


def test_the_environment_is_named_but_for_production(store: Server, runner: asyncio.Runner) -> None:
    for name, title in (("staging", "<title>[staging] Queues · teep<"), ("production", "<title>Queues · teep<")):
        visitor = Visitor(teep.web.app(teep.Config(redis_url=store.url, environment=name)), runner)
        page = visitor.get("/queues")
        assert title in page.text
        assert (">staging</span>" in page.text) is (name == "staging")
        visitor.close()


def _fails(_request: Any) -> Any:
    raise ZeroDivisionError("secret")


def test_what_fails_is_logged_and_told_without_its_details(visit: MakeVisitor, caplog: Any) -> None:
    visitor = visit(pages=[Pages((Route("/fails", _fails),))])
    answer = visitor.get("/fails")
    assert answer.status_code == 500
    assert "The page itself failed" in text_of(answer)
    assert "secret" not in answer.text
    assert "GET /fails failed" in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text


def test_a_redis_that_is_away_is_named(runner: Any) -> None:
    visitor = Visitor(teep.web.app(teep.Config(redis_url="redis://:s3cr3t@127.0.0.1:1/0")), runner)
    answer = visitor.get("/retries")
    assert answer.status_code == 503
    assert "Redis cannot be reached" in text_of(answer)
    assert "127.0.0.1:1" in text_of(answer)
    assert "s3cr3t" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/"), ("GET", "/retries/all/retry"), ("PUT", "/retries"), ("DELETE", "/dead")]
)
def test_another_method_is_refused_in_words(visitor: Visitor, method: str, path: str) -> None:
    answer = visitor.ask(method, path, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 405
    assert "another kind of request" in text_of(answer)
    # What came by another method cannot be read again.
    assert ("data-still" in answer.text) is (method != "GET")
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


def test_a_flash_is_ours_or_none(visitor: Visitor) -> None:
    assert 'class="flash"' not in visitor.get("/retries?flash=W10.abc").text
