"""The steps of a push before it is sent: defaults, validation, middleware, JSON."""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from teep.client.payloads.encryption import check_unchanged, envelope_of, sealed
from teep.config import Config
from teep.errors import InvalidArguments, InvalidJob, TeepError
from teep.store import features
from teep.store.feature import Pushing
from teep.store.jobs.pushes import Extra, Push
from teep.wire import json, payload
from teep.wire.payload import Item
from teep.wire.scripts.step import Parts

JID_RANDOM_BYTES = 6


class Prepared(NamedTuple):
    """A payload ready to be sent: to its queue, or if `at` (epoch seconds) is set, to the scheduled set.

    `parts` are the features' parts of its push.
    """

    jid: str
    queue: str
    at: float | None
    raw: bytes
    parts: Parts | None = None


def new_jid(now: float) -> str:
    return payload.new_jid(now, os.urandom(JID_RANDOM_BYTES))


def is_transactional(config: Config, given: Mapping[str, Any]) -> bool:
    """Whether a push that was checked may wait for a database transaction."""
    return given.get("transactional", config.job_defaults.get("transactional")) is not False


def prepare(config: Config, given: Mapping[str, Any]) -> Prepared | None:
    """Return the job to send for one pushed mapping, or None if a middleware stopped it."""
    now = time.time()
    try:
        payload.validate_kind(given)
        given = sealed(given, config.job_defaults)
        item = payload.normalise(given, config.job_defaults, new_jid(now), now, config.timestamps)
        return finish(config, item, now)
    except (InvalidArguments, InvalidJob) as error:
        name_in(error, given)
        raise


def name_in(error: TeepError, given: Mapping[str, Any]) -> None:
    """Have an error say which job it is about."""
    name = given.get("class") if isinstance(given, Mapping) else None
    if isinstance(name, str) and name and name not in str(error):
        error.args = (f"{name}: {error}",)


def finish(config: Config, item: Item, now: float, *, is_new: bool = True) -> Prepared | None:
    """Run the client middleware, have features add their parts, and write the payload's bytes."""
    if len(config.client_middleware):
        envelope = envelope_of(item)
        passed = config.client_middleware.invoke(item, lambda: item)
        if not passed:
            return None
        if not isinstance(passed, dict):
            raise InvalidJob(f"a client middleware returns what call_next() gave it, a payload, and not {passed!r}")
        item = passed
        check_unchanged(item, envelope)
        json.check_fields(item)
    item, parts = features.on_push(item, Pushing(now, config.timestamps, is_new))
    at = item.get("at")
    if at is not None and at > now:
        return Prepared(item["jid"], item["queue"], float(at), payload.serialise(payload.scheduled(item)), parts)
    raw = payload.serialise(payload.queued(item, now, config.timestamps))
    return Prepared(item["jid"], item["queue"], None, raw, parts)


def push_of(jobs: Iterable[Prepared], *, transactional: bool) -> Push:
    """Return the push that sends these jobs in one round trip."""
    now: dict[str, list[bytes]] = {}
    later: list[tuple[float, bytes]] = []
    extras: dict[bytes, Extra] = {}
    for job in jobs:
        if job.parts is not None:
            extras[job.raw] = Extra(job.jid, job.parts)
        if job.at is None:
            now.setdefault(job.queue, []).append(job.raw)
        else:
            later.append((job.at, job.raw))
    return Push(now, later, extras=extras, transactional=transactional)
