"""The Redis commands teep uses, each a typed value that a plan awaits and a driver carries out.

1. `pipeline` sends several in one round trip; they are not atomic, as in Sidekiq's own pipelines.
2. `transaction` wraps several in MULTI and EXEC.

Replies are RESP2: byte strings, integers, lists and None.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast, overload

from teep.wire.command import Arg, Command, MultiExec, Pipeline
from teep.wire.keys import Key

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")


@overload
def pipeline(a: Command[T1], b: Command[T2], /) -> Command[tuple[T1, T2]]: ...
@overload
def pipeline(a: Command[T1], b: Command[T2], c: Command[T3], /) -> Command[tuple[T1, T2, T3]]: ...
def pipeline(*commands: Command[Any]) -> Any:
    """Send `commands` in one round trip and return their results in order."""
    return Pipeline(commands, read=tuple)


def pipeline_of(commands: Iterable[Command[T]]) -> Command[list[T]]:
    """As `pipeline`, from an iterable."""
    return cast("Command[list[T]]", Pipeline(commands))


def transaction(*commands: Command[Any]) -> Command[list[Any]]:
    """Carry out `commands` all together or not at all, and return their results in order."""
    return MultiExec(commands)


def shortened(command: Command[T], seconds: float) -> Command[T]:
    """Return a blocking command that blocks for at most so long; its timeout is its last argument."""
    block = min(command.block, seconds)
    return Command(*command.args[:-1], repr(block), read=command.read, block=block)


def score(seconds: float) -> str:
    """Return a zset score as Sidekiq sends it: the shortest decimal that is this double."""
    return repr(float(seconds))


def as_is(reply: Any) -> Any:
    return reply


def text(reply: bytes) -> str:
    return reply.decode(errors="surrogateescape")


def _texts(reply: list[bytes]) -> list[str]:
    return [text(item) for item in reply]


def _int_or_zero(reply: bytes | None) -> int:
    """Return a counter; 0 for one that is not there, or that another program has made no number, as Ruby's `to_i`."""
    try:
        return int(reply or 0)
    except ValueError:
        return 0


def scored(reply: list[bytes]) -> list[tuple[bytes, float]]:
    return [(reply[i], float(reply[i + 1])) for i in range(0, len(reply), 2)]


def _fields(reply: list[bytes]) -> dict[str, bytes]:
    return {text(reply[i]): reply[i + 1] for i in range(0, len(reply), 2)}


def ping() -> Command[Any]:
    return Command("PING", read=as_is, idempotent=True)


def time() -> Command[float]:
    """Return the server's clock, in epoch seconds."""
    return Command("TIME", read=lambda reply: int(reply[0]) + int(reply[1]) / 1e6, idempotent=True)


def exists(*keys: Key, patient: bool = True) -> Command[bool]:
    """Tell whether any of these keys is there. Sent only once if its caller is not `patient`."""
    return Command("EXISTS", *keys, read=bool, idempotent=patient)


def flushdb() -> Command[Any]:
    return Command("FLUSHDB", read=as_is, idempotent=True)


def flushall() -> Command[Any]:
    return Command("FLUSHALL", read=as_is, idempotent=True)


def rewrite_append_only_file() -> Command[Any]:
    return Command("BGREWRITEAOF", read=as_is, idempotent=True)


def unlink(*keys: Key) -> Command[int]:
    return Command("UNLINK", *keys, read=int, idempotent=True)


def expire(key: Key, seconds: int) -> Command[int]:
    return Command("EXPIRE", key, seconds, read=int, idempotent=True)


def get(key: Key) -> Command[bytes | None]:
    return Command("GET", key, read=as_is, idempotent=True)


def pttl(key: Key) -> Command[int]:
    """Milliseconds that a key has left; negative if it is not there or does not end."""
    return Command("PTTL", key, read=int, idempotent=True)


def get_int(key: Key) -> Command[int]:
    return Command("GET", key, read=_int_or_zero, idempotent=True)


def get_text(key: Key) -> Command[str]:
    return Command("GET", key, read=lambda reply: text(reply or b""), idempotent=True)


