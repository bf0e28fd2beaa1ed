"""Random payloads as foreign clients push them: every field of any kind, absent, null or odd, in any order."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tests.interop.kinds import ERRORS

# Stands for a field that the payload has not.
ABSENT = object()


class Case(NamedTuple):
    """A payload: its number, the queue that it lies in, its bytes, and its fields (none: it is no object).

    `difference` names the one in `allowed.py` that it is made for, if any.
    """

    number: int
    queue: str
    raw: bytes
    item: Mapping[str, Any]
    difference: str = ""


TEXTS = ["boom", "", "é ☃ \U0001f680 \u2028", 'a "quoted"\n\t</b> \\ /', "x" * 10_050, "é" * 9_999 + "☃☃", "\x00\x7f"]
NUMBERS = [0, -1, 2**70, -(10**25), 1.5, -0.0, 0.1, 1e-7, 1e15, 1.0e22, 123456789.123, 2.0]
VALUES: list[Any] = [*TEXTS[:4], *NUMBERS, None, True, False, [], {}, [[1, {"a": None}]], {"ü": {"b": [0.1]}}]
CLASSES = ["KindPlain", "KindNever", "KindZero", "KindTwo", "KindOptions", "KindDelays", "KindEnds", "KindBoth"]
DELAYS: list[Any] = [None, 0, -5, 3600, 7200.9, "3600", "x", True, False, [], "discard", "kill", "raise"]

# What a field may be, each as often as it stands here.
FIELDS: dict[str, list[Any]] = {
    "retry": [*[ABSENT] * 6, *[True] * 3, False, 0, 1, 2, 3, 25, -1, 2**70, None, "yes", "", "0", 1.5, [], {}],
    "retry_count": [*[ABSENT] * 16, 0, 1, 2, 23, 24, 25, 100, -1, None, False],
    "failed_at": [*[ABSENT] * 4, 1_600_000_000.25, 1_600_000_000_250, None],
    "dead": [*[ABSENT] * 8, True, False, None, 0, "false"],
    "backtrace": [*[ABSENT] * 8, True, False, 0, 1, 3, None],
    "queue": [*[ABSENT] * 4, "default", "low", "other", None, "ü"],
    "retry_queue": [*[ABSENT] * 10, "low", "ü", None, False],
    "jid": [*["hex"] * 6, ABSENT, None, "", "odd jid", "ü"],
    "created_at": [ABSENT, 1_600_000_000.5, 1_600_000_000_500, None],
    "enqueued_at": [ABSENT, 1_600_000_001.5, 1_600_000_001_500],
    "tags": [*[ABSENT] * 5, [], ["a", "ü"], None],
    "wrapped": [*[ABSENT] * 12, "KindPlain", "KindDelays", "Missing", "", 5, None],
    "encrypt": [*[ABSENT] * 5, False, None],
    "expiry": [*[ABSENT] * 8, 1, 4_000_000_000.5],
    "retry_for": [*[ABSENT] * 14, 3600, -5, 1_000_000, None],
    "display_class": [ABSENT, ABSENT, "Shown"],
    "own": [ABSENT, *VALUES],
    "ü ☃": [ABSENT, ABSENT, 1],
}  # fmt: skip

# No version of Sidekiq writes such values. Most of them make it raise where it writes or pushes the retry.
ODD_FIELDS: dict[str, list[Any]] = {
    "retry_count": ["3", True, [], 1.5],
    "retry_for": ["3600", True, [], 1_000_000.5],
    "retry_queue": ["", 5, ["low"]],
    "tags": ["x", {"a": 1}, 5],
    "queue": ["", 5],
    "jid": [5, ["a"]],
    "created_at": ["x"],
    "failed_at": ["x"],
    "backtrace": ["2", 2.5, "all", [], -1],
}
NO_JOB_FIELDS: dict[str, list[Any]] = {
    "class": [5, None, ["KindPlain"], ABSENT],
    "args": [None, "text", {"a": 1}, 5, ABSENT],
}
NO_JOBS = [
    b"no json", b"", b"{", b"5", b"null", b'"text"', b"[1]", b"{}", b'{"class": "KindPlain"', b'{"a": NaN}',
    b'\xff\xfe{"class":"KindPlain","args":[]}', b'{"class":"KindPlain","args":["\xff"]}', b'{"args":[]}',
]  # fmt: skip
# Bytes that a library would not write so; NUMBER stands for the case's number.
RAWS = {
    b'{"class":"KindPlain","args":[{"n":NUMBER},%b]}' % (b"[" * 101 + b"]" * 101): "deep nesting",
    b'{"class":"KindPlain","args":[{"n":NUMBER},1e400]}': "numbers beyond a double",
    rb'{"class":"KindPlain","args":[{"n":NUMBER},"\ud800"]}': "no job",
    b'{"class":"KindNever","args":[{"n":NUMBER}],"class":"KindTwo","retry":9,"jid":"a","retry":1}': "a key twice",
    b'\n {"class"\t:"KindTwo" , "args":[{"n":NUMBER},1E5,-0,0.10,1.0e+20]}\n': "",
    rb'{"class":"Kind\u0050lain","args":[{"n":NUMBER},"\/\u00e9\ud83d\ude80"],"retry":true}': "",
}


def cases(seed: int, count: int) -> Iterator[Case]:
    """So many payloads; the same ones for the same seed. One in six or so is odd."""
    chance = random.Random(seed)
    number = 0
    for raw in NO_JOBS:
        yield Case(number, "default", raw, {}, "no job")
        number += 1
    for raw, difference in RAWS.items():
        yield Case(number, "low", raw.replace(b"NUMBER", str(number).encode()), {}, difference)
        number += 1
    while number < count:
        item, difference = fields(chance, number), ""
        if chance.random() < 1 / 8:
            difference = spoil(chance, item)
        queue = chance.choice(["default", "default", "low"])
        yield Case(number, queue, written(chance, item), item, difference)
        number += 1


def spoil(chance: random.Random, item: dict[str, Any]) -> str:
    """Give one field a value that it never has; returns what that makes different."""
    difference, odd = chance.choice([("fields of another kind", ODD_FIELDS)] * 3 + [("no job", NO_JOB_FIELDS)])
    name = chance.choice(list(odd))
    value = chance.choice(odd[name])
    item.pop(name, None)
    if value is not ABSENT:
        item[name] = value
    return difference


def fields(chance: random.Random, number: int) -> dict[str, Any]:
    drawn = {name: chance.choice(values) for name, values in FIELDS.items()}
    if drawn["jid"] == "hex":
        drawn["jid"] = f"{chance.getrandbits(96):024x}"
    drawn["class"] = chance.choice(CLASSES) if chance.random() < 0.92 else "KindMissing"
    drawn["args"] = [order(chance, number), *chance.sample(VALUES, chance.randrange(4))]
    names = list(drawn)
    if chance.random() < 0.5:
        chance.shuffle(names)
    return {name: drawn[name] for name in names if drawn[name] is not ABSENT}


def order(chance: random.Random, number: int) -> dict[str, Any]:
    """The first argument: what the run does."""
    if chance.random() < 0.1:
        return {"n": number, "do": "pass"}
    return {
        "n": number,
        "error": chance.choice(list(ERRORS)),
        "message": chance.choice(TEXTS),
        "failures": chance.choice([1, 2, 100, 100]),
        "in": chance.choice(DELAYS),
        "end": chance.choice([None, "discard", "raise", "kill"]),
    }


def written(chance: random.Random, item: Mapping[str, Any]) -> bytes:
    """JSON as one client or another writes it: with blanks or without, non-ASCII escaped or not."""
    write: Callable[..., str] = json.dumps
    separators = chance.choice([(",", ":"), (", ", ": ")])
    return write(item, separators=separators, ensure_ascii=chance.random() < 0.3).encode()
