"""Other factories in place of some, in every thread of this process: for tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_instead: dict[Callable[..., Any], Callable[..., Any]] = {}


def factory_for(factory: Callable[..., Any]) -> Callable[..., Any]:
    """Return the factory that is called where a signature names this one."""
    return _instead.get(factory, factory) if _instead else factory


@contextmanager
def override(factory: Callable[..., Any], instead: Any) -> Iterator[None]:
    """Call another factory where jobs name `factory`, in all threads of this process.

    Args:
        factory: as it stands in `teep.Depends`.
        instead: the other factory; what cannot be called is the value itself.
    """
    before = _instead.get(factory)
    _instead[factory] = instead if callable(instead) else lambda: instead
    try:
        yield
    finally:
        if before is None:
            del _instead[factory]
        else:
            _instead[factory] = before
