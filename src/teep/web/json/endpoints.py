"""What an endpoint is, how it answers, and the description of all of them in OpenAPI."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from teep.version import __version__
from teep.web.json.answers import Refused, answer

Schema = Mapping[str, Any]

STRING: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
ANY: Schema = {}

_ERROR: Schema = {"type": "object", "properties": {"error": STRING}, "required": ["error"]}
_ERRORS = {
    "400": "What was sent makes no sense.",
    "401": "Nobody is logged in.",
    "403": "The role does not include it, or another site asked.",
    "404": "There is nothing here.",
    "405": "This address takes another kind of request.",
    "409": "Something has changed, or Redis refused it.",
    "413": "What was sent is too large.",
    "415": "The body is no JSON.",
    "503": "Redis cannot be reached.",
}


def some(of: Schema, text: str = "") -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": of, **({"description": text} if text else {})}


def thing(**properties: Schema) -> Schema:
    """Return the schema of an object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def maybe(of: Schema) -> Schema:
    """Return the schema of a value that may be null."""
    return {"anyOf": [of, {"type": "null"}]}


@dataclass(frozen=True)
class Endpoint:
    """A path with a method, what it takes, and what it gives."""

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    summary: str
    gives: Schema
    query: Mapping[str, str] = field(default_factory=dict)
    takes: Schema | None = None
    later: str = ""
    """What it means if this answers 202."""

    @property
    def route(self) -> Route:
        """The route of it."""
        return Route(self.path, self._answer, methods=[self.method])

    async def _answer(self, request: Request) -> Response:
        try:
            return await self.handler(request)
        except Refused as error:
            return answer({"error": str(error), **error.more}, error.status)

    def described(self) -> dict[str, Any]:
        """Return what OpenAPI says of it."""
        names = re.findall(r"{(\w+)}", self.path)
        told: dict[str, Any] = {
            "summary": self.summary,
            "parameters": [
                *({"name": name, "in": "path", "required": True, "schema": STRING} for name in names),
                *({"name": name, "in": "query", "description": text, "schema": STRING}
                  for name, text in self.query.items()),
            ],
            "responses": {
                **{code: {"description": text, "content": {"application/json": {"schema": self.gives}}}
                   for code, text in (("200", "Done."), ("202", self.later)) if text},
                **{code: {"description": text, "content": {"application/json": {"schema": _ERROR}}}
                   for code, text in _ERRORS.items()},
            },
        }  # fmt: skip
        if self.takes is not None:
            told["requestBody"] = {"required": True, "content": {"application/json": {"schema": self.takes}}}
        return told


def openapi(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the description of some endpoints. Its paths begin at the page, wherever that is mounted."""
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = endpoint.described()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "teep",
            "version": __version__,
            "description": "Background jobs: what the web page shows and does, for programs.",
        },
        "servers": [{"url": ".."}],
        "paths": paths,
    }
