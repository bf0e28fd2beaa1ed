"""The columns of a graph: each vertex stands behind all that lead to it."""

from collections import deque
from collections.abc import Iterable, Sequence

Edge = tuple[str, str]
"""From, to."""


def layers(names: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Return the layer of each vertex, from 0: one more than the last of those that lead to it.

    Time and memory go with the number of edges. Those from or to other names count for nothing, and so do edges of a
    circle: its vertices stand in layer 0, so that whatever lies in Redis can be drawn.
    """
    found = dict.fromkeys(names, 0)
    followers: dict[str, list[str]] = {name: [] for name in found}
    left = dict.fromkeys(found, 0)
    for tail, head in edges:
        if tail in found and head in found:
            followers[tail].append(head)
            left[head] += 1
    ready = deque(name for name in found if not left[name])
    while ready:
        name = ready.popleft()
        for head in followers[name]:
            found[head] = max(found[head], found[name] + 1)
            left[head] -= 1
            if not left[head]:
                ready.append(head)
    return {name: 0 if left[name] else layer for name, layer in found.items()}
