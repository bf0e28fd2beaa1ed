"""`H` in a field of a cron expression: a value that is the same at each look, and another for each entry.

`H * * * *` is once an hour, at a minute that follows from the entry's name. So a hundred entries that run hourly do
not all begin at the same second.
"""

import re
from hashlib import sha256

# Of each field: its lowest and highest value. Days end with 28, which every month has.
_RANGES = ((0, 59), (0, 59), (0, 23), (1, 28), (1, 12), (0, 6))
_HASHED = re.compile(r"H(?:\((?P<low>\d+)-(?P<high>\d+)\))?(?:/(?P<step>\d+))?")


def spread(fields: list[str], name: str) -> list[str]:
    """Return the fields of an expression with the values that an entry of this name has for `H`.

    Raises:
        ValueError: a range or a step of an `H` is empty.
    """
    first = len(_RANGES) - len(fields)  # an expression of five fields has none for seconds
    return [
        ",".join(_replaced(term, name, place) for term in field.split(","))
        for place, field in enumerate(fields, start=first)
    ]


def _replaced(term: str, name: str, place: int) -> str:
    hashed = _HASHED.fullmatch(term)
    if hashed is None:
        return term
    low, high = _RANGES[place]
    if hashed["low"]:
        low, high = int(hashed["low"]), int(hashed["high"])
    step = int(hashed["step"] or 0)
    size = min(step, high - low + 1) if hashed["step"] else high - low + 1
    if size < 1:
        raise ValueError(term)
    start = low + int.from_bytes(sha256(f"{place} {name}".encode()).digest()[:8]) % size
    return f"{start}-{high}/{step}" if step else str(start)
