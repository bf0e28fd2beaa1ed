"""Bodies in JSON, as they come and as they go."""

import json
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from teep.web.guard.safety import REASONS, media_type, read_body
from teep.web.rendering.words import Words


class Refused(Exception):
    """Ends a request with a status and a sentence."""

    def __init__(self, status: int, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.status = status
        self.more = more


def stamp(at: datetime | None) -> str | None:
    """Return a time as JSON has it: ISO 8601, or null."""
    return None if at is None else at.isoformat()


def answer(value: Any, status: int = 200) -> Response:
    """Answer with a value. In ASCII, so that whatever string lies in Redis gets through."""
    try:
        text = json.dumps(value, default=str, allow_nan=False)
    except ValueError:  # arguments may hold NaN, which is no JSON and would spoil the whole answer
        text = json.dumps(json.loads(json.dumps(value, default=str), parse_constant=str))
    return Response(text, status, media_type="application/json")


def failed(words: Words, status: int, reason: str) -> Response:
    """Answer with what went wrong: a reason of the pages' own, or a sentence of teep's."""
    table = "error." + str(400 if status == 413 else status)
    more = words(f"error.{reason}") if reason in REASONS else reason
    return answer({"error": ". ".join(part for part in (words(table), more) if part)}, status)


async def read(request: Request) -> dict[str, Any]:
    """Return the object that a request brings.

    Raises:
        Refused: it brings none.
        HTTPException: 413, it is too large.
    """
    if media_type(request.headers) != "application/json":
        raise Refused(415, "the body must be application/json")
    try:
        value = json.loads(await read_body(request))
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(400, "the body must be an object")
    return value


def field(body: dict[str, Any], name: str, kind: Any, default: Any = None) -> Any:
    """Return a field of a body.

    Raises:
        Refused: it is of another kind.
    """
    value = body.get(name, default)
    if value is not default and (not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool)):
        raise Refused(400, f"{name} must be a {kind.__name__}, not {value!r}")
    return value
