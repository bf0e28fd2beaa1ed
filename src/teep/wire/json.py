"""JSON as Ruby writes it.

1. `dumps` gives the bytes that Ruby's JSON.generate would: compact, UTF-8 unescaped, key order kept, integers of
   up to 4299 digits, floats as Float#to_s writes them.
2. `loads` reads what any producer wrote; whatever is not JSON is a `MalformedPayload`, never another error.
3. `check` refuses values that would not come back unchanged, and names the place.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import msgspec

from teep.errors import InvalidArguments, MalformedPayload

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode

# Ruby leaves the plain notation for these magnitudes (seen with Ruby 3.1, 200,000 random floats); msgspec
# writes exponents of its own there. Between them both write the shortest digits, the same ones.
_PLAIN_FROM, _PLAIN_BELOW = 1e-4, 1e15

# CPython by default, and msgspec, convert 4300 characters at most, of which a minus is one.
_MAX_DIGITS = 4299
_TOO_LONG = 10**_MAX_DIGITS
_SHORT = 1 << 63
_SIMPLE = frozenset({int, str, bool, type(None)})

# As deep as Ruby reads (max_nesting: 100), of which the payload around the value is one level.
_MAX_DEPTH = 99


def dumps(value: Any) -> bytes:
    """Return `value` as Ruby's JSON.generate would write it. Cost: one walk, then one C encode.

    Raises:
        TypeError: an object of a kind that JSON does not know.
        ValueError: a lone surrogate, or a float that is not finite.
    """
    return _encode(_with_ruby_floats(value) if _has_odd_float(value) else value)


def dumps_simple(rows: Sequence[Sequence[Any]]) -> list[bytes] | None:
    """Return the result of `dumps` for each of many lists that `check` lets pass, in a third of the time.

    None if a value needs a closer look: a float, a container, or one that `check` refuses.
    """
    items = list(chain.from_iterable(rows))
    kinds = set(map(type, items))
    if not kinds <= _SIMPLE:
        return None
    if int in kinds:
        numbers = items if len(kinds) == 1 else [item for item in items if type(item) is int]
        if not -_SHORT < min(numbers) <= max(numbers) < _SHORT:
            return None
    try:
        return _encode_lines(rows).split(b"\n")[:-1]  # a line's end in a string is escaped
    except ValueError:  # a lone surrogate
        return None


def canonical(value: Any) -> bytes:
    """Return the same bytes for equal values, in whichever order their objects' keys are."""
    return _encode_sorted(value)


def loads(raw: bytes) -> Any:
    """Return the value in `raw`.

    Raises:
        MalformedPayload: `raw` is not JSON in UTF-8, holds a number beyond a double, or nests without end.
    """
    try:
        return _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedPayload(f"not JSON: {error}") from error


def ruby_float(value: float) -> str:
    """Return a finite float as Ruby's Float#to_s writes it."""
    if not _is_odd(value):
        return repr(value)
    mantissa, _, exponent = repr(value).partition("e")
    sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = digits.partition(".")
    power = int(exponent or "0") + len(whole) - 1
    tail = (whole[1:] + fraction).rstrip("0") or "0"
    return f"{sign}{whole[0]}.{tail}e{power:+03d}"


def check(value: Any, path: str) -> None:
    """Refuse a value that JSON would change on its way; the message calls it `path`.

    Raises:
        InvalidArguments: with the path to the bad value and what to do.
    """
    if not _are_plain((value,), 0):
        _check(value, path, 0)


def check_fields(item: Mapping[str, Any]) -> None:
    """Refuse a payload's fields that JSON would change on their way, as `check` does."""
    if not _are_plain(item.values(), 0):
        for name, value in item.items():
            _check(value, name, 0)


def _are_plain(values: Iterable[Any], depth: int) -> bool:
    """Tell whether `_check` lets all of them pass, in a third of its time; nearly all pass, and need no path."""
    for value in values:
        kind = type(value)
        if (kind is str and value.isascii()) or (kind is int and -_SHORT < value < _SHORT):
            continue
        fits = _LEAVES.get(kind)
        if not (_is_plain_container(value, kind, depth) if fits is None else fits(value)):
            return False
    return True


def _is_plain_container(value: Any, kind: type, depth: int) -> bool:
    if depth >= _MAX_DEPTH:
        return False
    if kind is dict:
        return all(map(_is_key, value)) and _are_plain(value.values(), depth + 1)
    return kind is list and _are_plain(value, depth + 1)


