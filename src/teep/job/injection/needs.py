"""The arguments of a function that are injected, and whether their factories can be called."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from teep.errors import InvalidJob
from teep.job.calls.signatures import hints_of, signature_of
from teep.job.injection.depends import Dependency, Injected

_Parameter = inspect.Parameter
_POSITIONAL = (_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD, _Parameter.VAR_POSITIONAL)
_OPEN = (_Parameter.VAR_POSITIONAL, _Parameter.VAR_KEYWORD)

Factory = Callable[..., Any]
Needs = dict[str, Factory]
"""The factories of the injected arguments, by the names of these."""


class Kind(Enum):
    """How a factory gives its value."""

    RETURNS = "it returns it"
    YIELDS = "it yields it once"
    AWAITED = "it returns it, and is async"
    YIELDS_AWAITED = "it yields it once, and is async"

    @property
    def waits(self) -> bool:
        """Whether only a loop can call it."""
        return self in (Kind.AWAITED, Kind.YIELDS_AWAITED)


def kind_of(factory: Factory) -> Kind:
    """Return how a factory gives its value."""
    for tell, kind in _KINDS:
        if tell(factory) or (not isinstance(factory, type) and tell(type(factory).__call__)):
            return kind
    return Kind.RETURNS


_KINDS: tuple[tuple[Callable[[Any], bool], Kind], ...] = (
    (inspect.isasyncgenfunction, Kind.YIELDS_AWAITED),
    (inspect.isgeneratorfunction, Kind.YIELDS),
    (inspect.iscoroutinefunction, Kind.AWAITED),
)


def needs_of(function: Callable[..., Any], name: str) -> Needs:
    """Return the injected arguments of a function; `name` is what errors call it.

    Raises:
        InvalidJob: an argument has no factory, or is one that has no name.
    """
    parameters = _parameters(function)
    if not any(map(_may_be_marked, parameters)):
        return {}
    hints = hints_of(function, name, "which injected arguments need")
    found = {}
    for parameter in parameters:
        mark = _mark(parameter.default, hints.get(parameter.name))
        if mark is None:
            if isinstance(parameter.default, Injected):
                raise InvalidJob(
                    f"{parameter.name} of {name} is injected, but nothing says from where; write"
                    f" {parameter.name}: Annotated[…, teep.Depends(factory)] = teep.injected"
                )
            continue
        if parameter.kind is _Parameter.POSITIONAL_ONLY or parameter.kind in _OPEN:
            raise InvalidJob(f"{parameter.name} of {name} is injected by its name, so it must be one to call it by")
        found[parameter.name] = mark.factory
    _refuse_before_pushed(parameters, found, name)
    return found


def _refuse_before_pushed(parameters: list[inspect.Parameter], needs: Needs, name: str) -> None:
    """Refuse an injected argument before one that is pushed by position, whose place would be another on the wire."""
    behind = ""
    for parameter in reversed(parameters):
        if parameter.name in needs and behind and parameter.kind is not _Parameter.KEYWORD_ONLY:
            raise InvalidJob(
                f"{parameter.name} of {name} is injected and stands before {behind}, which is pushed: put it last,"
                " with = teep.injected"
            )
        if parameter.name not in needs and parameter.kind in _POSITIONAL:
            behind = parameter.name


def check(needs: Needs, name: str, *, is_async: bool) -> None:
    """Refuse factories that cannot be called, those too which they need themselves.

    Raises:
        InvalidJob: a factory is async and the job is not, needs what nobody gives, or needs itself.
    """
    for factory in needs.values():
        _check(factory, name, is_async, ())


def _check(factory: Factory, name: str, is_async: bool, above: tuple[Factory, ...]) -> None:
    told = getattr(factory, "__qualname__", repr(factory))
    if factory in above:
        raise InvalidJob(f"{told}, a factory of {name}, needs itself")
    if kind_of(factory).waits and not is_async:
        raise InvalidJob(f"{name} is a plain def, so it cannot wait for the async factory {told}: make it async def")
    needs = needs_of_factory(factory)
    missing = [
        parameter.name
        for parameter in _parameters(factory)
        if parameter.default is _Parameter.empty and parameter.kind not in _OPEN and parameter.name not in needs
    ]
    if missing:
        raise InvalidJob(f"{told}, a factory of {name}, needs {', '.join(missing)}, which nobody gives it")
    for of in needs.values():
        _check(of, name, is_async, (*above, factory))


@lru_cache(maxsize=1024)
def needs_of_factory(factory: Factory) -> Needs:
    """Return the injected arguments of a factory."""
    return needs_of(factory, getattr(factory, "__qualname__", repr(factory)))


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(signature_of(function).parameters.values())
    except ValueError:  # some that are written in C have none
        return []


def _may_be_marked(parameter: inspect.Parameter) -> bool:
    """Whether a parameter has a mark, or an annotation that must be evaluated to know it."""
    if isinstance(parameter.default, (Dependency, Injected)):
        return True
    annotation = parameter.annotation
    return "Depends" in annotation if isinstance(annotation, str) else _mark(None, annotation) is not None


def _mark(default: Any, hint: Any) -> Dependency | None:
    if isinstance(default, Dependency):
        return default
    if get_origin(hint) is Annotated:
        return next((each for each in get_args(hint)[1:] if isinstance(each, Dependency)), None)
    return None
