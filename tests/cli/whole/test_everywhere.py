"""Every command that reaches Redis: on an empty one, on one that only Ruby's Sidekiq has written, and on none."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import redis

from teep.cli.app import app
from teep.cli.endings import NO_REDIS, NOTHING, USAGE
from tests.cli.running import COMMAND, environment, output, printed, sentence, teep
from tests.support import golden
from tests.support.servers import Server

JID = "01a22d40b2570e0b29c7e22a"
FILTER = ("retries", "class:X", "--yes")

# What each command is called with, and its exit code on an empty Redis.
CALLS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "stats": ((), 0), "queues": ((), 0), "errors": ((), 0), "processes": ((), 0), "periodic": ((), 0),
    "batches": ((), 0), "limits": ((), 0), "jobs": (("retries",), 1), "job": ((JID,), 1), "result": ((JID,), 1),
    "retry": (FILTER, 1), "kill": (FILTER, 1), "delete": (FILTER, 1), "move": ((*FILTER, "--to", "low"), 1),
    "pause": (("low",), 1), "unpause": (("low",), 1), "cancel": ((JID,), 1), "push": (("SomeRubyWorker", "42"), 0),
}  # fmt: skip
# Those that do not reach Redis for a moment only, each with the tests that run it.
OTHERS = {
    "worker": "tests/worker", "web": "test_web.py", "top": "tests/tui", "demo": "test_demo.py",
    "bench": "test_bench.py", "config": "test_config.py", "embedded": "test_embedded.py",
    "completion": "test_completion.py", "run": "pushing/test_running.py", "console": "pushing/test_running.py",
}  # fmt: skip


def test_each_command_is_tried() -> None:
    assert app.commands.keys() - OTHERS.keys() == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_on_an_empty_redis(server: Server, name: str) -> None:
    words, code = CALLS[name]
    for form in ((), ("--json",)):
        done = teep(name, *words, *form, REDIS_URL=server.url)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
        for line in done.stdout.splitlines() if form else ():
            assert isinstance(json.loads(line), dict)
        assert done.stdout or done.stderr or form


@pytest.mark.parametrize("name", CALLS)
def test_on_none_it_is_one_sentence(name: str) -> None:
    words, _ = CALLS[name]
    line = sentence(teep(name, *words, "--redis-url", "redis://127.0.0.1:1/0", "--log-level", "ERROR"), NO_REDIS)
    assert line.startswith("teep: ")
    assert "127.0.0.1:1" in line


def test_where_none_is_configured_it_is_one_sentence() -> None:
    line = sentence(teep("stats", "-C", "none", "-e", "production"), NO_REDIS)
    assert line.startswith("teep: no Redis is configured")


@pytest.fixture(params=golden.VERSIONS)
def ruby(server: Server, request: pytest.FixtureRequest) -> list[golden.Payload]:
    """What a Sidekiq has left: jobs that wait, failed and died, and a process that runs some. Gives the payloads."""
    found: dict[tuple[str, bytes], golden.Payload] = {}
    for step in ("40-api-seed", "03-perform_at", "11-fail-2nd", "19-invalid-json", "22-busy"):
        recorded = golden.load(request.param, step)
        golden.restore(server, recorded)
        found = {key: job for key, job in found.items() if key[0] not in recorded.types}
        found |= {(job.key, job.raw): job for job in recorded.payloads}
    for name in server.command("SMEMBERS", "processes"):
        server.command("PERSIST", name)
    return list(found.values())


PLACES = {"schedule": "scheduled", "retry": "retries", "dead": "dead"}


def listed(place: str, url: str) -> list[Any]:
    done = teep("jobs", place, "--limit", "1000", "--json", REDIS_URL=url)
    assert done.returncode in (0, NOTHING)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow("a look at everything that a Sidekiq has left, one command after the other")
def test_on_what_only_ruby_wrote_it_shows_each_job(ruby: list[golden.Payload], server: Server) -> None:
    keys = {job.key for job in ruby}
    assert {"retry", "dead", "schedule"} <= keys | {"schedule", "dead"}
    for key in keys:
        raws = [job.raw for job in ruby if job.key == key]
        found = listed(PLACES.get(key, key), server.url)
        assert len(found) == len(raws)
        jids = {json.loads(raw)["jid"] for raw in raws if b'"jid"' in raw and raw.endswith(b"}")}
        assert {job["jid"] for job in found} - {""} == jids
        assert output("jobs", PLACES.get(key, key), REDIS_URL=server.url)
    assert printed("processes", REDIS_URL=server.url)[0]["busy"] > 0
    assert {queue["name"] for queue in printed("queues", REDIS_URL=server.url)} >= {
        key.removeprefix("queue:") for key in keys if key.startswith("queue:")
    }


@pytest.mark.slow("every command once, on what a Sidekiq has left")
def test_on_what_only_ruby_wrote_no_command_stumbles(ruby: list[golden.Payload], server: Server) -> None:
    jid = next(json.loads(job.raw)["jid"] for job in ruby if job.key == "retry")
    for name, (words, _) in CALLS.items():
        given = tuple({JID: jid, "class:X": "jid:x", "low": "low"}.get(word, word) for word in words)
        done = teep(name, *given, REDIS_URL=server.url)
        assert (done.returncode in (0, NOTHING), "Traceback" in done.stderr) == (True, False), (name, done.stderr)


def test_ruby_jobs_are_acted_on_byte_for_byte(server: Server) -> None:
    recorded = golden.load("7.3.10", "11-fail-2nd")
    golden.restore(server, recorded)
    (raw,) = recorded.zsets["retry"]
    klass = json.loads(raw)["class"]
    assert teep("kill", "retries", f"class:{klass}", "--yes", REDIS_URL=server.url).returncode == 0
    assert server.command("ZRANGE", "dead", 0, -1) == [raw]


@pytest.mark.parametrize("words", [("jobs", "retries", "clas:X"), ("delete", "retries"), ("pause",)])
def test_a_wrong_command_line_is_one_sentence(server: Server, words: tuple[str, ...]) -> None:
    assert sentence(teep(*words, REDIS_URL=server.url), USAGE).startswith("teep: ")


@pytest.mark.one_server
def test_bytes_that_are_no_utf_8_are_escaped_in_json_and_found_nowhere(server: Server) -> None:
    valkey = redis.Redis.from_url(server.url)
    valkey.sadd("queues", b"odd\xff", "other")
    valkey.lpush(b"queue:odd\xff", b"no job")
    assert [queue["name"] for queue in printed("queues", REDIS_URL=server.url)] == ["odd\\udcff", "other"]
    assert printed("stats", REDIS_URL=server.url)[0]["queues"] == {"odd\\udcff": 1, "other": 0}
    assert [one["queue"] for one in printed("pause", "--all", REDIS_URL=server.url)] == ["odd\\udcff", "other"]
    for words in (("job",), ("result",), ("cancel",), ("jobs", "retries", "--jid")):
        done = subprocess.run(
            [*COMMAND, *words, b"\xff", "--json"],
            env=environment(REDIS_URL=server.url),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (NOTHING, False), done.stderr


@pytest.mark.one_server
@pytest.mark.parametrize("words", [("jobs", "dead"), ("batches",), ("errors",)])
def test_a_limit_may_be_any_number_from_1(server: Server, words: tuple[str, ...]) -> None:
    done = teep(*words, "--limit", "99999999999999999999", REDIS_URL=server.url)
    assert done.returncode in (0, NOTHING), done.stderr
    assert teep(*words, "--limit", "0", REDIS_URL=server.url).returncode == USAGE
