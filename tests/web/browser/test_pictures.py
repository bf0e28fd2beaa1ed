"""What the docs' pictures show is there, and an operator's night is over in a few clicks."""

import asyncio
import re

import pytest
from playwright.sync_api import Browser

import teep
import teep.web
from tests.support.servers import Server
from tests.web.browser import pictures, shop
from tests.web.browser.pictures import FOLDER, LARGEST, NIGHT, PICTURES, Camera
from tests.web.visitor import Visitor

ROOT = FOLDER.parents[1]


def test_the_page_of_each_picture_is_there(config: teep.Config, store: Server) -> None:
    shop.populate(store, config)
    with asyncio.Runner() as runner:
        visitor = Visitor(teep.web.app(config), runner)
        for picture in PICTURES:
            page = visitor.get(picture.path)
            parts = re.findall(r"[#.]([a-z]+)", picture.ready.removesuffix(" .uplot"))
            assert (page.status_code, [part for part in parts if part not in page.text]) == (200, []), picture
        visitor.close()


def test_the_docs_show_every_picture_and_no_other() -> None:
    shown = set()
    for path in [ROOT / "README.md", *ROOT.joinpath("docs").rglob("*.md")]:
        shown |= set(re.findall(r"pictures/([\w-]+)\.png", path.read_text("utf-8")))
    assert shown == {picture.name for picture in PICTURES} | set(NIGHT) == {path.stem for path in FOLDER.iterdir()}
    assert max(path.stat().st_size for path in FOLDER.iterdir()) <= LARGEST


@pytest.mark.slow("a browser walks from the errors to all of their jobs")
def test_an_operator_finds_understands_and_repairs(chromium: Browser, store: Server) -> None:
    with pictures.opened(chromium, store, 9_000, shop.NIGHT) as desk:
        took = pictures.night(desk, Camera())
    assert sum(took.values()) < 60
