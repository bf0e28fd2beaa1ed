"""What real Sidekiq left in Redis, step by step: the recordings in `tests/golden`, typed."""

from base64 import b64decode
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from tests.support.servers import Server

DIRECTORY = Path(__file__).parent.parent / "golden"
VERSIONS = ("6.4.1", "7.3.10", "8.1.7")
JOB_SETS = ("schedule", "retry", "dead")

KeyType = Literal["string", "hash", "list", "set", "zset"]


class Payload(NamedTuple):
    """One job payload, byte for byte, and where it lay: a `queue:…` list or one of `JOB_SETS`."""

    version: str
    step: str
    key: str
    raw: bytes


@dataclass(frozen=True)
class Golden:
    """Every key in Redis after one step, by Redis type; `ttls` has the keys that expire, in milliseconds."""

    version: str
    step: str
    recorded_at: float
    """Epoch seconds."""
    types: dict[str, KeyType] = field(default_factory=dict)
    ttls: dict[str, int] = field(default_factory=dict)
    strings: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    lists: dict[str, list[bytes]] = field(default_factory=dict)
    """From the head (the newest job) to the tail, as LRANGE gives them."""
    sets: dict[str, set[bytes]] = field(default_factory=dict)
    zsets: dict[str, dict[bytes, float]] = field(default_factory=dict)
    """Member to score, lowest score first."""

    @property
    def payloads(self) -> list[Payload]:
        """Every job payload in a queue or a job set, those that are no JSON too."""
        jobs = {key: list(raws) for key, raws in self.lists.items() if key.startswith("queue:")}
        jobs |= {key: list(self.zsets[key]) for key in JOB_SETS if key in self.zsets}
        return [Payload(self.version, self.step, key, raw) for key, raws in jobs.items() for raw in raws]


def steps(version: str) -> list[str]:
    """The steps recorded of a version, in their order: "01-perform_async", …"""
    return sorted(path.stem for path in (DIRECTORY / version).glob("*.json"))


@cache
def load(version: str, step: str) -> Golden:
    """One step's keys. Cached: do not change what it returns. Raises FileNotFoundError."""
    recording = msgspec.json.decode((DIRECTORY / version / f"{step}.json").read_bytes(), type=_Recording)
    golden = Golden(version, step, recording.recorded_at)
    for name, key in recording.keys.items():
        golden.types[name] = key.type
        if key.pttl_ms >= 0:
            golden.ttls[name] = key.pttl_ms
        _read_value(golden, name, key)
    return golden


def all_steps() -> list[tuple[str, str]]:
    """Every (version, step), for parametrized tests."""
    return [(version, step) for version in VERSIONS for step in steps(version)]


def all_payloads() -> list[Payload]:
    """Every job payload of every step of every version."""
    return [payload for version, step in all_steps() for payload in load(version, step).payloads]


def restore(server: Server, golden: Golden) -> None:
    """Write a step's keys into a server, byte for byte, in place of those of the same name.

    A key that expired when it was recorded has as long to live again, counted from now.
    """
    with server.client.pipeline() as pipe:
        pipe.delete(*golden.types)
        for name, string in golden.strings.items():
            pipe.set(name, string)
        for name, fields in golden.hashes.items():
            pipe.hset(name, items=[part for pair in fields.items() for part in pair])
        for name, raws in golden.lists.items():
            pipe.rpush(name, *raws)
        for name, members in golden.sets.items():
            pipe.sadd(name, *members)
        for name, scored in golden.zsets.items():
            pipe.zadd(name, scored)
        for name, ttl in golden.ttls.items():
            pipe.pexpire(name, ttl)
        pipe.execute()


class _Value(msgspec.Struct):
    """A string: its text, or in base64 where it is binary."""

    raw: str | None = None
    base64: str | None = None
    score: float = 0.0

    def bytes(self) -> bytes:
        return b64decode(self.base64) if self.base64 is not None else (self.raw or "").encode()


class _Key(msgspec.Struct):
    type: KeyType
    pttl_ms: int
    value: msgspec.Raw


class _Recording(msgspec.Struct):
    recorded_at: float
    keys: dict[str, _Key]


def _read_value(golden: Golden, name: str, key: _Key) -> None:
    decode = msgspec.json.decode
    match key.type:
        case "string":
            golden.strings[name] = decode(key.value, type=_Value).bytes()
        case "hash":
            fields = decode(key.value, type=dict[str, _Value])
            golden.hashes[name] = {member.encode(): value.bytes() for member, value in fields.items()}
        case "list":
            golden.lists[name] = [value.bytes() for value in decode(key.value, type=list[_Value])]
        case "set":
            golden.sets[name] = {member.encode() for member in decode(key.value, type=list[str])}
        case "zset":
            members = decode(key.value, type=list[_Value])
            golden.zsets[name] = {value.bytes(): value.score for value in members}
