"""A job as the runtime sees it, and the registry that finds one by the name in a payload."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import CoroutineType
from typing import Any

from teep import encryption
from teep.client.payloads.template import Template
from teep.config import Config
from teep.errors import InvalidArguments, InvalidJob, UnknownJob
from teep.job.calls.binding import Binder
from teep.job.calls.conversion import ConvertingBinder, converting
from teep.job.injection.needs import check, needs_of
from teep.job.injection.scope import injecting
from teep.job.options import Options
from teep.job.origin import Origin, here
from teep.store import features

_registry: dict[str, "Definition"] = {}
_iterable: set[str] = set()  # the names of iterable jobs, of any that were ever registered


class Definition:
    """One job: its name on the wire, its options, and how to call it.

    `function` is the author's; for a class (`instance_of`) it is a method, called on a fresh instance each run.
    If there is a `runner`, as iterable jobs have, it runs instead, on the same arguments; `function` then takes an
    item before them.
    """

    def __init__(
        self,
        name: str,
        options: Options,
        function: Callable[..., Any],
        instance_of: type | None = None,
        runner: Callable[..., Any] | None = None,
    ) -> None:
        if _yields(function):
            raise InvalidJob(
                f"{name} has a yield, so a call of it runs nothing; for a job of many items write an IterableJob"
            )
        self.name = name
        self.options = options
        self.is_iterable = runner is not None
        self.is_async = _is(inspect.iscoroutinefunction, function)
        self.is_limited = bool(options.limits)
        self.function = function
        self.origin = Origin(function)
        self._what = (function, instance_of, options)
        self._function = runner or function
        self._class = instance_of
        if needs := needs_of(function, name):
            check(needs, name, is_async=self.is_async)
            self._function = injecting(self._function, needs, is_async=self.is_async)
        own = instance_of is not None
        binds = ConvertingBinder if options.converts else Binder
        self._binder = binds(function, name, skip=own + (runner is not None), given=needs)
        if isinstance(self._binder, ConvertingBinder):
            self._function = converting(self._function, self._binder.converter, own=own)
        self._template: Template | None = None
        self.check_options(options.fields)

    @property
    def signature(self) -> inspect.Signature:
        """How it is called at a push."""
        return self._binder.signature

    @property
    def module(self) -> str:
        """The name of the module that defines it."""
        return (self._class or self.function).__module__

    def check_options(self, fields: Mapping[str, Any]) -> None:
        """Refuse options that do not fit the signature, or each other.

        Raises:
            InvalidJob: with `encrypt`, a call could end in another argument than the secret one; or two features do
                not go together.
        """
        features.check(self.name, fields)
        if fields.get("encrypt") and not self._binder.always_ends_alike:
            raise InvalidJob(
                f"{self.name} encrypts its last argument, so it must take at least two, the last of them without a"
                " default and not by keyword only"
            )

    def to_payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the payload for a call, in Sidekiq's order: first the options, then class and arguments."""
        positions, by_name = self._binder.bind(args, kwargs)
        item = {**self.options.fields, "args": positions, "class": self.name}
        if by_name:
            item["kwargs"] = by_name
        return item

    def template(self, config: Config) -> Template:
        """Return the template of plain pushes, made anew for another configuration than that of the last call."""
        template = self._template
        if template is None or template.config is not config:
            template = self._template = Template(config, self.name, self.options.fields)
        return template

    def fits(self, args: tuple[Any, ...]) -> bool:
        """Whether these arguments make a call, as they are and alone."""
        return self._binder.fits(len(args))

    def call_of(self, item: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of a payload's call, the same whether a default was left out or written out."""
        return self._binder.shortest(item["args"], item.get("kwargs") or {})

    def bulk_rows(self, rows: Iterable[Any]) -> Iterator[list[Any]]:
        """Yield the argument lists of a bulk push, each checked against the signature as it is needed."""
        lengths = set[int]()  # that fit
        for row, args in enumerate(rows):
            if type(args) is list and len(args) in lengths:
                yield args
            else:
                yield (checked := self.bulk_args(args, row))
                if checked is args:
                    lengths.add(len(checked))

    def bulk_args(self, args: Any, row: int = 0) -> list[Any]:
        """Check one job's argument list of a bulk push against the signature."""
        if not isinstance(args, (list, tuple)):
            raise self.bulk_error(f"and row {row} is of type {type(args).__qualname__}")
        if type(args) is list and self._binder.fits(len(args)):
            return args
        try:
            return self._binder.bind(tuple(args), {})[0]
        except InvalidArguments as error:
            raise InvalidArguments(f"row {row}: {error}") from error

    def bulk_error(self, but: str) -> InvalidArguments:
        """Return the error for a bulk push of something else than lists of arguments."""
        return InvalidArguments(
            f"perform_bulk of {self.name} needs a list of arguments for each job, such as [[1], [2]], {but}"
        )

    def run(self, item: Mapping[str, Any]) -> Any:
        """Run the job that a payload describes; for an `async def` job this returns its coroutine.

        Raises:
            InvalidJob: a `def` job returned a coroutine, which nobody would await. The job may raise anything else.
        """
        function = self._function if self._class is None else partial(self._function, self._class())
        if item.get("encrypt"):
            outcome = _call_decrypted(function, item)
        else:
            kwargs = item.get("kwargs")
            outcome = function(*item["args"], **kwargs) if kwargs else function(*item["args"])
        if type(outcome) is CoroutineType and not self.is_async:
            # Let go of unawaited, it would take the job with it: one that was not run and counts as done.
            outcome.close()
            raise InvalidJob(
                f"{self.name} is a plain def that returned a coroutine; a decorator around an async def must be one"
            )
        return outcome

    def repeats(self, known: "Definition") -> bool:
        """Whether this is the job that `known` is, defined again."""
        return self._what == known._what or self.origin.repeats(known.origin)  # noqa: SLF001 - its own kind

    def __repr__(self) -> str:
        return f"<job {self.name}>"


def _call_decrypted(function: Callable[..., Any], item: Mapping[str, Any]) -> Any:
    """Call a job with its encrypted argument; no payload and no variable here holds the clear one."""
    *clear, envelope = item["args"] or [None]
    return function(*clear, encryption.decrypt(envelope), **item.get("kwargs", {}))


def _is(kind: Callable[[Any], bool], function: Any) -> bool:
    """Whether a function is of a kind, or an object's `__call__` is."""
    return kind(function) or kind(type(function).__call__)


def _yields(function: Any) -> bool:
    return _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function)


