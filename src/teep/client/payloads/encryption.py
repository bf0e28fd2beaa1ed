"""The last argument of a job with `encrypt`, encrypted before anything else looks at the job.

After that, middleware, errors, logs, Redis and the data API see only the envelope.
"""

from collections.abc import Mapping
from typing import Any

from teep import encryption
from teep.errors import InvalidArguments, InvalidJob
from teep.wire.fields.envelope import is_envelope
from teep.wire.payload import Item


def sealed(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a pushed mapping with its last argument encrypted, if it or the `defaults` ask for that.

    A payload that was pushed before, such as an `item` of the data API, keeps the envelope it has.

    Raises:
        InvalidArguments, ConfigurationError: it cannot be encrypted, so it must not be pushed.
    """
    if given.get("encrypt", defaults.get("encrypt")) is not True:
        return given
    args = given.get("args")
    if type(args) is not list or _was_pushed(given, args):
        return given
    return {**given, "args": sealed_args(given, args)}


def sealed_args(item: Mapping[str, Any], args: list[Any]) -> list[Any]:
    """Return one job's arguments with the last one encrypted."""
    if len(args) < 2:
        raise InvalidArguments(
            f"{item.get('class')} encrypts its last argument, so it takes at least two, not {len(args)}"
        )
    if item.get("kwargs"):
        raise InvalidArguments(
            f"{item.get('class')} encrypts its last argument; keyword-only ones would stay clear, so it takes none"
        )
    return [*args[:-1], encryption.encrypt(args[-1])]


def resealed(item: Item, before: Item) -> Item:
    """Return a changed payload, with its last argument encrypted if that argument is a new one."""
    if not item.get("encrypt") or type(item.get("args")) is not list:
        return item
    if before.get("encrypt") and item["args"][-1:] == before["args"][-1:]:
        return item
    return {**item, "args": sealed_args(item, item["args"])}


def envelope_of(item: Mapping[str, Any]) -> list[Any] | None:
    """Return the envelope with which `check_unchanged` compares after the middleware."""
    return item["args"][-1:] if item.get("encrypt") else None


def check_unchanged(item: Item, envelope: list[Any] | None) -> None:
    """Refuse a job that a middleware changed so that a clear argument would be stored as an encrypted one."""
    if item.get("encrypt") and envelope_of(item) != envelope:
        raise InvalidJob(
            f"a client middleware changed the last argument of {item['class']}, or asked to encrypt it: it comes too"
            " late for that; nothing was pushed"
        )


def _was_pushed(given: Mapping[str, Any], args: list[Any]) -> bool:
    return given.get("created_at") is not None and is_envelope(args[-1] if args else None)
