"""Which jobs the conditions of `where` choose, through Redis, on a queue and on a set."""

import inspect
import pydoc
import time
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import teep
from teep.api.jobs.selection.filters import Filter
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
    "dotted": raw(
        job(7, args=[5, "eu west", {"rows": 2, "deep": [1.5, None, 7]}, True], **{"class": "app.images.resize"})
    ),
    "bare resize": '{"class":"resize","args":["süd"],"jid":"bare"}'.encode(),
    "escaped args": b'{"class":"Escaped","args":["s\\u00fcd"]}',
    "true": b'{"class":"True","args":[true,1]}',
    "odd types": b'{"class":7,"args":[],"tags":"eu","error_class":null,"queue":["low"],"jid":8}',
    "says": raw(job(8, **{"class": "Says"}, error_class="E", error_message="timed out  after 30 s\n[a*b] at 0x1f")),
    "says nothing": raw(job(9, **{"class": "Says"}, error_class="E", error_message="")),
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
    ({"error_message": "timed out after 30 s [[]a[*]b] at 0x1f"}, {"says"}),
    ({"error_message": "timed out after # s *"}, {"says"}),
    ({"error_message": "*[*]b] at #x7f"}, {"says"}),
    ({"error_message": "timed out"}, set()),
    ({"error_message": "", "klass": "Says"}, {"says nothing"}),
    ({"queue": "low/eu"}, {"path", "escaped path"}),
    ({"queue": "default", "klass": "Import::Job"}, {"import", "wrapped"}),
    ({"jids": [jid(1)]}, {"import"}),
    ({"jids": ["a-b"]}, {"escaped"}),
    ({"jids": [jid(1), "spaced", "nowhere"]}, {"import", "spaced"}),
    ({"jids": frozenset((jid(1), jid(4)))}, {"import", "brackets"}),
    ({"jids": []}, set()),
    ({"match": "Import::Job"}, {"import", "only named", "wrapped", "no object", "no json", "no text"}),
    ({"match": '"tags":["eu"'}, {"import", "only named"}),
    ({"match": "süd"}, {"café", "spaced", "bare resize"}),  # text of the JSON as it lies there, as Sidekiq's scan
    ({"match": "s\\u00fcd"}, {"escaped", "escaped args"}),
    ({"match": "[int]"}, {"brackets"}),
    ({"match": "a-?"}, set()),
    ({"match": "Import*"}, {"no json"}),
    ({"match": '*"Other"*'}, {"only named"}),
    ({"match": "\udcff\udcfe"}, {"no text"}),
    ({"match": ""}, set(JOBS)),
    ({"klass": "Import::Job", "tag": "eu", "error_class": "Net*", "queue": "d*", "match": "slow"}, {"import"}),
    ({"klass": "Import::Job", "tag": "us"}, set()),
    ({"klass": "Other", "match": jid(1)}, {"only named"}),
    ({"klass": "resize"}, {"dotted", "bare resize"}),
    ({"klass": "res*"}, {"dotted", "bare resize"}),
    ({"klass": "images.resize"}, set()),
    ({"klass": "*images.resize"}, {"dotted"}),
    ({"klass": "app.images.resize"}, {"dotted"}),
    ({"klass": "app*"}, {"dotted"}),
    ({"klass": "app"}, set()),
    ({"args": [5, "eu west", ...]}, {"dotted"}),
    ({"args": [5, "eu west", {"deep": [1.5, None, ...]}, True]}, {"dotted"}),
    ({"args": (5, ..., {"rows": ...}, True)}, {"dotted"}),
    ({"args": [5, "eu west"]}, set()),
    ({"args": [5.0, ...]}, set()),
    ({"args": [True, ...]}, {"true"}),
    ({"args": [1, ...]}, {"import"}),
    ({"args": ["süd"]}, {"bare resize", "escaped args"}),
    ({"args": []}, {"escaped", "spaced", "path", "escaped path", "backslash", "quote", "escaped quote", "emoji",
                    "plain emoji", "bare", "odd types"}),
    ({"args": [...]}, set(JOBS) - {"no object", "no json", "no text"}),
    ({"klass": "resize", "args": ["süd"], "match": "bare"}, {"bare resize"}),
    ({"jids": [None]}, set()),
    ({"jids": [None, jid(1)]}, {"import"}),
    (dict.fromkeys(teep.Conditions.__annotations__), set(JOBS)),
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

    def newer(seconds: float) -> set[int]:
        return {record.args[0] for record in side.listed(side.Queue().where(newer_than=seconds))}

    assert newer(60) == {4, 5}
    assert newer(5.5) == {5}
    assert newer(0) == set()
    assert newer(200) == {1, 2, 3, 4, 5}
    assert [record.args[0] for record in side.listed(side.Queue().where(older_than=5, newer_than=60))] == [4]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"class": "Import"}, "where\\(\\) knows klass, .*, not class; did you mean klass"),
        ({"klas": "Import"}, "not klas; did you mean klass"),
        ({"zzz": "Import"}, "not zzz$"),
        ({"tags": "a", "age": 1}, "not age, tags"),
        ({"klass": 5}, "klass must be a string or a job, not 5"),
        ({"klass": dict}, "klass must be a string or a job, not <class 'dict'>"),
        ({"klass": print}, "klass must be a string or a job, not <built-in"),
        ({"klass": teep.Job}, "Job has no perform method, so it is no job"),
        ({"tag": b"eu"}, "tag must be a string"),
        ({"match": ["a"]}, "match must be a string"),
        ({"args": 5}, "args must be a list of arguments, such as \\[5\\], not 5"),
        ({"args": "ab"}, "args must be a list of arguments, such as \\['ab'\\], not 'ab'"),
        ({"newer_then": 5}, "not newer_then; did you mean newer_than"),
        ({"newer_than": -1}, "newer_than must be seconds, 0 or more, not -1"),
        ({"newer_than": True}, "newer_than must be seconds"),
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


