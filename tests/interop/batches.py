"""A batch of cases that a real process works until its retries are exhausted, and what is left of each case.

Sidekiq and teep get the same bytes in the same queues, each in a database of its own. One thread works the queues in
their order, so all is done when the last job of the last queue has run; and the due jobs of a set become jobs in the
order of their scores. So a round ends without a wait.
"""

import base64
import json
import time
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tests.interop.cases import Case
from tests.support.waiting import wait_until

QUEUES = ["default", "low", "ü", "other", "never"]
LAST = "last"
NOBODY = -1
_SECONDS = 60.0


class Left(NamedTuple):
    """What is left of a case: where it lies ("gone": nowhere), its score and bytes, and which handlers were told."""

    place: str
    score: float
    raw: bytes
    deaths: tuple[bytes, ...]
    exhausted: tuple[bytes, ...]
    runs: int


class Batch:
    """Cases in one database; `client` is redis-py's, whose types know less than the tests do."""

    def __init__(self, client: Any, cases: Iterable[Case]) -> None:
        self.client = client
        self.cases = list(cases)

    def push(self) -> None:
        """Lay the payloads in their queues, and the last job behind them."""
        with self.client.pipeline(transaction=True) as commands:
            for case in self.cases:
                commands.lpush(f"queue:{case.queue}", case.raw)
            commands.lpush(f"queue:{LAST}", last(0))
            commands.execute()

    def schedule(self, now: float) -> None:
        """Lay the payloads in the retry and scheduled sets, where most of them are due."""
        for name, cases in (("retry", self.cases[::2]), ("schedule", self.cases[1::2])):
            entries = {case.raw: now + 3600 if case.number % 10 > 7 else float(case.number + 1) for case in cases}
            self.client.zadd(name, entries)

    def wait(self, number: int) -> None:
        """Wait for the end of a round.

        An idle teep waits at every queue, so it may take the last job before others that come with it.
        """

        def is_over() -> bool:
            ended = str(number).encode() in self.client.lrange("kinds:rounds", 0, -1)
            waiting = self.client.exists(*(f"queue:{queue}" for queue in QUEUES))
            return ended and not waiting and not any(self.client.scan_iter("*:inflight:*"))

        wait_until(is_over, _SECONDS, f"the end of round {number}")

    def make_due(self, number: int) -> None:
        """Make all retries due, the last job behind them. Its queue is served after all others."""
        entries = self.client.zrange("retry", 0, -1, withscores=True)
        due = {member: float(place + 1) for place, (member, _) in enumerate(entries)}
        self.client.zadd("retry", {**due, last(number): 1_000_000.0})

    def left(self) -> dict[int, Left]:
        """What is left of each case."""
        found: dict[int, tuple[str, float, bytes]] = {}
        for name in ("retry", "dead", "schedule"):
            for raw, score in self.client.zrange(name, 0, -1, withscores=True):
                found[self.number_of(raw)] = (name, score, raw)
        for key in self.client.scan_iter("queue:*"):
            for raw in self.client.lrange(key, 0, -1):
                found[self.number_of(raw)] = (key.decode(), 0.0, raw)
        deaths, exhausted = self._told("deaths"), self._told("exhausted")
        runs = {int(number or NOBODY): int(count) for number, count in self.client.hgetall("kinds:runs").items()}
        return {
            case.number: Left(
                *found.get(case.number, ("gone", 0.0, b"")),
                tuple(deaths.get(case.number, ())),
                tuple(exhausted.get(case.number, ())),
                runs.get(case.number, 0),
            )
            for case in self.cases
        }

    def counters(self) -> tuple[int, int]:
        """How many runs and failures are counted."""
        processed, failed = self.client.mget("stat:processed", "stat:failed")
        return int(processed or 0), int(failed or 0)

    def number_of(self, raw: bytes) -> int:
        try:
            item = json.loads(raw)
            return int(item["args"][0]["n"]) if "args" in item else int(item["n"])
        except (ValueError, TypeError, LookupError):
            return next((case.number for case in self.cases if case.raw == raw), NOBODY)

    def _told(self, key: str) -> dict[int, list[bytes]]:
        told: dict[int, list[bytes]] = {}
        for raw in self.client.lrange(f"kinds:{key}", 0, -1):
            told.setdefault(self.number_of(raw), []).append(raw)
        return told


