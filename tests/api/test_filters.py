"""Which jobs the conditions of `where` choose, through Redis, on a queue and on a set."""

import time
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import teep
from teep.api.filters import Filter
from teep.errors import InvalidJob
from teep.wire.stored import Stored
from tests.api.sides import Side, jid, job, raw
from tests.support import examples

WRAPPER = "ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper"

# The payloads as their producers wrote them, by name.
JOBS: dict[str, bytes] = {
    "import": raw(job(1, **{"class": "Import::Job"}, tags=["eu", "slow job"], error_class="Net::ReadTimeout")),
    "IMPORT": raw(job(2, **{"class": "IMPORT::JOB"}, tags=["EU"])),
    "café": raw(job(3, **{"class": "Café::Träume"}, tags=["süd"], error_class="Übel")),
    # The same text as other JSON writers spell it: PHP and Python escape what is not ASCII, PHP the slash too.
    "escaped": b'{"class":"Caf\\u00e9::Tr\\u00E4ume","args":[],"tags":["s\\u00fcd"],"error_class":"\\u00dcbel",'
    b'"jid":"a-b"}',
    "spaced": '{ "class" : "Café::Träume" , "args" : [ ] , "tags" : [ "süd" ] , "jid" : "spaced" }'.encode(),
    "path": b'{"class":"jobs/mail","args":[],"queue":"low/eu","jid":"path"}',
    "escaped path": b'{"class":"jobs\\/mail","args":[],"queue":"low\\/eu","jid":"escaped path"}',
    "backslash": b'{"class":"App\\\\Jobs\\\\Mail","args":[],"jid":"backslash"}',
    "quote": b'{"class":"a \\"quoted\\" one","args":[],"jid":"quote"}',
    "escaped quote": b'{"class":"a \\u0022quoted\\u0022 one","args":[],"jid":"escaped quote"}',
    "emoji": b'{"class":"Job\\ud83d\\ude80","args":[],"jid":"emoji"}',
    "plain emoji": '{"class":"Job🚀","args":[],"jid":"plain emoji"}'.encode(),
    "brackets": raw(job(4, **{"class": "List[int]"})),
    "only named": raw(job(5, args=["Import::Job", jid(1), {"tags": ["eu"]}], **{"class": "Other"})),
    "wrapped": raw(job(6, **{"class": WRAPPER}, wrapped="Import::Job")),
    "bare": b'{"class":"Bare","args":[]}',
    "odd types": b'{"class":7,"args":[],"tags":"eu","error_class":null,"queue":["low"],"jid":8}',
    "no object": b'["Import::Job","eu"]',
    "no json": b"Import::Job eu",
    "no text": b"\xff\xfe Import::Job",
}

CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set(JOBS)),
    ({"klass": "Import::Job"}, {"import", "wrapped"}),
    ({"klass": "Import*"}, {"import", "wrapped"}),
    ({"klass": "*::J?b"}, {"import", "wrapped"}),
    ({"klass": "[HI]mport::*"}, {"import", "wrapped"}),
    ({"klass": "[!X]mport::Job"}, {"import", "wrapped"}),
    ({"klass": "I*:J*"}, {"import", "IMPORT", "wrapped"}),
    ({"klass": "import::job"}, set()),
    ({"klass": "Import"}, set()),
    ({"klass": "[]x]mport*"}, set()),
    ({"klass": "[]EIMPORTANT]*::Job"}, {"import", "wrapped"}),
    ({"klass": WRAPPER}, {"wrapped"}),
    ({"klass": "Café::Träume"}, {"café", "escaped", "spaced"}),
    ({"klass": "*é::Tr*"}, {"café", "escaped", "spaced"}),
    ({"klass": "Ca[f]é*"}, {"café", "escaped", "spaced"}),
    ({"klass": "jobs/mail"}, {"path", "escaped path"}),
    ({"klass": "*/mail"}, {"path", "escaped path"}),
    ({"klass": "App\\Jobs\\Mail"}, {"backslash"}),
    ({"klass": "App\\*"}, {"backslash"}),
    ({"klass": 'a "quoted" one'}, {"quote", "escaped quote"}),
    ({"klass": "Job🚀"}, {"emoji", "plain emoji"}),
    ({"klass": "List[[]int]"}, {"brackets"}),
    ({"klass": "List[int"}, set()),
    ({"klass": ""}, set()),
    ({"tag": "eu"}, {"import"}),
    ({"tag": "[eE][uU]"}, {"import", "IMPORT"}),
    ({"tag": "slow job"}, {"import"}),
    ({"tag": "süd"}, {"café", "escaped", "spaced"}),
    ({"tag": "s*"}, {"import", "café", "escaped", "spaced"}),
    ({"error_class": "Net::ReadTimeout"}, {"import"}),
    ({"error_class": "*Timeout"}, {"import"}),
    ({"error_class": "Übel"}, {"café", "escaped"}),
    ({"queue": "low/eu"}, {"path", "escaped path"}),
    ({"queue": "default", "klass": "Import::Job"}, {"import", "wrapped"}),
    ({"jids": [jid(1)]}, {"import"}),
    ({"jids": ["a-b"]}, {"escaped"}),
    ({"jids": [jid(1), "spaced", "nowhere"]}, {"import", "spaced"}),
    ({"jids": frozenset((jid(1), jid(4)))}, {"import", "brackets"}),
    ({"jids": []}, set()),
    ({"match": "Import::Job"}, {"import", "only named", "wrapped", "no object", "no json", "no text"}),
    ({"match": '"tags":["eu"'}, {"import", "only named"}),
    ({"match": "süd"}, {"café", "spaced"}),  # text of the JSON as it lies there, as Sidekiq's scan
    ({"match": "s\\u00fcd"}, {"escaped"}),
    ({"match": "[int]"}, {"brackets"}),
    ({"match": "a-?"}, set()),
    ({"match": "Import*"}, {"no json"}),
    ({"match": '*"Other"*'}, {"only named"}),
    ({"match": "\udcff\udcfe"}, {"no text"}),
    ({"match": ""}, set(JOBS)),
    ({"klass": "Import::Job", "tag": "eu", "error_class": "Net*", "queue": "d*", "match": "slow"}, {"import"}),
    ({"klass": "Import::Job", "tag": "us"}, set()),
    ({"klass": "Other", "match": jid(1)}, {"only named"}),
    (dict.fromkeys(["klass", "tag", "error_class", "queue", "older_than", "match", "jids"]), set(JOBS)),
]  # fmt: skip


