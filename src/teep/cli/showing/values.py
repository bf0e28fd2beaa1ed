"""Values of a job on the command line: as JSON, and what is none as a string."""

from typing import Any


def read(text: str) -> Any:
    """Return a value: `42` is a number, `[1]` an array, `eu` the string "eu", and `'"42"'` the string "42"."""
    import json

    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def written(value: Any) -> str:
    """Return a value as JSON for people: as it is, with whatever has no JSON as a string."""
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
