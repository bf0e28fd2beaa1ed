"""A stored backtrace: base64 of a zlib-deflated JSON array of lines, innermost first."""

import base64
import binascii
import zlib
from collections.abc import Sequence

from teep.errors import MalformedPayload
from teep.wire import json


def pack(lines: Sequence[str]) -> str:
    """Return `lines` as Sidekiq stores them (strict base64, as from 7.2 on)."""
    clean = [line.encode(errors="replace").decode() for line in lines]
    return base64.b64encode(zlib.compress(json.dumps(clean))).decode()


def unpack(stored: str) -> list[str]:
    """Return the lines of a stored backtrace of any version (older ones break their base64 into lines).

    Raises:
        MalformedPayload: it is not base64 of deflated JSON.
    """
    try:
        lines = json.loads(zlib.decompress(base64.b64decode(stored)))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise MalformedPayload(f"not a stored backtrace: {error}") from error
    if not isinstance(lines, list):
        raise MalformedPayload("a stored backtrace must be a JSON array")
    return [str(line) for line in lines]