def set_int(key: Key, value: int) -> Command[Any]:
    return Command("SET", key, value, read=as_is, idempotent=True)


def mget_ints(keys: Sequence[Key]) -> Command[list[int]]:
    return Command("MGET", *keys, read=lambda reply: list(map(_int_or_zero, reply)), idempotent=True)


def mset(values: Mapping[Key, Arg]) -> Command[Any]:
    return Command("MSET", *(part for pair in values.items() for part in pair), read=as_is, idempotent=True)


def set_if_absent(key: Key, value: Arg, seconds: int, *, repeatable: bool = False) -> Command[bool]:
    return Command(
        "SET", key, value, "NX", "EX", seconds, read=lambda reply: reply is not None, idempotent=repeatable
    )


def sadd(key: Key, *members: Arg) -> Command[int]:
    return Command("SADD", key, *members, read=int, idempotent=True)


def srem(key: Key, *members: Arg) -> Command[int]:
    return Command("SREM", key, *members, read=int, idempotent=True)


def scard(key: Key) -> Command[int]:
    return Command("SCARD", key, read=int, idempotent=True)


def sismember(key: Key, member: Arg) -> Command[bool]:
    return Command("SISMEMBER", key, member, read=bool, idempotent=True)


def smembers(key: Key) -> Command[list[str]]:
    return Command("SMEMBERS", key, read=_texts, idempotent=True)


def sscan(key: Key, cursor: int, count: int) -> Command[tuple[int, list[str]]]:
    return Command(
        "SSCAN", key, cursor, "COUNT", count, read=lambda reply: (int(reply[0]), _texts(reply[1])), idempotent=True
    )


def llen(key: Key) -> Command[int]:
    return Command("LLEN", key, read=int, idempotent=True)


def lpush(key: Key, *values: Arg, repeatable: bool = False) -> Command[int]:
    """Add values at a list's head; `repeatable`: twice is better than not at all."""
    return Command("LPUSH", key, *values, read=int, idempotent=repeatable)


def lindex(key: Key, index: int) -> Command[bytes | None]:
    return Command("LINDEX", key, index, read=as_is, idempotent=True)


def lpos_from_tail(key: Key, value: bytes) -> Command[int | None]:
    """The index (from the head) of the value's last occurrence."""
    return Command("LPOS", key, value, "RANK", -1, read=as_is, idempotent=True)


def lrange(key: Key, start: int, stop: int) -> Command[list[bytes]]:
    return Command("LRANGE", key, start, stop, read=list, idempotent=True)


def lrem(key: Key, count: int, value: Arg) -> Command[int]:
    return Command("LREM", key, count, value, read=int, idempotent=True)


def brpop_text(keys: Sequence[Key], seconds: int, read: Callable[[str, str], T]) -> Command[T | None]:
    """Take a string from the first of some lists that has one; `read` makes the result from key and string."""
    return Command(
        "BRPOP", *keys, seconds, read=lambda reply: reply and read(text(reply[0]), text(reply[1])), block=seconds
    )


def blmove_tail(source: Key, target: Key, seconds: int) -> Command[bytes | None]:
    """Take the next job of a queue (its tail) and append it to `target`, waiting up to `seconds` for one."""
    return Command("BLMOVE", source, target, "RIGHT", "RIGHT", seconds, read=as_is, block=seconds)


def scan_lists(cursor: int, match: str, count: int) -> Command[tuple[int, list[bytes]]]:
    """The next cursor, and the lists with matching names among about `count` keys. Needs no right to any key."""
    return Command(
        "SCAN", cursor, "MATCH", match, "COUNT", count, "TYPE", "list",
        read=lambda reply: (int(reply[0]), reply[1]), idempotent=True,
    )  # fmt: skip


def zcard(key: Key) -> Command[int]:
    return Command("ZCARD", key, read=int, idempotent=True)


def zcount(key: Key, low: str, high: str) -> Command[int]:
    return Command("ZCOUNT", key, low, high, read=int, idempotent=True)