def _is_key(key: Any) -> bool:
    return type(key) is str and (key.isascii() or _is_text(key))


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# The checks of values that are no containers.
_LEAVES: Mapping[type, Callable[[Any], bool]] = {
    str: _is_text,
    int: lambda number: -_TOO_LONG < number < _TOO_LONG,
    float: math.isfinite,
    bool: lambda _: True,
    type(None): lambda _: True,
}


def _check(value: Any, path: str, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value, path)
    elif kind is float:
        if not math.isfinite(value):
            raise InvalidArguments(f"{path} is {value}, which JSON cannot hold; pass a finite number or None")
    elif kind is list or kind is dict:
        if depth >= _MAX_DEPTH:
            raise InvalidArguments(f"{path} lies more than {_MAX_DEPTH} levels deep; flatten the data")
        _check_items(value, path, depth + 1)
    elif kind is int:
        _check_int(value, path)
    elif value is not None and kind is not bool:
        raise InvalidArguments(f"{path} is a {kind.__qualname__}, which is not plain JSON; {_advice(value)}")


def _check_items(container: list[Any] | dict[Any, Any], path: str, depth: int) -> None:
    if isinstance(container, list):
        for index, item in enumerate(container):
            _check(item, f"{path}[{index}]", depth)
        return
    for key, item in container.items():
        if type(key) is not str:
            raise InvalidArguments(f"{path} has the key {key!r}; JSON keys are strings, so pass {str(key)!r}")
        _check_text(key, f"a key of {path}")
        _check(item, f"{path}[{key!r}]", depth)


def _check_int(number: int, path: str) -> None:
    if not -_TOO_LONG < number < _TOO_LONG:
        raise InvalidArguments(
            f"{path} is an integer of more than {_MAX_DIGITS} digits, which most readers refuse; pass it as a string"
        )


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArguments(
            f"{path} holds a lone surrogate at {error.start}, which UTF-8 cannot carry; clean the string first"
        ) from error


def _advice(value: Any) -> str:
    for kind in type(value).__mro__:
        if (advice := _ADVICE_BY_NAME.get(kind.__name__)) is not None:
            return advice
    for kinds, advice in _ADVICE:
        if isinstance(value, kinds):
            return advice
    for method, advice in _ADVICE_BY_METHOD.items():
        if hasattr(value, method):
            return advice
    return "pass strings, numbers, booleans, None, lists and dicts only (such as an id to load the object by)"


# By the name of a class or of one above it, so that none of their modules is imported for a sentence.
_ADVICE_BY_NAME = {
    "Enum": "pass its value",
    "Decimal": "pass str(value)",
    "UUID": "pass str(value)",
    "PurePath": "pass str(value)",
}
# The first that fits; subclasses of plain types would come back as those types.
_ADVICE: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "pass str(value)"),
    (dict, "pass dict(value)"),
    ((bytes, bytearray, memoryview), "decode it, or encode it as base64 text"),
    (timedelta, "pass value.total_seconds()"),
    (Iterable, "pass a list"),
)
_ADVICE_BY_METHOD = {
    "isoformat": "pass value.isoformat() or epoch seconds",
    "__index__": "pass int(value)",
    "__float__": "pass float(value)",
}


def _is_odd(value: float) -> bool:
    magnitude = abs(value)
    if _PLAIN_FROM <= magnitude < _PLAIN_BELOW or value == 0:
        return False
    # Beyond, Ruby still writes out a fraction, which doubles have up to 2**52.
    return not (_PLAIN_BELOW <= magnitude < 2**52 and not value.is_integer())


def _has_odd_float(value: Any) -> bool:
    kind = type(value)
    if kind is float:
        return _is_odd(value)
    if kind is not list and kind is not dict:
        return False
    # Leaves are looked at in the loop: a call for each would cost more than all the rest of a push's JSON.
    for item in value if kind is list else value.values():
        kind = type(item)
        if kind is float:
            if not _PLAIN_FROM <= item < _PLAIN_BELOW and _is_odd(item):
                return True
        elif (kind is list or kind is dict) and _has_odd_float(item):
            return True
    return False


def _with_ruby_floats(value: Any) -> Any:
    kind = type(value)
    if kind is float and _is_odd(value):
        if not math.isfinite(value):
            raise ValueError(f"JSON has no number {value}")
        return msgspec.Raw(ruby_float(value).encode())
    if kind is list:
        return [_with_ruby_floats(item) for item in value]
    if kind is dict:
        return {key: _with_ruby_floats(item) for key, item in value.items()}
    return value
