"""The names of keys, and the scripts' headers."""

import datetime as dt
import inspect
import re

import pytest

from teep.wire import keys
from teep.wire.keys import Key
from teep.wire.scripts.script import Script, ScriptCall, Shape, load
from tests.support import golden
from tests.wire import lua

IDENTITY = re.compile(r"^[\w.-]+:\d+:[0-9a-f]{12}$")
# Keys that Sidekiq has for what teep's store does not do itself: job metrics, iteration, deploys, profiles.
OTHER_FEATURES = re.compile(r"^(j\||h\||\w+Job-\d\d-|it-|\d{8}-marks|deploylock-|profiles|mike-)")


def _ours(key: str) -> str | None:
    """Return what Sidekiq's key must be called by `keys`, or None where it is another feature's."""
    day = dt.date(2026, 11, 24)
    if key.startswith("queue:"):
        return keys.queue(key.removeprefix("queue:"))
    fixed = {
        "queues": keys.queues(),
        "paused": keys.paused(),
        "schedule": keys.schedule(),
        "retry": keys.retry(),
        "dead": keys.dead(),
        "processes": keys.processes(),
        "process_cleanup": keys.process_cleanup(),
        "stat:processed": keys.processed(),
        "stat:failed": keys.failed(),
        "stat:processed:2026-11-24": keys.processed_on(day),
        "stat:failed:2026-11-24": keys.failed_on(day),
    }
    if key in fixed:
        return fixed[key]
    for suffix, name in (
        (":workers", keys.work_of_sidekiq_6),
        (":work", keys.work),
        ("-signals", keys.signals),
        ("", keys.process),
    ):
        if key.endswith(suffix) and IDENTITY.match(identity := key.removesuffix(suffix)):
            return name(identity)
    return None


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_every_key_that_sidekiq_left_has_the_same_name_here(version: str) -> None:
    seen = {key for step in golden.steps(version) for key in golden.load(version, step).types}
    unknown = {key for key in seen if _ours(key) is None and not OTHER_FEATURES.search(key)}
    assert unknown == set()
    assert {key for key in seen if (ours := _ours(key)) is not None and ours != key} == set()
    assert {"queues", "retry", "dead", "schedule", "paused", "stat:processed"} <= seen


def test_companion_keys_share_their_queues_cluster_slot() -> None:
    assert re.search(r"\{(.*?)\}", keys.inflight("low", "host:1:abc")) is not None
    assert f"{{{keys.queue('low')}}}" in keys.inflight("low", "host:1:abc")


@pytest.mark.parametrize("queue", ["low", "", "a:b", "}", "a}:inflight:b", "*[a]?\\", "鍵"])
def test_an_inflight_key_tells_what_it_is_made_of(queue: str) -> None:
    assert keys.inflight_parts(keys.inflight(queue, "host:1:abc").encode()) == (queue, "host:1:abc")


def test_every_key_function_says_its_redis_type() -> None:
    source = inspect.getsource(keys).splitlines()
    for line in source:
        if line.startswith("def ") and "-> str:" in line:
            assert re.search(r"# .*\b(string|list|set|zset|hash|the same)\b", line), line


@pytest.mark.parametrize("name", lua.NAMES)
def test_every_script_has_a_purpose_and_a_whole_header(name: str) -> None:
    script = load(name)
    assert script.source.startswith("-- ")
    assert not script.source.startswith(("-- KEYS", "-- ARGV", "-- RETURNS"))
    assert len(script.sha) == 40


@pytest.mark.parametrize("name", lua.NAMES)
def test_no_script_builds_a_key_or_decodes_a_payload(name: str) -> None:
    code = re.sub(r"--.*", "", load(name).source)
    assert "cjson.encode" not in code
    if name not in (
        "reading/error_groups",
        "reading/groups",
        "reading/list_groups",
    ):  # they read class and error to count them, and give back none of what they decoded
        assert "cjson" not in code
    assert "cmsgpack" not in code
    # The first argument of every command must be a key that was passed in, or a local or parameter that holds one or
    # several.
    for command, key in re.findall(r"(?:redis\.p?call|try|also)\('(\w+)',\s*(?:unpack\()?([^,)]+)", code):
        assert "'" not in key, (command, key)
        assert ".." not in key, (command, key)
        assert key.startswith("KEYS[") or re.search(
            rf"{re.escape(key)}(, \w+)* = KEYS\[|local .*\b{key}\b.* = KEYS\[|function ?[\w.]*\(.*\b{key}\b.*\)",
            code,
        ), (command, key)


@pytest.mark.parametrize(
    ("text", "accepted", "refused"),
    [
        ("", (0,), (1,)),
        ("a", (1,), (0, 2)),
        ("a b", (2,), (1, 3)),
        ("a*", (0, 1, 5), ()),
        ("a b*", (1, 2, 7), (0,)),
        ("a (b c)*", (1, 3, 5), (0, 2, 4)),
        ("(a b c)*", (0, 3, 6), (1, 2, 4)),
    ],
)
def test_shapes(text: str, accepted: tuple[int, ...], refused: tuple[int, ...]) -> None:
    shape = Shape.parse(text)
    assert [shape.accepts(count) for count in accepted] == [True] * len(accepted)
    assert [shape.accepts(count) for count in refused] == [False] * len(refused)


@pytest.mark.parametrize("missing", ["KEYS", "ARGV", "RETURNS"])
def test_a_header_line_may_not_miss(missing: str) -> None:
    lines = ["-- KEYS: a", "-- ARGV: b", "-- RETURNS: c"]
    source = "\n".join(line for line in lines if missing not in line)
    with pytest.raises(ValueError, match=r"lua/odd\.lua needs the header lines"):
        Script("odd", source)


@pytest.mark.parametrize(("key_names", "values"), [(["a"], [1]), (["a", "b", "c"], [1]), (["a", "b"], [])])
def test_a_call_that_disagrees_with_its_header_is_refused(key_names: list[str], values: list[int]) -> None:
    with pytest.raises(ValueError, match=r"lua/running/requeue\.lua takes \("):
        ScriptCall(load("running/requeue"), [Key(name) for name in key_names], values, read=int)