def names(conditions: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in conditions.items()).encode("ascii", "replace").decode()


@pytest.mark.parametrize("where", ["queue", "set"])
def test_each_condition_chooses_exactly_its_jobs(side: Side, where: str) -> None:
    if where == "queue":
        side.server.command("LPUSH", "queue:default", *JOBS.values())
        chooser = side.Queue()
    else:
        side.server.client.zadd("retry", {value: float(number) for number, value in enumerate(JOBS.values())})
        chooser = side.RetrySet()
    called = {value: name for name, value in JOBS.items()}
    for conditions, expected in CASES:
        selection = chooser.where(**conditions)
        assert {called[record.raw] for record in side.listed(selection)} == expected, names(conditions)
        assert side.run(selection.count()) == len(expected), names(conditions)


def test_older_than_counts_from_the_enqueueing_else_the_creation(side: Side) -> None:
    now = time.time()
    side.push(
        job(1, enqueued_at=now - 100.0, created_at=now),
        job(2, enqueued_at=int((now - 100) * 1000)),
        job(3, created_at=now - 100.0),
        job(4, enqueued_at=now - 10.0, created_at=now - 1000.0),
        job(5),
        "no job",
    )

    def older(seconds: float) -> set[int]:
        return {record.args[0] for record in side.listed(side.Queue().where(older_than=seconds))}

    assert older(60) == {1, 2, 3}
    assert older(5.5) == {1, 2, 3, 4}
    assert older(0) == {1, 2, 3, 4, 5}
    assert older(200) == set()


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"class": "Import"}, "where\\(\\) knows klass, .*, not class; did you mean klass"),
        ({"klas": "Import"}, "not klas; did you mean klass"),
        ({"zzz": "Import"}, "not zzz$"),
        ({"tags": "a", "age": 1}, "not age, tags"),
        ({"klass": 5}, "klass must be a text, not 5"),
        ({"tag": b"eu"}, "tag must be a text"),
        ({"match": ["a"]}, "match must be a text"),
        ({"older_than": -1}, "older_than must be seconds, 0 or more, not -1"),
        ({"older_than": "60"}, "older_than must be seconds"),
        ({"older_than": True}, "older_than must be seconds"),
        ({"older_than": float("nan")}, "older_than must be seconds"),
        ({"jids": jid(1)}, "jids must be several jids"),
    ],
)
def test_a_mistake_is_told_before_anything_is_asked_of_redis(conditions: dict[str, Any], message: str) -> None:
    config = teep.Config(redis_url="redis://127.0.0.1:1")
    for kind in (teep.Queue, teep.AsyncQueue, teep.RetrySet, teep.AsyncRetrySet):
        with pytest.raises(InvalidJob, match=message):
            kind(config=config).where(**conditions)


# Letters that globs, JSON and regular expressions treat in their own way, and some that nobody does.
_TEXT = st.text(alphabet='ab-]["\\/*?!^é\n🚀:. ', max_size=8)


@examples.times(4)
@given(glob=_TEXT, klass=_TEXT, ascii_only=st.booleans())
def test_redis_never_keeps_back_what_fits(glob: str, klass: str, ascii_only: bool) -> None:
    """The words that are looked for inside Redis are in every payload that meets the condition, however spelt."""
    import json

    payload = json.dumps({"class": klass, "args": []}, ensure_ascii=ascii_only).replace("/", "\\/").encode()
    chosen = Filter(klass=glob)
    assert chosen.matches(Stored(payload)) == fnmatchcase(klass, glob)
    if chosen.matches(Stored(payload)):
        assert all(needle in payload for needle in chosen.needles)
    whole = Filter(match=glob)
    if whole.matches(Stored(payload)):
        assert all(needle in payload for needle in whole.needles)
    if "*" not in glob:
        assert whole.matches(Stored(payload)) == (glob.encode() in payload)
    else:
        assert whole.matches(Stored(payload)) == fnmatchcase(payload.decode(), glob)
