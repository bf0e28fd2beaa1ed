"""The payload field `cattr`: context attributes, which Ruby keeps in an ActiveSupport::CurrentAttributes.

1. Sidekiq up to 7 writes an object of them. Sidekiq 8 writes what ActiveJob makes of it: a list of pairs.
2. `read` takes both. Anything else in the field is left alone.
3. An object, which teep writes, is what every version reads.
"""

from collections.abc import Mapping
from typing import Any

FIELD = "cattr"

_MARKS = "_aj_"
_SYMBOL = "ActiveJob::Serializers::SymbolSerializer"


def read(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload's attributes by name, their values as they are stored."""
    stored = item.get(FIELD)
    if type(stored) is dict:
        return {name: value for name, value in stored.items() if not name.startswith(_MARKS)}
    if type(stored) is not list:
        return {}
    pairs = ((plain(pair[0]), pair[1]) for pair in stored if type(pair) is list and len(pair) == 2)
    return {name: value for name, value in pairs if type(name) is str}


def plain(value: Any) -> Any:
    """Return a stored value without ActiveJob's marks: a symbol as a string, an object without the notes on its keys.

    What ActiveJob wraps beyond that, such as a record's GlobalID or a time, stays as it is written.
    """
    if type(value) is list:
        return [plain(item) for item in value]
    if type(value) is not dict:
        return value
    if value.get("_aj_serialized") == _SYMBOL:
        return value.get("value")
    if "_aj_serialized" in value or "_aj_globalid" in value:
        return value
    return {name: plain(item) for name, item in value.items() if not name.startswith(_MARKS)}
