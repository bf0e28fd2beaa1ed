"""The settings that a file or a variable may have: the options of `Config`, and some that only commands have.

A variable's string is read by its setting's type: a number, a list of words, yes or no.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from teep.config.sources.names import meant, nearest
from teep.config.sources.variables import Found
from teep.config.value import ConfigValue

CONFIG: Mapping[str, Any] = {option.name: option.type for option in fields(ConfigValue) if option.init}
"""The options of `Config`, and their types."""

# Options that only code can set.
_CODE = frozenset({"backtrace_cleaner"})

SETTINGS: Mapping[str, Any] = {
    "modules": Sequence[str],
    **{name: kind for name, kind in CONFIG.items() if name not in _CODE},
    "log_level": str,
    "json_logs": bool,
    "spawn": bool,
}
"""Every setting, and its type."""


class Unreadable(ValueError):
    """A string that is no value of its setting; the message says what it must be."""


def is_typo(name: str) -> bool:
    """Tell whether an unknown name is most likely a typo of a setting."""
    return meant(name, SETTINGS) is not None


def unknown(name: str, known: Iterable[str], what: str = "setting") -> str:
    """Return the sentence about an unknown name; it has the nearest known one, or all."""
    listed = list(known)
    near = nearest(name, listed)
    return f"there is no {what} {name!r}; " + (
        f"did you mean {near!r}?" if near else f"there are {', '.join(listed)}"
    )


def has_text(name: str) -> bool:
    """Tell whether a variable can have this setting: mappings belong into a file."""
    return _kind(SETTINGS[name]) in _READERS


def read_text(name: str, found: Found) -> Any:
    """Return the value that a variable's string stands for.

    Raises:
        Unreadable: it stands for none.
    """
    read, what = _READERS[_kind(SETTINGS[name])]
    try:
        return read(found.value)
    except (ValueError, KeyError):
        raise Unreadable(f"{found.source} must be {what}, not {found.value!r}") from None


def _kind(annotation: Any) -> Any:
    """Return the plain type of an annotation, which may also allow None, or be a choice of strings, or generic."""
    if isinstance(annotation, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    return get_origin(annotation) or annotation


def _truth(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]


_READERS: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number of seconds"),
    bool: (_truth, "true or false"),
    str: (str, "a string"),
    Literal: (str, "a string"),
    Sequence: (str.split, "a list of words"),
}
