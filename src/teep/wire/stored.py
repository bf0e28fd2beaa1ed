"""A job as it lies in Redis: its exact bytes, and its fields, parsed once."""

from functools import cached_property

from teep.errors import MalformedPayload
from teep.wire import json, payload
from teep.wire.payload import Item


class Stored:
    """The bytes of a job, or of anything in its place, parsed as JSON once, at the first use.

    1. `item` is the payload, None if they are no job. A job here is a job everywhere: queues take it, workers
       run it, the verbs of the data API send it on.
    2. `fields` are for showing and searching. They are those of any JSON object, job or not, else {}.

    Both are shared by all that are handed this object, so make a copy before changing one.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @property
    def fields(self) -> Item:
        return self._read[0]

    @property
    def item(self) -> Item | None:
        fields, problem = self._read
        return None if problem else fields

    @property
    def jid(self) -> str | None:
        jid = self.fields.get("jid")
        return jid if type(jid) is str else None  # another producer may have put anything there

    def parsed(self) -> Item:
        """Return the payload.

        Raises:
            MalformedPayload: the bytes are no job.
        """
        fields, problem = self._read
        if problem:
            raise MalformedPayload(problem)
        return fields

    @cached_property
    def _read(self) -> tuple[Item, str]:
        """The fields, and why they are no job ("": they are one)."""
        try:
            value = json.loads(self.raw)
        except MalformedPayload as error:
            return {}, str(error)
        problem = payload.problem_of(value)
        return value if type(value) is dict else {}, problem