def last(number: int) -> bytes:
    return json.dumps(
        {"class": "KindLast", "args": [number], "queue": LAST, "jid": f"{number:024x}", "retry": False}
    ).encode()


class Difference(NamedTuple):
    """One aspect in which both sides differ."""

    case: Case
    aspect: str
    theirs: Any
    ours: Any


def differences(case: Case, theirs: Left, ours: Left, since: float) -> list[Difference]:
    """How the ends of a case differ, aspect by aspect."""
    found = [
        Difference(case, name, getattr(theirs, name), getattr(ours, name))
        for name in ("place", "runs")
        if getattr(theirs, name) != getattr(ours, name)
    ]
    if found:
        return found
    if theirs.place != "gone":
        found += of_payloads(case, "", theirs.raw, ours.raw, since)
        found += of_scores(case, theirs, ours, since)
    for name in ("deaths", "exhausted"):
        one, other = getattr(theirs, name), getattr(ours, name)
        if len(one) != len(other):
            found.append(Difference(case, name, len(one), len(other)))
        for raw, mine in zip(one, other, strict=False):
            found += of_payloads(case, f"{name}: ", raw, mine, since)
    return found


def of_payloads(case: Case, prefix: str, theirs: bytes, ours: bytes, since: float) -> list[Difference]:
    if theirs == ours:
        return []
    try:
        one, other = json.loads(theirs), json.loads(ours)
    except ValueError:
        return [Difference(case, f"{prefix}bytes", theirs, ours)]
    found = []
    for name in dict.fromkeys([*one, *other]):
        value, mine = shown(case, name, one, since), shown(case, name, other, since)
        if json.dumps(value) != json.dumps(mine):
            found.append(Difference(case, prefix + name, value, mine))
    order, mine = [name for name in one if name in other], [name for name in other if name in one]
    if order != mine:
        found.append(Difference(case, f"{prefix}order", order, mine))
    return found


def shown(case: Case, name: str, item: Mapping[str, Any], since: float) -> Any:
    """A field as it is compared: of a fresh time its kind, of a fresh jid its form, of a backtrace its lines."""
    value = item.get(name, "(absent)")
    if name.endswith("_at") and value != case.item.get(name):
        seconds = value / 1000 if type(value) is int else value
        if type(seconds) is float and since - 1 <= seconds <= time.time() + 1:
            return f"now, as {type(value).__name__}"
    if name == "jid" and not case.item.get("jid") and isinstance(value, str) and len(value) == 24:
        return "a new jid"
    if name == "error_backtrace" and isinstance(item.get(name), str):
        lines = json.loads(zlib.decompress(base64.b64decode(str(value))))
        most = item.get("backtrace")
        limit = most if type(most) is int and most > 0 else None
        return "lines" if lines and (limit is None or len(lines) <= limit) else lines
    return value


def of_scores(case: Case, theirs: Left, ours: Left, since: float) -> list[Difference]:
    """A death is now; a retry is due after the same delay, but for a jitter."""
    now = time.time()
    if theirs.place == "dead":
        fresh = [since - 1 <= left.score <= now for left in (theirs, ours)]
        return [] if all(fresh) else [Difference(case, "score", theirs.score, ours.score)]
    if theirs.raw == ours.raw:
        return [] if theirs.score == ours.score else [Difference(case, "score", theirs.score, ours.score)]
    if theirs.place == "retry":
        count = json.loads(theirs.raw).get("retry_count")
        jitter = 10 * (count + 1) if isinstance(count, int) and count >= 0 else 10
        if abs(theirs.score - ours.score) > jitter + now - since + theirs.score * 1e-9:
            return [Difference(case, "score", theirs.score - now, ours.score - now)]
    return []
