"""Commands as bytes, as the server reads them."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis

from teep.drivers.request import Args

# hiredis declares a tuple of one item here.
_pack = cast("Callable[[Args], bytes]", hiredis.pack_command)


def pack(sends: Sequence[Args]) -> bytes:
    """Return commands in one piece. A name that Redis gave, and that is no UTF-8, goes back as it came.

    Raises:
        UnicodeEncodeError: a string has a lone surrogate that stands for no byte.
    """
    try:
        return b"".join(map(_pack, sends))
    except UnicodeEncodeError:
        return b"".join(_pack(tuple(map(_as_it_came, args))) for args in sends)


def _as_it_came(arg: Any) -> Any:
    return arg.encode(errors="surrogateescape") if isinstance(arg, str) else arg