@pytest.mark.parametrize(
    ("conditions", "error"),
    [
        ({"klas": "x"}, TypeError), ({"tag": 5}, TypeError), ({"args": 5}, TypeError), ({"jids": "x"}, TypeError),
        ({"older_than": "1"}, TypeError), ({"older_than": -1}, ValueError), ({"klass": teep.Job}, ValueError),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error_of_its_kind(conditions: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        teep.RetrySet().where(**conditions)


@teep.job
def resize(path: str) -> None: ...


@teep.job(name="Odd [name]*")
def named(path: str) -> None: ...


class Resize(teep.Job):
    def perform(self) -> None: ...


def test_a_job_itself_chooses_exactly_its_own(side: Side) -> None:
    names = [resize.definition.name, f"other.{resize.definition.name}", "resize", f"{__name__}.Resize", "Odd [name]*"]
    side.push(*(job(number, **{"class": name}) for number, name in enumerate([*names, "Odd n"])))
    side.push(job(6, **{"class": WRAPPER}, wrapped=names[0]))

    def chosen(klass: Any) -> list[int]:
        return sorted(record.args[0] for record in side.listed(side.Queue().where(klass=klass)))

    assert chosen(resize) == chosen(resize.set(queue="low")) == [0, 6]
    assert chosen(Resize) == [3]
    assert chosen(named) == [4]
    assert chosen("resize") == [0, 1, 2, 6]


def test_redis_passes_on_only_what_has_the_words_of_the_arguments() -> None:
    assert Filter(args=[42, ..., {"eu": None, "a\nb c": [True]}]).needles == (b"42", b"eu", b"b c", b"null", b"true")
    assert Filter(args=[1.5, "é", ...]).needles == ()


def test_help_and_checkers_know_the_conditions_that_there_are() -> None:
    parameters = inspect.signature(teep.Queue("x").where).parameters
    assert list(parameters) == list(teep.Conditions.__annotations__)
    assert {parameter.default for parameter in parameters.values()} == {None}
    shown = pydoc.plain(pydoc.render_doc(teep.AsyncDeadSet.where))
    for name in parameters:
        assert f"  {name}: " in shown
        assert f"{name}: " in shown.partition("Select the jobs")[0]


# Letters that globs, JSON and regular expressions treat in their own way, and some that nobody does.
_TEXT = st.text(alphabet='ab-]["\\/*?!^é\n🚀:. ', max_size=8)


@examples.times(4)
@given(glob=_TEXT, klass=_TEXT, ascii_only=st.booleans())
def test_redis_never_keeps_back_what_fits(glob: str, klass: str, ascii_only: bool) -> None:
    """The words that are looked for inside Redis are in every payload that meets the condition, however spelt."""
    import json

    payload = json.dumps({"class": klass, "args": []}, ensure_ascii=ascii_only).replace("/", "\\/").encode()
    chosen = Filter(klass=glob)
    names = (klass, klass.rpartition(".")[2])
    assert chosen.matches(Stored(payload)) == any(fnmatchcase(name, glob) for name in names)
    if chosen.matches(Stored(payload)):
        assert all(needle in payload for needle in chosen.needles)
    whole = Filter(match=glob)
    if whole.matches(Stored(payload)):
        assert all(needle in payload for needle in whole.needles)
    if "*" not in glob:
        assert whole.matches(Stored(payload)) == (glob.encode() in payload)
    else:
        assert whole.matches(Stored(payload)) == fnmatchcase(payload.decode(), glob)


_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@examples.times(4)
@given(args=st.lists(_VALUE, max_size=4), ascii_only=st.booleans())
def test_redis_never_keeps_back_the_arguments_that_fit(args: list[Any], ascii_only: bool) -> None:
    import json

    payload = json.dumps({"class": "x", "args": args}, ensure_ascii=ascii_only).replace("/", "\\/").encode()
    for asked in (args, [*args, ...], [*args[:1], ...], [..., *args[1:]] if args else [...]):
        chosen = Filter(args=asked)
        assert chosen.matches(Stored(payload))
        assert all(needle in payload for needle in chosen.needles)
    assert not Filter(args=[*args, 1]).matches(Stored(payload))
