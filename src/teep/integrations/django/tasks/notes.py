"""The attempts of a task: a hash that each run adds to, since a job itself knows only of its last failure.

| field | holds |
|---|---|
| `started`, `last`, `finished` | epoch seconds: of the first start, the last one, and the last end |
| `job` | the task and its arguments, as its payload had them |
| `w:<time>` | the process that an attempt ran in |
| `e:<time>` | the error that it ended with: `[class, traceback]` |
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from teep.errors import MalformedPayload
from teep.integrations.django.tasks.interface import TaskError
from teep.integrations.django.tasks.pushed import Pushed, written
from teep.wire import commands, json
from teep.wire.command import Command
from teep.wire.keys import Key, django_task

MOST_ERRORS = 10
"""Errors that are kept of a task, the last ones."""
_MOST_TRACEBACK = 10_000


class Notes(NamedTuple):
    """The attempts of a task so far; `pushed` is the task."""

    pushed: Pushed | None
    started: datetime | None
    last: datetime | None
    finished: datetime | None
    workers: list[str]
    errors: list[TaskError]


def read(jid: str) -> Command[dict[str, bytes]]:
    """Return the command that reads them, for `parse`."""
    return commands.hgetall(django_task(jid))


async def begin(jid: str, payload: Mapping[str, Any], worker: str, now: float, seconds: int) -> Notes:
    """Note the start of an attempt, to be kept for some seconds, and return those before it. One round trip."""
    key = django_task(jid)
    steps: list[Command[Any]] = [
        commands.hgetall(key),
        commands.hset_if_absent(key, "started", f"{now:.6f}"),
        commands.hset(key, {"job": written(payload), "last": f"{now:.6f}", f"w:{now:.6f}": worker}),
        commands.expire(key, seconds),
    ]
    before, *_ = await commands.pipeline_of(steps)
    return parse(before)


async def end(jid: str, now: float, error: TaskError | None, began: float, seconds: int) -> None:
    """Note the end of an attempt. One round trip."""
    key: Key = django_task(jid)
    fields: dict[str, str | bytes] = {"finished": f"{now:.6f}"}
    if error is not None:
        told = [error.exception_class_path, error.traceback[-_MOST_TRACEBACK:]]
        fields[f"e:{began:.6f}"] = json.dumps([_utf8(each) for each in told])
    await commands.pipeline(commands.hset(key, fields), commands.expire(key, seconds))


def parse(fields: Mapping[str, bytes]) -> Notes:
    """Return them, read out of the hash's fields; what cannot be read is left out."""
    errors = [error for name in sorted(fields) if name.startswith("e:") and (error := _error(fields[name]))]
    return Notes(
        _pushed(fields.get("job", b"")),
        _time(fields.get("started")),
        _time(fields.get("last")),
        _time(fields.get("finished")),
        [fields[name].decode(errors="replace") for name in sorted(fields) if name.startswith("w:")],
        errors[-MOST_ERRORS:],
    )


def _time(raw: bytes | None) -> datetime | None:
    try:
        return None if raw is None else datetime.fromtimestamp(float(raw), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _error(raw: bytes) -> TaskError | None:
    found = _loaded(raw)
    if isinstance(found, list) and len(found) == 2 and all(isinstance(each, str) for each in found):
        return TaskError(exception_class_path=found[0], traceback=found[1])
    return None


def _pushed(raw: bytes) -> Pushed | None:
    found = _loaded(raw)
    return Pushed.of(found) if isinstance(found, dict) else None


def _loaded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except MalformedPayload:
        return None


def _utf8(text: str) -> str:
    return text.encode(errors="replace").decode()
