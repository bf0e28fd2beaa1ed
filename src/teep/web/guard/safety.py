"""What keeps the page safe to expose: headers on every answer, and proof that our own page asked for a change."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BYTES = 8 << 20
"""Bytes of a form or a JSON body: arguments may be edited, and those may be large."""
MOST_FIELDS = 5_000
"""Fields of a form: a page of a list has a hundred, and millions of them take seconds and hundreds of megabytes."""

REASONS = ("host", "origin", "token", "size", "verb")
"""Why a request was refused: each has a sentence in the translations."""

# Seconds that a form may stay open in a browser without `Sec-Fetch-Site`.
_FORM_SECONDS = 12 * 3600
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Form = Mapping[str, list[str]]


def new_nonce() -> str:
    """Return a nonce for the scripts of one answer."""
    return secrets.token_urlsafe(18)


def guarded(send: Send, nonce: str) -> Send:
    """Return a `send` that puts the headers on an answer. What does not say itself how it is cached is not stored."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
            headers.update(_HEADERS)
            headers.setdefault("Cache-Control", "private, no-store")
        await send(message)

    return sending


class Signer:
    """Signs what a browser brings back: form tokens, and what a redirect has to tell. `key` is shared by all."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def form_token(self, who: str) -> str:
        """Return the token of a form for one visitor."""
        issued = str(int(time.time()))
        return f"{issued}.{self._signature('form', who, issued)}"

    def is_form_token(self, token: str, who: str) -> bool:
        """Tell whether a token was given to this visitor, not too long ago."""
        issued, _, signature = token.partition(".")
        right = hmac.compare_digest(signature.encode(), self._signature("form", who, issued).encode())
        return right and time.time() - int(issued) < _FORM_SECONDS

    def sign(self, value: Any) -> str:
        """Return a plain value as a string for a query."""
        text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
        return f"{text}.{self._signature('value', text)}"

    def read(self, signed: str) -> Any:
        """Return the value that was signed here; None for anything else."""
        text, _, signature = signed.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature("value", text).encode()):
            return None
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    def _signature(self, *parts: str) -> str:
        data = json.dumps(parts).encode()
        return hmac.new(self._key, data, hashlib.sha256).hexdigest()[:32]


async def must_be_ours(request: Request, signer: Signer, who: str) -> None:
    """Refuse a change that another site may have made a browser ask for.

    Browsers say with `Sec-Fetch-Site` where a request comes from. Old ones, and others over plain HTTP, do not: a
    form of ours then has its token, and JSON cannot be sent by another site without being asked first.

    Raises:
        HTTPException: 403, or 413 for a form that is too large.
    """
    if site := request.headers.get("sec-fetch-site"):
        if site != "same-origin":
            raise HTTPException(403, "origin")
    elif media_type(request.headers) != "application/json":
        form = await read_form(request)
        if not signer.is_form_token(form.get("token", [""])[-1], who):
            raise HTTPException(403, "token")


async def read_form(request: Request) -> Form:
    """Return the fields of a form, each with its values; {} if the body is none.

    Raises:
        HTTPException: 413, it is too large, or has too many fields.
    """
    if media_type(request.headers) not in ("", "application/x-www-form-urlencoded"):
        return {}
    fields: dict[str, list[str]] = {}
    body = (await read_body(request)).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(413, "size") from None
    for name, value in pairs:
        fields.setdefault(name.removesuffix("[]"), []).append(value)
    return fields


async def read_body(request: Request) -> bytes:
    """Return the body of a request; it may be read again.

    Raises:
        HTTPException: 413, it is too large.
    """
    if hasattr(request.state, "teep_body"):
        return bytes(request.state.teep_body)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, "size")
    request.state.teep_body = bytes(body)
    return bytes(body)


def media_type(headers: Headers) -> str:
    """Return what a body is said to be, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
