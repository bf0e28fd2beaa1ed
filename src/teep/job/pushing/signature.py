"""A job with its arguments, as a value: to be pushed later, or often, or by someone else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NoReturn, Unpack

from teep.client import BoundJob
from teep.client.payloads.push import name_in
from teep.client.times import moment
from teep.config import default_config
from teep.errors import ConfigurationError, InvalidArguments, InvalidJob, InvalidType
from teep.job.definition import Definition
from teep.job.options import SetOptions, chosen
from teep.wire import json, options, payload
from teep.wire.fields.envelope import ENCRYPTED
from teep.wire.payload import Item

# The fields of the call itself; the others are options, which stand before them.
_CALL = ("args", "class", "kwargs")


class Signature(BoundJob):
    """A job with its arguments: `welcome.s(42, locale="de")`, pushed by `teep.push(signature)`.

    It is checked when it is made, as a push checks: a call that cannot be is refused there. It never changes, also
    if the lists and dicts that it was made of do. Two are equal if they would push the same, and then have one hash.
    Each push of it makes a job with a jid of its own.

    An argument that the job encrypts is encrypted by the push. Until then it lies here in clear, but no `repr` shows
    it. Celery's signature, always immutable: no result is added to its arguments.
    """

    __slots__ = ("_at", "_definition", "_raw")

    def __init__(self, definition: Definition, item: Item, at: float | timedelta | None) -> None:
        """Make one of a payload without `at`; `at` is an epoch time, or counts from the push. Use `.s(…)` instead.

        Raises:
            InvalidArguments, InvalidJob: it could not be pushed.
        """
        try:
            payload.validate(item)
            json.check_fields(item)
            options.check(item)
        except (InvalidArguments, InvalidJob) as error:
            name_in(error, item)
            raise
        self._definition: Final = definition
        self._at: Final = at
        self._raw: Final = json.dumps(item)

    @property
    def name(self) -> str:
        """The job's name on the wire."""
        return self._definition.name

    @property
    def args(self) -> list[Any]:
        """The arguments, as the payload will have them, but none encrypted."""
        args: list[Any] = self._item["args"]
        return args

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword-only arguments."""
        return self._item.get("kwargs") or {}

    @property
    def due(self) -> float | timedelta | None:
        return self._at

    def set(self, **changes: Unpack[SetOptions]) -> "Signature":
        """Return a signature with other options for its pushes; see `Verbs.set`. `wait` counts from the push."""
        item = self._item
        call = {name: item.pop(name) for name in _CALL if name in item}
        own, at = chosen(self.name, changes, self._at)
        item |= own
        self._definition.check_options(item)
        return Signature(self._definition, item | call, at)

    def to_payload(self, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Item:
        """Return the payload that a push of it now would send, as `Client.push` takes it.

        `args` and `kwargs` are for those that take any job with its arguments.

        Raises:
            InvalidArguments: some were given, and it has its own.
        """
        if args or kwargs:
            raise InvalidArguments(f"{self!r} has its arguments already; give the job itself with others")
        return self._item if self._at is None else self._item | {"at": moment(self._at)}

    @property
    def _item(self) -> Item:
        item: Item = json.loads(self._raw)
        return item

    def _key(self) -> tuple[bytes, float | timedelta | None]:
        return json.canonical(self._item), self._at

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Signature) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        item, usual = self._item, self._definition.options.fields
        args = item["args"]
        if args and _is_secret(item):
            args = [*args[:-1], ENCRYPTED]
        own = {name: value for name, value in item.items() if name not in _CALL and usual.get(name) != value}
        if isinstance(self._at, timedelta):
            own["wait"] = self._at.total_seconds()
        elif self._at is not None:
            own["wait_until"] = self._at
        call = _shown(*args, **(item.get("kwargs") or {}))
        return f"{self.name}.s({call})" + (f".set({_shown(**own)})" if own else "")

    def __copy__(self) -> "Signature":
        return self

    def __deepcopy__(self, _memo: object) -> "Signature":
        return self

    def __reduce__(self) -> NoReturn:
        raise InvalidType(
            f"a signature cannot be pickled; send its payload, signature.to_payload(), or call {self.name}.s(…) there"
        )


def _shown(*args: Any, **kwargs: Any) -> str:
    return ", ".join([*(f"{value!r:.200}" for value in args), *(f"{name}={kwargs[name]!r:.200}" for name in kwargs)])


def _is_secret(item: Item) -> bool:
    """Whether its last argument will be encrypted, by its own options or by those of all jobs."""
    if item.get("encrypt") is not None:
        return bool(item["encrypt"])
    try:
        return bool(default_config().job_defaults.get("encrypt"))
    except ConfigurationError:
        return True
