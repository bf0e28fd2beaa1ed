"""The same data, the same questions and verbs, asked of each real Sidekiq and of teep: equal answers, equal keys.

Differences on purpose, all that these tests allow:
1. Of a payload without a jid or class Ruby shows nil, teep an empty text; without `created_at` Ruby shows another
   time or 1970, teep none.
2. Sidekiq 6 and 7 take the integer times of Sidekiq 8 for seconds; teep knows that they are milliseconds. Sidekiq 8
   does not show the concurrency of older processes, and neither 6 nor later ones show each other's work.
3. `retry_all` starts at the highest score in Ruby, at the lowest in teep, so that what was due first runs first.
4. `kill_all` gives each job its own time in Ruby, all of them one in teep.
5. Ruby masks an encrypted argument in the job itself once it was displayed; teep only where it is displayed.
6. Sidekiq from 7 on and teep display a mailer's `params` too, and ActiveJob's arguments without bookkeeping keys.
7. Ruby writes a payload that it moves anew, with its defaults in front; teep leaves its fields in their order.
"""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, cast, get_args
from zlib import crc32

import pytest

import teep
from tests.api.sides import SIDES, Side, job, opened
from tests.interop.ruby_side import Ruby, SetName
from tests.interop.ruby_views import Entry, Job
from tests.support import golden
from tests.support.servers import Server

SET_CLASSES: dict[SetName, str] = {"schedule": "ScheduledSet", "retry": "RetrySet", "dead": "DeadSet"}
WRAPPER = {"class": "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"}


@pytest.fixture
def side(request: pytest.FixtureRequest, ruby: Ruby, redis_server: Server) -> Iterator[Side]:
    """One side of the data API, drawn by the test's name: its own tests hold both to the same answers."""
    with opened(SIDES[crc32(request.node.name.encode()) % 2], redis_server) as side:
        yield side


