"""The picture of docs/top.md and README.md: a shop's fleet in a terminal. `make pictures` takes it anew."""

import re
from pathlib import Path

import teep
from tests.support.servers import Server
from tests.top.seeing import Seen, watch
from tests.web.browser import shop

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PICTURE = FOLDER / "top.svg"
LARGEST = 120_000
SIZE = (150, 36)

# What says where it was taken.
_OWN = (
    (r"redis://127\.0\.0\.1:\d+/0", "redis://localhost:6379/0"),
    (r"every&#160;0\.05&#160;s", "every&#160;2&#160;s"),
)


def taken(server: Server) -> str:
    """Return the picture, as SVG."""
    config = teep.Config(redis_url=server.url, environment="production")
    server.flushall()
    shop.populate(server, config)
    drawn: list[str] = []

    async def scene(seen: Seen) -> None:
        await seen.until(lambda: len(seen.app.shown) == len(seen.app.tabs))
        await seen.go("retries")
        await seen.press("j", "j", "x", "j", "j", "x", "j")
        await seen.until("arguments")
        await seen.until(lambda: not seen.app.told)
        drawn.append(seen.app.export_screenshot(title="teep top"))

    watch(config, scene, size=SIZE)
    (picture,) = drawn
    for pattern, instead in _OWN:
        picture = re.sub(pattern, instead, picture)
    return re.sub(r"terminal-\d+", "terminal", picture)


def main() -> None:
    """Take the picture."""
    with Server("valkey") as server:
        picture = taken(server)
    assert len(picture.encode()) <= LARGEST, "it is too large"
    PICTURE.write_text(picture, "utf-8")
    print(f"{PICTURE.name}: {len(picture.encode()):,} bytes")


if __name__ == "__main__":
    main()
