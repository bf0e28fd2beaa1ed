"""The hooks by which a feature, such as unique jobs, takes part in a job's life. Each may be left out."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from teep.store.running.outcome import End, Outcome
from teep.wire.payload import Item, TimeUnit
from teep.wire.scripts.step import Part, Parts

if TYPE_CHECKING:
    from teep.store.limits import Hold


class Unit(Protocol):
    """A job that a worker has reserved.

    `may_have_begun` tells whether an earlier run may have saved a place: it is iterable, or its code is unknown here.
    `stored` returns the payload as it lies in Redis, and `named` the `extra` of a log line about it.
    """

    @property
    def queue(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def jid(self) -> str | None: ...
    @property
    def may_have_begun(self) -> bool: ...
    def stored(self) -> Item: ...
    def named(self) -> dict[str, Any]: ...


class LimitedUnit(Unit, Protocol):
    """A reserved job whose code has `limits`. `held` are the places that it holds until it leaves flight."""

    @property
    def item(self) -> Item | None: ...
    @property
    def limits(self) -> Sequence[Any]: ...
    @property
    def held(self) -> "Sequence[Hold]": ...
    def hold(self, hold: "Hold") -> None: ...


class Pushing(NamedTuple):
    """A push as a feature sees it: when (epoch seconds), how timestamps are written, and whether the job is new."""

    now: float
    unit: TimeUnit
    is_new: bool


class Barred(NamedTuple):
    """A job that must not run: its outcome instead, and the word for the log."""

    outcome: Outcome
    word: str


class Feature:
    """The hooks of a feature. It holds no state of its own: all is in Redis, or in the payload."""

    name: ClassVar[str]
    """Its guards and parts are called `name.something`."""

    option: ClassVar[str]
    """The option by which a job asks for it."""

    stamps: ClassVar[str | None] = None
    """The field that it writes into a payload at a push, by which it recognises the job later."""

    restamps: ClassVar[bool] = False
    """Whether that field follows from the option, so that it goes if someone changes the option of a stored job."""

    differs: ClassVar[bool] = False
    """Whether its work at a push depends on the arguments, so that it looks at each job of a bulk push."""

    before: ClassVar[frozenset[str]] = frozenset()
    """The fields that a job has if the feature must see it before it runs."""

    ends: ClassVar[bool] = False
    """Whether parts go along when a job ends that has the field `stamps`."""

    returns: ClassVar[str | None] = None
    """The name of the part that goes along with a success and depends on what the job returned. A job has one."""

    def check(self, job: str, options: Mapping[str, Any]) -> None:
        """Refuse a job's options that do not go together. Raises InvalidJob."""

    def on_push(self, item: Item, pushing: Pushing) -> tuple[Item, Parts]:  # noqa: ARG002 - for those that do more
        """Return the payload of a job that uses it, and the parts of its push. Raises InvalidJob."""
        return item, Parts()

    def kept_out(self, jid: str, word: str) -> None:
        """Report a job that one of its guards kept from being pushed; `word` is what stood in the way."""

    def on_end(self, item: Item, how: End) -> tuple[Part, ...]:  # noqa: ARG002 - as above
        """Return the parts that go along when a job ends for good: `how` says why it will not run (again)."""
        return ()

    def on_return(self, part: Part, value: Any, unit: Unit) -> Part:  # noqa: ARG002 - as above
        """Return that part for a job that returned `value`. Must not raise: the job is done."""
        return part

    fails: ClassVar[bool] = False
    """Whether parts go along when a job fails that has the field `stamps`, and comes again."""

    def on_failure(self, item: Item) -> tuple[Part, ...]:  # noqa: ARG002 - as above
        """Return the parts that go along when a job fails and comes again."""
        return ()

    def passes(self, item: Item) -> bool:  # noqa: ARG002 - as above
        """Tell whether it is known, without a look at Redis, that a job may run now; else `admit` is asked."""
        return False

    async def admit(self, unit: Unit, item: Item) -> Barred | None:  # noqa: ARG002 - as above
        """Return why a job must not run now, or None if it may; `item` is its payload as Redis has it."""
        return None

    of_code: ClassVar[bool] = False
    """Whether it is asked about jobs whose code has `limits`, and acts with the process of a worker."""

    async def admit_all(
        self,
        units: Sequence[LimitedUnit],  # noqa: ARG002 - as above
        identity: str,  # noqa: ARG002 - as above
    ) -> Mapping[int, Barred | Exception | None]:
        """Return by number why jobs must not run now, None if they may, or the error with which they fail.

        The first one starts now, the others most likely soon. One that is missing has to ask again when it starts.
        """
        return {}

    def takes_over(self, unit: LimitedUnit, hold: "Hold") -> bool:  # noqa: ARG002 - as above
        """Tell whether a job needs nothing but this place, so that it may run with it."""
        return False

    async def beat(self, identity: str, units: Collection[LimitedUnit]) -> None:
        """Act at a heartbeat of a worker: `units` run there or are about to."""

    async def leave(self, identity: str) -> None:
        """Act on the end of a worker, once its jobs are settled or back in their queues."""

    async def starts(self, unit: Unit) -> None:
        """Act on the start of a job."""