def zadd(key: Key, *scored: tuple[float, bytes], repeatable: bool = False) -> Command[int]:
    """Add members at their scores. One that was moved on meanwhile is there twice after a repeat: see `lpush`."""
    return Command(
        "ZADD",
        key,
        *(part for at, member in scored for part in (score(at), member)),
        read=int,
        idempotent=repeatable,
    )


def zadd_existing(key: Key, at: float, member: bytes) -> Command[int]:
    """Change the score of a member, only if it is there. The reply does not tell."""
    return Command("ZADD", key, "XX", score(at), member, read=int, idempotent=True)


def zscore(key: Key, member: bytes) -> Command[float | None]:
    return Command("ZSCORE", key, member, read=lambda reply: reply and float(reply), idempotent=True)


def zrem(key: Key, *members: bytes) -> Command[int]:
    return Command("ZREM", key, *members, read=int, idempotent=True)


def zrange(key: Key, start: int, stop: int) -> Command[list[tuple[bytes, float]]]:
    """Members by rank, lowest score first, with their scores."""
    return Command("ZRANGE", key, start, stop, "WITHSCORES", read=scored, idempotent=True)


def zrevrange(key: Key, start: int, stop: int) -> Command[list[tuple[bytes, float]]]:
    """Members by rank, highest score first, with their scores."""
    return Command("ZREVRANGE", key, start, stop, "WITHSCORES", read=scored, idempotent=True)


def zrangebyscore(
    key: Key, low: str, high: str, offset: int = 0, count: int = -1
) -> Command[list[tuple[bytes, float]]]:
    """Members with scores from `low` to `high` (Redis notation, such as "-inf" or "(5")."""
    return Command(
        "ZRANGEBYSCORE", key, low, high, "WITHSCORES", "LIMIT", offset, count, read=scored, idempotent=True
    )


def zremrangebyscore(key: Key, low: str, high: str) -> Command[int]:
    return Command("ZREMRANGEBYSCORE", key, low, high, read=int, idempotent=True)


def zremrangebyrank(key: Key, start: int, stop: int) -> Command[int]:
    return Command("ZREMRANGEBYRANK", key, start, stop, read=int)


def zpopmin(key: Key) -> Command[list[tuple[bytes, float]]]:
    return Command("ZPOPMIN", key, read=scored)


def zscan(key: Key, cursor: int, match: str, count: int) -> Command[tuple[int, list[tuple[bytes, float]]]]:
    return Command(
        "ZSCAN", key, cursor, "MATCH", match, "COUNT", count,
        read=lambda reply: (int(reply[0]), scored(reply[1])), idempotent=True,
    )  # fmt: skip


def hset(key: Key, fields: Mapping[str, Arg]) -> Command[int]:
    return Command("HSET", key, *(part for pair in fields.items() for part in pair), read=int, idempotent=True)


def copy(source: Key, target: Key) -> Command[int]:
    """Copy `source` to `target`, with its time to live."""
    return Command("COPY", source, target, "REPLACE", read=int, idempotent=True)


def hset_if_absent(key: Key, field: str, value: Arg) -> Command[bool]:
    """Set a field that is not there yet; True if it was set. A repeat would answer False."""
    return Command("HSETNX", key, field, value, read=bool)


def hget(key: Key, field: str) -> Command[bytes | None]:
    return Command("HGET", key, field, read=as_is, idempotent=True)


def hget_int(key: Key, field: str) -> Command[int]:
    return Command("HGET", key, field, read=_int_or_zero, idempotent=True)


def hmget(key: Key, *fields: str) -> Command[list[bytes | None]]:
    return Command("HMGET", key, *fields, read=list, idempotent=True)


def hlen(key: Key) -> Command[int]:
    return Command("HLEN", key, read=int, idempotent=True)


def hgetall(key: Key) -> Command[dict[str, bytes]]:
    return Command("HGETALL", key, read=_fields, idempotent=True)


def memory_usage(key: Key) -> Command[int]:
    return Command("MEMORY", "USAGE", key, "SAMPLES", 50, read=_int_or_zero, idempotent=True)


def info(section: str) -> Command[str]:
    return Command("INFO", section, read=text, idempotent=True)