def generate(side: Side) -> None:
    """Several hundred jobs of all kinds in every place, as teep and others write them."""
    now = time.time()
    client = teep.Client(side.config)
    args = [[n, 'é ☃ "quoted" </x>', 1.5, None, {"a": [n]}] for n in range(150)]
    client.push_bulk({"class": "python.job", "args": args, "tags": ["bulk", "süd"]})
    client.push_bulk({"class": "Other::Job", "queue": "low/ü", "args": [[10**18 + n] for n in range(60)], "retry": 3})
    client.push_bulk({"class": "later", "args": [[n] for n in range(40)], "at": [now + 60 + n for n in range(40)]})
    times = {"created_at": now - 100.25, "enqueued_at": now - 50.5, "retry": True}
    inner = {"job_class": "Mine", "arguments": [1, {"a": 1}]}
    mail = {
        "job_class": "ActionMailer::MailDeliveryJob",
        "arguments": ["UserMailer", "hello", "deliver_now", {"args": [7]}],
    }
    old_mail = {"job_class": "ActionMailer::DeliveryJob", "arguments": ["UserMailer", "hello", "deliver_now", 7, 8]}
    odd = [
        job(1, **WRAPPER, **times, wrapped="Mine") | {"args": [inner]},
        job(2, **WRAPPER, **times, wrapped="ActionMailer::MailDeliveryJob") | {"args": [mail]},
        job(3, **WRAPPER, **times, wrapped="ActionMailer::DeliveryJob") | {"args": [old_mail]},
        job(4, **times, encrypt=True) | {"args": [1, "c2VjcmV0"]},
        job(5, **times, display_class="Shown", bid="b", own={"x": [None, 0.1, 1e15, -1e-7, 2**70]}),
        job(6, **times, tags=["a", "b"]) | {"class": "Caf\u00e9"},
    ]
    side.push(*odd, "no json at all", '{"class":"Noop","args":[],"jid":"bare"}', queue="odd")
    failure = {"error_class": "E::One", "error_message": 'ü\n"x"', "failed_at": now - 40.5, "retried_at": now - 9.25}
    for name, first in (("retry", now + 30), ("dead", now - 86_400)):
        jobs = [
            job(1_000 + n, **times, **failure, retry_count=n % 5, queue=["default", "low/ü"][n % 2])
            for n in range(60)
        ]
        side.add(name, {first + n // 2: item for n, item in enumerate(jobs)})
        side.add(name, {first + n + 0.25: job(2_000 + n, **times, **failure, retry_count=n) for n in range(30)})
    for number in (1_003, 2_004):
        side.add("schedule", {now + number: job(number, **times)})
    side.server.command("MSET", "stat:processed", 77, "stat:failed", 7)
    for days in (0, 1, 3):
        side.server.command(
            "SET", f"stat:processed:{time.strftime('%Y-%m-%d', time.gmtime(now - 86_400 * days))}", days + 1
        )


def same_job(theirs: Job, ours: Any, ruby: Ruby, *, whole_times: bool) -> None:
    """Compare one job as both show it."""
    assert theirs.value == ours.raw
    is_mail = ours["wrapped"] == "ActionMailer::MailDeliveryJob"
    shown = ours.display_args[1] if is_mail and ruby.version < "7" else ours.display_args
    args = ours.display_args if ours["encrypt"] else ours.args
    assert json.dumps(theirs.item) == json.dumps(ours.item | {"args": args} if ours["encrypt"] else ours.item)
    assert (theirs.jid or "", theirs.klass or "", theirs.display_class or "") == (
        ours.jid,
        ours.klass,
        ours.display_class,
    )
    assert (theirs.args, theirs.display_args, theirs.tags) == (args, shown, ours.tags)
    assert (theirs.queue or "default") == ours.queue
    assert (theirs.error_class, theirs.error_message, theirs.retry_count, theirs.error_backtrace) == (
        ours.error_class, ours.error_message, ours.retry_count, ours.error_backtrace,
    )  # fmt: skip
    if whole_times:
        return
    if "created_at" in ours.item:
        assert ours.created_at.timestamp() == pytest.approx(theirs.created_at, abs=1e-5)
    assert (ours.enqueued_at and ours.enqueued_at.timestamp()) == pytest.approx(theirs.enqueued_at, abs=1e-5)
    assert ours.latency == pytest.approx(theirs.latency, abs=10)


def same_entry(theirs: Entry, ours: Any, ruby: Ruby, *, whole_times: bool) -> None:
    same_job(theirs, ours, ruby, whole_times=whole_times)
    assert theirs.score == ours.score
    assert ours.at.timestamp() == pytest.approx(theirs.at, abs=1e-5)


def same_views(side: Side, ruby: Ruby, version: str) -> None:
    """Ask both everything."""
    whole_times = version >= "8" > ruby.version  # which it takes for seconds
    same_processes(side, ruby, version)
    theirs, ours = ruby.stats(), side.stats()
    for field in ("processed", "failed", "scheduled_size", "retry_size", "dead_size", "enqueued", "processes_size"):
        assert getattr(theirs, field) == getattr(ours, field), field
    assert list(theirs.queues.values()) == list(ours.queues.values())
    assert theirs.queues == ours.queues
    if not whole_times:
        assert ours.default_queue_latency == pytest.approx(theirs.default_queue_latency, abs=10)
    assert (theirs.workers_size == ours.workers_size) or not shows_work(ruby, version)
    history = side.history(5)
    assert ruby.history(5) == type(ruby.history(5))(history.processed, history.failed)
    assert [(queue.name, queue.size) for queue in ruby.queues()] == [
        (queue.name, side.run(queue.size())) for queue in side.queues()
    ]
    for queue in ruby.queues():
        mine = side.Queue(queue.name)
        jobs, records = ruby.jobs(queue.name), side.listed(mine)
        assert len(jobs) == len(records)
        for one, other in zip(jobs, records, strict=True):
            same_job(one, other, ruby, whole_times=whole_times)
        if not whole_times:
            assert side.run(mine.latency()) == pytest.approx(queue.latency, abs=10)
        for jid in {shown.jid for shown in jobs[:2] + jobs[-2:] if shown.jid} | {"absent"}:
            found, record = ruby.find_job(queue.name, jid), side.run(mine.find_job(jid))
            assert (found and found.value) == (record and record.raw)
    for name in get_args(SetName):
        same_set(side, ruby, name, whole_times=whole_times)


def same_set(side: Side, ruby: Ruby, name: SetName, *, whole_times: bool) -> None:
    mine = getattr(side, SET_CLASSES[name])()
    entries, ours = ruby.entries(name), side.listed(mine)
    assert len(entries) == len(ours)
    for one, other in zip(entries, ours, strict=True):
        same_entry(one, other, ruby, whole_times=whole_times)
    for word in ("python", "Job", "E::One", "☃", *(str(entry.jid) for entry in entries[:2])):
        found = {entry.raw for entry in side.run(mine.scan(word))}
        assert {entry.value for entry in ruby.scan(name, word)} == found
        # A selection that asks for a string is Sidekiq's scan.
        assert {entry.raw for entry in side.listed(mine.where(match=word))} == found


def shows_work(ruby: Ruby, version: str) -> bool:
    """Whether this Sidekiq looks for work where that version notes it."""
    return (ruby.version >= "7") == (version >= "7")


def same_processes(side: Side, ruby: Ruby, version: str) -> None:
    theirs, ours = ruby.processes(), side.listed(side.ProcessSet())
    assert [process.identity for process in theirs] == [process.identity for process in ours]
    for one, other in zip(theirs, ours, strict=True):
        for field in ("hostname", "pid", "tag", "labels", "queues", "busy", "rss", "rtt_us", "stopping"):
            assert getattr(one, field) == getattr(other, field), field
        assert one.concurrency in (None, 0 if ruby.version >= "8" else None, other.concurrency)
        assert other.beat.timestamp() == pytest.approx(one.beat, abs=1e-5)
        assert other.started_at.timestamp() == pytest.approx(one.started_at, abs=1e-5)
    if shows_work(ruby, version):
        shown = [(work.process_id, work.thread_id, work.queue, work.run_at, work.payload) for work in ruby.works()]
        mine = [
            (process, thread, work.queue, work.run_at.timestamp(), work.job.item)
            for process, thread, work in side.listed(side.WorkSet())
        ]
        assert shown == mine


class AskedOnce:
    """A Ruby that is asked each question once: of both of teep's sides, the second is held to the same answers."""

    def __init__(self, ruby: Ruby) -> None:
        self._ruby = ruby
        self._answers: dict[tuple[object, ...], Any] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ruby, name)
        return partial(self._answer, found) if callable(found) else found

    def _answer(self, ask: Callable[..., Any], *args: object) -> Any:
        if (ask, *args) not in self._answers:
            self._answers[ask, *args] = ask(*args)
        return self._answers[ask, *args]


def asked_once(ruby: Ruby) -> Ruby:
    return cast("Ruby", AskedOnce(ruby))


@pytest.mark.parametrize(("version", "step"), golden.all_steps())
def test_every_recording_shows_alike(ruby: Ruby, redis_server: Server, version: str, step: str) -> None:
    recording, theirs = golden.load(version, step), asked_once(ruby)
    for name in SIDES:
        redis_server.flushall()
        golden.restore(redis_server, recording)
        with opened(name, redis_server) as side:
            same_views(side, theirs, version)


def test_generated_jobs_show_alike(side: Side, ruby: Ruby) -> None:
    generate(side)
    assert ruby.stats().enqueued == 218
    same_views(side, ruby, "7")


class Verb(NamedTuple):
    """A verb as each side calls it."""

    theirs: Callable[[Ruby], object]
    ours: Callable[[Side], object]


def entry_verb(name: SetName, jid: str, verb: str, *args: Any) -> Verb:
    def ours(side: Side) -> None:
        entry = side.run(getattr(side, SET_CLASSES[name])().find_job(jid))
        assert side.run(getattr(entry, verb)(*args)) is True

    return Verb(lambda ruby: getattr(ruby, verb)(name, jid, *args), ours)


def set_verb(name: SetName, verb: str, theirs: Callable[[Ruby], object]) -> Verb:
    return Verb(theirs, lambda side: side.run(getattr(getattr(side, SET_CLASSES[name])(), verb)()))


JID, OTHER, QUEUED = job(1_003)["jid"], job(2_004)["jid"], job(4)["jid"]
VERBS: dict[str, Verb] = {
    **{
        f"{verb} of {name}": entry_verb(name, jid, verb, *([1_900_000_000.5] if verb == "reschedule" else []))
        for name in SET_CLASSES
        for verb, jid in (
            ("delete", JID), ("reschedule", OTHER), ("add_to_queue", JID), ("retry", OTHER), ("kill", JID)
        )
    },
    **{f"clear of {name}": set_verb(name, "clear", partial(Ruby.clear, name=name)) for name in SET_CLASSES},
    "delete_job": Verb(
        lambda ruby: ruby.delete_job("odd", QUEUED),
        lambda side: side.run(side.Queue("odd").delete_job(QUEUED)),
    ),
    "clear of a queue": Verb(lambda ruby: ruby.clear_queue("odd"), lambda side: side.run(side.Queue("odd").clear())),
    "retry_all": set_verb("retry", "retry_all", lambda ruby: ruby.retry_all("retry")),
    "retry_all of dead": set_verb("dead", "retry_all", lambda ruby: ruby.retry_all("dead")),
    "kill_all": set_verb("retry", "kill_all", lambda ruby: ruby.kill_all()),
    "selected: delete": Verb(
        lambda ruby: ruby.clear_queue("low/ü"),
        lambda side: side.run(side.Queue("low/ü").where(klass="Other*").delete_all()),
    ),
    "selected: retry": Verb(
        lambda ruby: ruby.retry_all("retry"), lambda side: side.run(side.RetrySet().where(klass="N*").retry_all())
    ),
    "selected: kill": Verb(lambda ruby: ruby.kill_all(), lambda side: side.run(side.RetrySet().where().kill_all())),
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_leaves_the_same_keys(side: Side, ruby: Ruby, redis_server: Server, verb: str) -> None:
    generate(side)
    keys = redis_server.command("KEYS", "*")
    before = redis_server.commands(("DUMP", key) for key in keys)
    untouched = left_by(redis_server, in_order=True)
    in_order = not verb.endswith(("_all", "_all of dead", "selected: retry"))
    VERBS[verb].theirs(ruby)
    theirs = left_by(redis_server, in_order=in_order)
    redis_server.flushall()
    redis_server.commands(("RESTORE", key, 0, dumped) for key, dumped in zip(keys, before, strict=True))
    assert left_by(redis_server, in_order=True) == untouched
    VERBS[verb].ours(side)
    ours = left_by(redis_server, in_order=in_order)
    if verb == "selected: delete":
        theirs["queues"] = ours["queues"]  # a queue that is cleared loses its name, one that is emptied does not
    assert ours.keys() == theirs.keys()
    for key, found in ours.items():
        assert found == theirs[key], key
    assert ours != untouched


def left_by(server: Server, *, in_order: bool) -> dict[str, Any]:
    """Every key: payloads field by field, and of fresh times only that they are fresh."""
    left: dict[str, Any] = {}
    for key, value in server.everything().items():
        if not isinstance(value, list):
            left[key.decode()] = value
        elif value and not isinstance(value[0], bytes):
            left[key.decode()] = sorted((readable(member), fresh(score)) for member, score in value)
        else:
            jobs = [readable(found) for found in value]
            left[key.decode()] = jobs if in_order else sorted(jobs)
    return left


def readable(payload: bytes) -> str:
    try:
        item = json.loads(payload)
    except ValueError:
        return repr(payload)
    if "enqueued_at" in item:
        item["enqueued_at"] = fresh(item["enqueued_at"])
    return json.dumps(item, sort_keys=True)


def fresh(at: float) -> float | str:
    """A time as it is, or where it is not a minute old and not to come, the word for that."""
    seconds = at / 1000 if type(at) is int else at
    return "now" if time.time() - 20 < seconds <= time.time() + 1 else at
