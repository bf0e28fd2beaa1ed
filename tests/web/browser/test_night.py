"""A night in which forty things fail is over in a few clicks."""

import pytest
from playwright.sync_api import Browser

from tests.support.servers import Server
from tests.web.browser import pictures, shop
from tests.web.browser.pictures import Camera

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.mark.slow("a browser walks from the errors to all of their jobs")
def test_an_operator_finds_understands_and_repairs(chromium: Browser, store: Server) -> None:
    with pictures.opened(chromium, store, 7_000, shop.NIGHT) as desk:
        took = pictures.night(desk, Camera())
        assert desk.store.client.zcard("retry") < 5_000
    assert len(took) == 7
