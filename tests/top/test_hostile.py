"""Whatever lies in Redis is shown as text: no markup, no escape sequence, and no row breaks a list."""

import json

import pytest

import teep
from tests.support.servers import Server
from tests.top.seeing import Seen, watch

pytestmark = pytest.mark.one_server

ESCAPES = "\x1b]52;c;ZXZpbA==\x07\x1b[2J[bold red]hi[/bold red]\u202e\u200b\r\n\x9b31m"
JOBS = [
    b"not json at all \x1b[31m \xff\xfe",
    b"[]",
    b"{}",
    b'{"class": 7, "args": {}, "jid": ["x"], "queue": null, "tags": 3, "error_message": {"a": 1}}',
    json.dumps({"class": ESCAPES, "args": [ESCAPES, {"[link=x]": ESCAPES}], "jid": ESCAPES, "queue": ESCAPES,
                "error_class": ESCAPES, "error_message": ESCAPES, "tags": [ESCAPES, 1], "retry_count": "x",
                "created_at": 1e300, "failed_at": "soon", "error_backtrace": [ESCAPES], "bid": ESCAPES,
                "kwargs": {ESCAPES: 1}, ESCAPES: ESCAPES}).encode(),
    b'{"class": "app.Lone", "args": ["\\ud800"], "jid": "a", "queue": "q"}',
    json.dumps({"class": "app.Wide", "args": ["日本語" * 100], "jid": "b", "queue": "q",
                "error_class": "日本" * 50}).encode(),
    json.dumps({"class": "app.Same", "args": [], "jid": "same", "queue": "q"}).encode(),
    json.dumps({"class": "app.Same", "args": [1], "jid": "same", "queue": "q"}).encode(),
    json.dumps({"class": "app.Deep", "args": [json.loads("[" * 100 + "]" * 100)], "jid": "c", "queue": "q"}).encode(),
]  # fmt: skip


def harmless(text: str) -> bool:
    return text.replace("\n", "").isprintable()


@pytest.mark.slow("every tab and detail, of jobs of all kinds")
@pytest.mark.parametrize("size", [(80, 24), (140, 30)])
def test_jobs_of_all_kinds_are_listed_and_told_harmlessly(
    store: Server, config: teep.Config, size: tuple[int, int]
) -> None:
    for number, raw in enumerate(JOBS):
        for key in ("retry", "schedule", "dead"):
            store.client.zadd(key, {raw: 2e9 + number if number else 1e300})
        store.client.lpush("queue:q", raw)
    store.client.sadd("queues", "q", ESCAPES)
    store.client.sadd("processes", "host:1:a", ESCAPES)
    info = {"identity": "host:1:a", "hostname": ESCAPES, "pid": [1], "tag": {"x": 1}, "queues": "none", "labels": 3,
            "concurrency": "many", "started_at": "never", "capsules": [ESCAPES]}  # fmt: skip
    store.client.hset("host:1:a", mapping={"info": json.dumps(info), "busy": 1, "beat": 1.0, "quiet": "false"})
    work = {"queue": ESCAPES, "run_at": 1, "payload": JOBS[4].decode()}
    store.client.hset("host:1:a:work", "t1", json.dumps(work))

    async def look(seen: Seen) -> None:
        await seen.until(lambda: seen.view.listing is not None)
        for _ in range(max(len(seen.view.rows), 1)):
            text = seen.text
            assert harmless(text)
            assert max(map(len, text.splitlines())) <= size[0]
            if seen.view.rows:
                await seen.press("space")
                await seen.until(lambda: seen.app.is_asking)
                assert harmless(seen.text)
                await seen.press("escape")
            await seen.press("y")
            assert harmless(seen.text)
            if seen.app.is_asking:
                await seen.press("escape")
            await seen.press("j")

    async def scene(seen: Seen) -> None:
        for name in ("retries", "scheduled", "dead", "queues", "busy", "errors", "metrics"):
            await seen.go(name)
            if name in ("retries", "scheduled", "dead"):
                await seen.until(lambda: len(seen.view.rows) == len(JOBS))
                assert len({row.key for row in seen.view.rows}) == len(JOBS)
            await look(seen)
        await seen.press(":")
        await seen.type("queue q")
        await seen.until(lambda: len(seen.view.rows) == len(JOBS))
        await look(seen)
        await seen.press("m")
        assert harmless(seen.text)
        await seen.press("escape", "A", "D")
        await seen.pilot.pause()
        assert harmless(seen.text)

    watch(config, scene, size=size, interval=60.0)  # one look at each list is enough


def test_bytes_that_no_queue_takes_are_left_where_they_are(store: Server, config: teep.Config) -> None:
    store.client.zadd("retry", {b"no job": 2e9})

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until("no job")
        await seen.press("R", "y")
        await seen.until("0 went to their queues, 1 is gone or stays")
        assert store.client.zcard("retry") == 1

    watch(config, scene)


def test_what_is_copied_has_no_surrogates(store: Server, config: teep.Config) -> None:
    store.client.zadd("retry", {b'{"class": "a", "args": [], "jid": "\xff"}': 2e9})

    async def scene(seen: Seen) -> None:
        await seen.go("retries")
        await seen.until(lambda: seen.view.rows)
        await seen.press("c")
        assert seen.app.clipboard.isascii()

    watch(config, scene)
