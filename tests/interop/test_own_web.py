"""teep's web page on a Redis whose only workers are Ruby's: every page, and every action that Ruby obeys."""

import asyncio
import time
from collections.abc import Iterator

import pytest

import teep
import teep.web
from tests.interop.conftest import RubySidekiqFactory
from tests.interop.ruby_side import Ruby
from tests.interop.runs import release, wait_for_runs, wait_for_start
from tests.support.servers import Server
from tests.support.waiting import wait_until
from tests.web.visitor import Visitor, links, text_of

LATER = ("7", "8")


@pytest.fixture
def visitor(python: teep.Config) -> Iterator[Visitor]:
    with asyncio.Runner() as runner:
        visitor = Visitor(teep.web.app(python), runner)
        yield visitor
        visitor.close()


def every_page(visitor: Visitor) -> dict[str, str]:
    """Follow every link there is, and return what one reads on each page. None may fail."""
    seen, found = {"/"}, {}
    waiting = ["/", "/stats", "/stats/queues", "/prometheus", "/api/stats", "/api/autoscale", "/api/openapi.json"]
    while waiting:
        path = waiting.pop()
        page = visitor.get(path)
        if page.status_code == 405:
            continue  # where a form goes
        assert page.status_code == 200, path
        found[path] = text_of(page)
        new = {link for link in links(page) if "/static/" not in link and not link.startswith("/live")} - seen
        seen |= new
        waiting += new
    return found


@pytest.mark.sidekiq("6.4", "8.1")  # the oldest and the newest shape of everything
@pytest.mark.slow("a real Sidekiq fails jobs, is told to be quiet at a heartbeat, and stops")
def test_every_page_shows_what_ruby_does_and_ruby_obeys(
    visitor: Visitor, ruby: Ruby, ruby_sidekiq: RubySidekiqFactory, redis_server: Server
) -> None:
    worker = ruby_sidekiq(concurrency=3)
    slow = ruby.perform_async("SlowJob", "<é>")
    failed, died = ruby.perform_async("FailJob", "no <ink>"), ruby.perform_async("FragileJob", "gone")
    low, later = ruby.perform_async("LowEchoJob", "x" * 200), ruby.perform_in(3600, "EchoJob", 12345678901234567890)
    wait_for_start(redis_server, slow)
    wait_until(lambda: ruby.entries("retry") and ruby.entries("dead") and ruby.works(), 15, "failures and work")
    ruby.reschedule("retry", failed, time.time() + 3600)  # however slow this machine is: it does not retry by itself
    if ruby.version.startswith(LATER):
        wait_until(lambda: "FailJob" in text_of(visitor.get("/metrics")), 15, "metrics")
    pages = every_page(visitor)
    assert pages.keys() >= {"/busy", "/queues", "/retries", "/scheduled", "/dead", "/errors", "/metrics", "/profiles"}
    version = ruby.version if ruby.version.startswith(LATER) else ""  # older ones do not tell theirs
    for text in (worker.identity.rpartition(":")[0], f"Sidekiq {version}", "SlowJob", '"<é>"'):
        assert text in pages["/busy"], text
    assert "nobody serves it" in pages["/queues"]
    assert "LowEchoJob" in pages["/queues/low"]
    assert all(text in pages["/errors"] for text in ("FailJob", "FragileJob", "ArgumentError"))
    for jid, texts in {failed: ("no <ink>", "jobs.rb", "Next try"), died: ("Died",), low: ("interop",),
                       later: ("12345678901234567890", "Due"), slow: ("running", "Started")}.items():  # fmt: skip
        page = text_of(visitor.get("/search", params={"q": jid}))
        assert all(text in page for text in (jid, *texts)), (jid, page)

    assert "1 job goes to its queue" in text_of(visitor.post(f"/jobs/{failed}", {"retry": "yes"}))
    wait_until(lambda: "Last retried" in text_of(visitor.get(f"/jobs/{failed}")), 15, "another failure")
    ruby.reschedule("retry", failed, time.time() + 3600)
    answer = visitor.post(f"/jobs/{later}/edit", edited(visitor, later, '["sooner"]'))
    assert "the job goes to its queue" in text_of(answer)
    assert wait_for_runs(redis_server)[-1].args == ["sooner"]
    assert "told" in text_of(visitor.post("/busy", {"identity": worker.identity, "quiet": "1"}))
    wait_until(lambda: ruby.processes()[0].stopping, 15, "the process to be quiet")
    assert "quiet" in text_of(visitor.get("/busy"))
    assert visitor.post("/retries/all/kill", {"q": "class:Fail*", "confirm": "yes"}).status_code == 200
    assert len(ruby.entries("dead")) == 2
    release(redis_server, slow)
    visitor.post("/busy", {"identity": worker.identity, "stop": "1"})
    wait_until(lambda: worker.has_ended, 15, "the process to stop")
    # A last heartbeat of 6.4 may come after it has said good-bye, and lives for a minute.
    wait_until(lambda: "No process runs" in text_of(visitor.get("/busy")), 90, "the process to be gone")


def edited(visitor: Visitor, jid: str, args: str) -> dict[str, str]:
    """What the form sends if the arguments are changed and the job is to run."""
    page = visitor.get(f"/jobs/{jid}/edit").text
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    return {"digest": digest, "args": args, "then": "yes"}


@pytest.mark.sidekiq("8.1")
def test_an_iterable_job_of_ruby_is_cancelled(
    visitor: Visitor, ruby: Ruby, ruby_sidekiq: RubySidekiqFactory, redis_server: Server
) -> None:
    ruby_sidekiq()
    jid = ruby.perform_async("WalkJob", 6)
    wait_until(lambda: any(work.payload.get("jid") == jid for work in ruby.works()), 15, "the job to run")
    page = visitor.post(f"/busy/jobs/{jid}/cancel")
    assert "An iterable job of Sidekiq stops at the mark" in text_of(page)
    release(redis_server, jid)
    wait_until(lambda: not ruby.works(), 15, "the job to end")
    assert redis_server.command("LRANGE", f"interop:walked:{jid}", 0, -1) == [b"0", b"1", b"2", b"3"]
