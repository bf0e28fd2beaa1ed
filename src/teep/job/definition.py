"""A job as the runtime sees it, and the registry that finds one by the name in a payload."""

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import CoroutineType
from typing import Any

from teep import encryption
from teep.errors import InvalidArguments, InvalidJob, UnknownJob
from teep.job.options import Options
from teep.job.signature import Binder

_registry: dict[str, "Definition"] = {}


class Definition:
    """One job: its name on the wire, its options, and how to call it.

    `function` is what its author wrote; for a class (`instance_of`) a method, called on a fresh instance each run.
    With a `runner`, that of iterable jobs, that runs instead, on the same arguments, and `function` takes an item
    before them.
    """

    def __init__(
        self,
        name: str,
        options: Options,
        function: Callable[..., Any],
        instance_of: type | None = None,
        runner: Callable[..., Any] | None = None,
    ) -> None:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidJob(
                f"{name} has a yield, so a call of it runs nothing; see IterableJob for what goes step by step"
            )
        self.name = name
        self.options = options
        self.is_iterable = runner is not None
        self.is_async = inspect.iscoroutinefunction(function)
        self.function = function
        self._function = runner or function
        self._class = instance_of
        self._binder = Binder(function, name, skip=(instance_of is not None) + (runner is not None))
        self.check_options(options.fields)

    @property
    def module(self) -> str:
        """The name of the module that defines it."""
        return (self._class or self.function).__module__

    def check_options(self, fields: Mapping[str, Any]) -> None:
        """Refuse options that do not go with the signature, or not together.

        Raises:
            InvalidJob: with `encrypt`, a call could end in another argument than the secret one,
                or the job is unique.
        """
        if fields.get("encrypt") and fields.get("unique_for"):
            raise InvalidJob(f"{self.name} encrypts its last argument, so it cannot be unique; leave out unique_for")
        if fields.get("encrypt") and not self._binder.always_ends_alike:
            raise InvalidJob(
                f"{self.name} encrypts its last argument, so it must take at least two, the last of them without a"
                " default and not by keyword only"
            )

    def to_payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the payload for a call, in Sidekiq's order: options, then what is pushed."""
        positions, by_name = self._binder.bind(args, kwargs)
        item = {**self.options.fields, "args": positions, "class": self.name}
        if by_name:
            item["kwargs"] = by_name
        return item

    def bulk_args(self, args: Any) -> list[Any]:
        """Check one job's argument list of a bulk push against the signature."""
        if not isinstance(args, (list, tuple)):
            raise InvalidArguments(f"{self.name} needs a list of arguments for each job, not {type(args).__name__}")
        positions, _ = self._binder.bind(tuple(args), {})
        return positions

    def run(self, item: Mapping[str, Any]) -> Any:
        """Run the job that a payload describes; for an `async def` job this returns its coroutine.

        Raises:
            InvalidJob: a `def` job returned a coroutine, which nobody would await. It may raise anything else.
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

    def __repr__(self) -> str:
        return f"<job {self.name}>"


def _call_decrypted(function: Callable[..., Any], item: Mapping[str, Any]) -> Any:
    """Call a job with its encrypted argument; no payload and no variable here holds the clear one."""
    *clear, envelope = item["args"] or [None]
    return function(*clear, encryption.decrypt(envelope), **item.get("kwargs", {}))


def register(definition: Definition) -> None:
    """Make a job findable by its name.

    Raises:
        InvalidJob: another function or class has that name.
    """
    known = _registry.get(definition.name)
    if known is not None and _source(known) != _source(definition):
        raise InvalidJob(f"there is another job {definition.name!r}; give one of the two another name=")
    _registry[definition.name] = definition


def find(name: str) -> Definition:
    """Return the job with this name.

    Raises:
        UnknownJob: no imported module defines it. Names in payloads are data: nothing is imported for them.
    """
    try:
        return _registry[name]
    except KeyError:
        raise UnknownJob(f"no job {name!r} is known here; give the worker the module that defines it") from None


def registered() -> list[Definition]:
    """Return every known job, by name."""
    return [_registry[name] for name in sorted(_registry)]


def dotted_name(thing: Any) -> str:
    """Return the default name of a job: its dotted path, also where its module runs as a script."""
    module = thing.__module__
    if module == "__main__":
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        path = getattr(main, "__file__", None)
        if spec is not None:
            module = spec.name.removesuffix(".__main__")
        elif path is not None:
            module = Path(path).stem
    return f"{module}.{thing.__qualname__}"


def _source(definition: Definition) -> tuple[str, str]:
    """Identify the code, so that a module imported again (reloaded, or as a script too) may register again."""
    code = getattr(inspect.unwrap(definition.function), "__code__", None)
    return (code.co_filename, code.co_qualname) if code is not None else (definition.name, "")
