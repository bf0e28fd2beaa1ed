"""Arguments that are no plain JSON (`convert=True`): written as JSON at the push, and the same values in the job.

An argument goes by its annotation. msgspec knows datetimes, UUIDs, Decimals, enums, dataclasses, its own structs, and
lists, dicts and unions of them; pydantic's models go by their own methods. Names in a payload choose no type: only an
annotation does.
"""

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any, get_args, get_origin

import msgspec

from teep.errors import InvalidArguments, InvalidJob
from teep.job.calls.binding import Binder
from teep.job.calls.signatures import hints_of

_JSON = (str, int, float, bool, type(None), list, dict)


class Converter:
    """Converts the arguments of one function, given by position and by name.

    `skip` is how many of its first parameters no caller gives, and `given` names those that the worker gives.
    """

    def __init__(self, function: Callable[..., Any], name: str, parameters: Collection[inspect.Parameter]) -> None:
        self._name = name
        hints = hints_of(function, name, "which convert=True needs")
        self._positional: list[tuple[str, Any]] = []
        self._by_name: dict[str, Any] = {}
        self._others: tuple[str, Any] = ("", Any)
        self._open: tuple[str, Any] = ("", Any)
        for parameter in parameters:
            of = (parameter.name, _checked(parameter.name, hints.get(parameter.name, Any), name))
            if parameter.kind is parameter.VAR_POSITIONAL:
                self._others = of
            elif parameter.kind is parameter.VAR_KEYWORD:
                self._open = of
            else:
                self._by_name[of[0]] = of[1]
                if parameter.kind is not parameter.KEYWORD_ONLY:
                    self._positional.append(of)

    def to_wire(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return arguments as plain JSON.

        Raises:
            InvalidArguments: one is not of its annotation's type; it is named.
        """
        return self._each(self._written, args, kwargs)

    def from_wire(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the values that plain JSON stands for.

        Raises:
            InvalidArguments: one does not fit its annotation, as another producer may have pushed it.
        """
        return self._each(self._read, args, kwargs)

    def _each(
        self, convert: Callable[[str, Any, Any], Any], args: list[Any], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        places = [*self._positional, *([self._others] * (len(args) - len(self._positional)))]
        return (
            [convert(name, kind, value) for (name, kind), value in zip(places, args, strict=False)],
            {name: convert(name, self._by_name.get(name, self._open[1]), value) for name, value in kwargs.items()},
        )

    def _written(self, name: str, kind: Any, value: Any) -> Any:
        if kind is Any:
            return value
        try:
            plain = _listed(msgspec.to_builtins(value, str_keys=True, enc_hook=_plain))
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
            raise InvalidArguments(f"{name} of {self._name} cannot be written as JSON: {error}") from error
        back = self._read(name, kind, plain)
        if type(back) is not type(value) and type(value) not in _JSON:
            raise InvalidArguments(f"{name} of {self._name} must be {_shown(kind)}, not {type(value).__qualname__}")
        return plain

    def _read(self, name: str, kind: Any, plain: Any) -> Any:
        if kind is Any:
            return plain
        try:
            return msgspec.convert(plain, kind, str_keys=True, dec_hook=_value)
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
            raise InvalidArguments(f"{name} of {self._name} must be {_shown(kind)}: {error}") from error


class ConvertingBinder(Binder):
    """Binds a call, and writes its arguments as plain JSON."""

    def __init__(self, function: Callable[..., Any], name: str, *, skip: int, given: Collection[str]) -> None:
        super().__init__(function, name, skip=skip, given=given)
        self.converter = Converter(function, name, self.signature.parameters.values())

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        if not kwargs and super().fits(len(args)):
            return self.converter.to_wire(list(args), {})
        return self.converter.to_wire(*super().bind(args, kwargs))

    def _as_pushed(self, parameter: inspect.Parameter) -> Any:
        if parameter.default is parameter.empty:
            return parameter.default
        return self.converter.to_wire([], {parameter.name: parameter.default})[1][parameter.name]

    def fits(self, count: int) -> bool:  # noqa: ARG002 - as the other's
        """Never: no call goes on the wire as it is."""
        return False


def converting(function: Callable[..., Any], converter: Converter, *, own: int) -> Callable[..., Any]:
    """Return a function that takes arguments as they travel, and calls `function` with the values.

    `own` is how many of its first arguments do not travel, such as the instance of a class.
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        values, by_name = converter.from_wire(list(args[own:]), kwargs)
        return function(*args[:own], *values, **by_name)

    return run


def _checked(parameter: str, hint: Any, name: str) -> Any:
    """Return an annotation's type, without what is no concern of the conversion.

    Raises:
        InvalidJob: no JSON could tell which type of a union is meant, or it is no type at all.
    """
    kind = get_args(hint)[0] if get_origin(hint) is Annotated and get_args(hint)[0] is Any else hint
    try:
        msgspec.json.Decoder(kind, dec_hook=_value)
    except TypeError as error:
        raise InvalidJob(f"{parameter} of {name} cannot be converted: {error}") from error
    return kind


def _listed(plain: Any) -> Any:
    """Return lists in place of tuples, as JSON has them."""
    if isinstance(plain, (list, tuple)):
        return [_listed(each) for each in plain]
    return {key: _listed(each) for key, each in plain.items()} if isinstance(plain, dict) else plain


def _plain(value: Any) -> Any:
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json")
    raise TypeError(f"objects of type {type(value).__qualname__} are not known")


def _value(kind: type, plain: Any) -> Any:
    if callable(validate := getattr(kind, "model_validate", None)):
        return validate(plain)
    raise TypeError(f"objects of type {getattr(kind, '__qualname__', kind)} are not known")


def _shown(kind: Any) -> str:
    return getattr(kind, "__qualname__", "") or str(kind)
