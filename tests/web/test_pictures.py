"""What the docs' pictures show is there."""

import asyncio
import re

import teep
import teep.web
from tests.support.servers import Server
from tests.web.browser import shop
from tests.web.browser.pictures import FOLDER, LARGEST, NIGHT, PICTURES
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
    assert (
        shown == {picture.name for picture in PICTURES} | set(NIGHT) == {path.stem for path in FOLDER.glob("*.png")}
    )
    assert max(path.stat().st_size for path in FOLDER.iterdir()) <= LARGEST