def register(definition: Definition, instead_of: Definition | None = None) -> None:
    """Make a job findable by its name; it may take the place of `instead_of`, or of itself as it was before a reload.

    Raises:
        InvalidJob: another function or class has that name, so that one of the two would run as the other.
    """
    known = _registry.get(definition.name)
    if known is not None and known is not instead_of and not definition.repeats(known):
        first, second = str(known.origin), str(definition.origin)
        where = f"at {first} and {second}" if first != second else f"both at {first}"
        raise InvalidJob(f"two jobs have the name {definition.name!r}, {where}; give one of them another name=")
    _registry[definition.name] = definition
    if definition.is_iterable:
        _iterable.add(definition.name)


@contextmanager
def forgetting() -> Iterator[None]:
    """Forget, at the end, jobs that the code which entered this defined; modules imported meanwhile keep theirs."""
    before, entered = dict(_registry), here()
    try:
        yield
    finally:
        for name, definition in list(_registry.items()):
            if before.get(name) is definition or not definition.origin.is_same_run(entered):
                continue
            if name in before:
                _registry[name] = before[name]
            else:
                del _registry[name]


def known(name: str) -> Definition | None:
    """Return the job with this name, or None if no imported module defines it."""
    return _registry.get(name)


def find(name: str) -> Definition:
    """Return the job with this name.

    Raises:
        UnknownJob: no imported module defines it. Names in payloads are data: nothing is imported for them.
    """
    try:
        return _registry[name]
    except KeyError:
        raise UnknownJob(f"no job {name!r} is known here; give the worker the module that defines it") from None


def any_iterable() -> bool:
    """Tell whether there may be iterable jobs here; for others it is not worth a look at each."""
    return bool(_iterable)


def registered() -> list[Definition]:
    """Return every known job, by name."""
    return [_registry[name] for name in sorted(_registry)]
