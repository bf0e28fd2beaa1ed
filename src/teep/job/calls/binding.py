"""How a job's arguments travel: positions as the wire's `args`, keyword-only ones as the field `kwargs`."""

import inspect
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any

from teep.errors import InvalidArguments, InvalidJob
from teep.job.calls.signatures import shown, signature_of
from teep.wire import json

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Binder:
    """Binds a call to a function's signature, so that a wrong call fails at the push and not in a worker.

    `skip` is how many of its first parameters no caller gives, such as `self`; `given` names those that the worker
    gives.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, *, skip: int = 0, given: Collection[str] = ()
    ) -> None:
        parameters = [each for each in _parameters(function, name, skip) if each.name not in given]
        self._name = name
        self.signature = inspect.Signature(parameters)
        self._positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
        self._least = sum(parameter.default is parameter.empty for parameter in self._positional)
        open_ended = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters)
        self._most = float("inf") if open_ended else len(self._positional)
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        # Among open keywords, the names of positional-only parameters are free; some Pythons' `bind` denies that.
        self._free = {parameter.name for parameter in self._positional if takes_any and _is_nameless(parameter)}
        self._only_positions = not any(
            parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
            for parameter in parameters
        )

    @property
    def always_ends_alike(self) -> bool:
        """Whether the last of two or more arguments is the same parameter at every call."""
        parameters = list(self.signature.parameters.values())
        return (
            len(parameters) > 1
            and parameters[-1].kind in _POSITIONAL
            and parameters[-1].default is inspect.Parameter.empty
        )

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return (args, kwargs) as they go on the wire.

        Raises:
            InvalidArguments: the function could not be called like this.
        """
        if not kwargs and self.fits(len(args)):
            return list(args), {}
        free = {name: kwargs[name] for name in self._free & kwargs.keys()}
        try:
            bound = self.signature.bind(*args, **{name: kwargs[name] for name in kwargs if name not in free})
        except TypeError as error:
            raise InvalidArguments(
                f"{self._name}{shown(self.signature)} cannot be called like this: {error}"
            ) from error
        positions, by_name = self._in_positions(bound)
        return positions, by_name | free

    def fits(self, count: int) -> bool:
        """Whether the function takes this many arguments by position, and needs none by name."""
        return self._only_positions and self._least <= count <= self._most

    def shortest(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the shortest way to write a call: without arguments that are equal to their defaults."""
        end = len(args)
        names = [parameter.name for parameter in self._positional]
        while 0 < end <= len(names) and self._is_default(names[end - 1], args[end - 1]):
            end -= 1
        return args[:end], {name: value for name, value in kwargs.items() if not self._is_default(name, value)}

    def _is_default(self, name: str, value: Any) -> bool:
        default = self._defaults.get(name)
        return default is not None and json.canonical(value) == default

    @cached_property
    def _defaults(self) -> dict[str, bytes]:
        """The defaults that an argument may be equal to, as JSON."""
        found = {}
        for parameter in self.signature.parameters.values():
            try:
                default = self._as_pushed(parameter)
                json.check(default, parameter.name)
            except InvalidArguments:
                continue
            found[parameter.name] = json.canonical(default)
        return found

    def _as_pushed(self, parameter: inspect.Parameter) -> Any:
        """Return a default as a push would write it."""
        return parameter.default

    def _in_positions(self, bound: inspect.BoundArguments) -> tuple[list[Any], dict[str, Any]]:
        by_name = bound.kwargs
        given = [index for index, parameter in enumerate(self._positional) if parameter.name in by_name]
        if not given:
            return list(bound.args), by_name
        # A default lies between given arguments: it is written out, since positions have no gaps.
        upto = self._positional[: given[-1] + 1]
        args = [bound.arguments.get(parameter.name, parameter.default) for parameter in upto]
        names = {parameter.name for parameter in upto}
        return args, {name: value for name, value in by_name.items() if name not in names}


def _parameters(function: Callable[..., Any], name: str, skip: int) -> list[inspect.Parameter]:
    """Return the parameters that a caller gives."""
    try:
        parameters = list(signature_of(function).parameters.values())
    except ValueError as error:
        raise InvalidJob(f"{name} does not say what it takes ({error}); call it in a def of your own") from error
    for own in ("self", "an item")[:skip]:
        if not parameters or parameters[0].kind not in (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL):
            raise InvalidJob(f"the method of {name} must take {own} before what is pushed")
        if parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
            del parameters[0]
    return parameters


def _is_nameless(parameter: inspect.Parameter) -> bool:
    return parameter.kind is parameter.POSITIONAL_ONLY
