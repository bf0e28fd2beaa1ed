"""The examples of docs/web.md are pages that answer; tests/docs runs them as a reader would."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

import teep
from tests.docs.test_examples import ROOT, examples
from tests.support.servers import Server
from tests.web.visitor import Visitor

PAGE = ROOT / "docs" / "web.md"


def _statuses(app: Any, runner: asyncio.Runner) -> set[int]:
    """What the app answers, alone or where it is mounted, to nobody and to Ann."""
    paths = ("/jobs/", "/")
    people: tuple[dict[str, str], ...] = ({}, {"x-user": "ann"})
    if hasattr(app, "wsgi_app"):
        with httpx2.Client(transport=httpx2.WSGITransport(app), base_url="http://teep.test") as client:
            return {client.get(path, headers=who).status_code for path in paths for who in people}
    visitor = Visitor(app, runner)
    found = {visitor.get(path, headers=who).status_code for path in paths for who in people}
    visitor.close()
    return found


def test_each_example_serves_the_page(
    store: Server, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    found = []
    names: dict[str, Any] = {"__name__": "__main__"}
    with teep.testing.isolated():
        teep.configure(redis_url=store.url)
        for block in examples(PAGE):
            if block["file"]:
                path = tmp_path / block["file"]
                path.parent.mkdir(exist_ok=True)
                path.write_text(block["code"], "utf-8")
                continue
            before = names.get("app")
            exec(block["code"], names)
            if names.get("app") is not before:
                found.append(_statuses(names["app"], runner))
        shop = Visitor(names["app"], runner)
        assert "1,200 orders wait." in shop.get("/shop").text
        shop.close()
    assert found == [{200, 404}, {200, 404}, {200, 404}, {200, 401, 404}, {200, 404}, {200, 404}]


def test_the_table_of_metrics_is_whole() -> None:
    told = set(re.findall(r"teep_[a-z_]+[a-z]", PAGE.read_text("utf-8")))
    source = (ROOT / "src/teep/web/json/prometheus.py").read_text("utf-8")
    queue = {name for name in re.findall(r'"(teep_[a-z_]+)"', source) if name.startswith("teep_queue_")}
    written = PAGE.read_text("utf-8")
    assert set(re.findall(r'"(teep_[a-z_]+)"', source)) - queue <= told
    assert all(f"`_{name.removeprefix('teep_queue_')}`" in written or f"`{name}`" in written for name in queue)
