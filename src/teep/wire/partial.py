"""Comparing JSON values with expected ones, which may be partial."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def equal(expected: Any, actual: Any) -> bool:
    """Compare two plain values as Python does."""
    return bool(expected == actual)


def matches(expected: Any, actual: Any, same: Callable[[Any, Any], bool] = equal) -> bool:
    """Tell whether a value from JSON matches an expected one.

    `...` is any value. A mapping matches if its keys are there and their values match, whatever else is there. A
    list or tuple matches item by item; `...` at its end stands for all the rest. `same` compares anything else.
    """
    if expected is ...:
        return True
    if isinstance(expected, Mapping):
        return isinstance(actual, dict) and all(
            key in actual and matches(value, actual[key], same) for key, value in expected.items()
        )
    if isinstance(expected, (list, tuple)):
        return isinstance(actual, list) and _items_match(expected, actual, same)
    return same(expected, actual)


def _items_match(expected: Sequence[Any], actual: list[Any], same: Callable[[Any, Any], bool]) -> bool:
    if expected and expected[-1] is ...:
        expected = expected[:-1]
        actual = actual[: len(expected)]
    return len(expected) == len(actual) and all(
        matches(wanted, there, same) for wanted, there in zip(expected, actual, strict=True)
    )


def leaves(expected: Any) -> list[Any]:
    """Return the plain values, and the keys, that a value must hold to match an expected one."""
    if isinstance(expected, Mapping):
        return [*expected, *(leaf for value in expected.values() for leaf in leaves(value))]
    if isinstance(expected, (list, tuple)):
        return [leaf for item in expected for leaf in leaves(item)]
    return [] if expected is ... else [expected]
