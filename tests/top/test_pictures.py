"""The picture of the docs can be taken, and is one of what there is now."""

import re

import pytest

from tests.support.servers import Server
from tests.top.pictures import LARGEST, PICTURE, taken

pytestmark = pytest.mark.one_server


@pytest.mark.slow("a fleet is put into Redis, and looked at")
@pytest.mark.usefixtures("own_registry")
def test_the_picture_shows_what_it_is_said_to(valkey: Server) -> None:
    for picture in (taken(valkey), PICTURE.read_text("utf-8")):
        words = re.sub(r"<[^>]+>", " ", picture).replace("&#160;", " ")
        shown = " ".join(words.split())
        for part in ("Processed", "[Retries]", "app.jobs.", "next try", "arguments", "✓", "❯", "R retry", "q quit"):
            assert part in shown, part
        assert "127.0.0.1" not in shown
        assert len(picture.encode()) <= LARGEST
