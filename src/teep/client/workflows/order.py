"""Whether the nodes of a workflow can be put in order: what is wrong with them shows before anything is pushed."""

from collections import deque
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from teep.client.workflows.drafts import Draft
from teep.errors import InvalidValue


def ordered(drafts: Sequence[Draft], groups: Mapping[str, Sequence[str]], *, is_whole: bool) -> list[Draft]:
    """Return nodes so that each comes behind those that it comes after.

    `is_whole`: these are all nodes of the workflow, so that none comes after others.

    Raises:
        InvalidValue: one comes after a node that there is not, or after itself.
    """
    by_name = {draft.name: draft for draft in drafts}
    before = {**{draft.name: list(draft.after) for draft in drafts}, **groups}
    if is_whole:
        _check_edges(drafts, before)
    followers: dict[str, list[str]] = {}
    open_edges: dict[str, int] = {}
    for name, those in before.items():
        here = [each for each in those if each in before]
        open_edges[name] = len(here)
        for each in here:
            followers.setdefault(each, []).append(name)
    free = deque(name for name, count in open_edges.items() if count == 0)
    found: list[Draft] = []
    while free:
        name = free.popleft()
        if name in by_name:
            found.append(by_name[name])
        for each in followers.get(name, ()):
            open_edges[each] -= 1
            if open_edges[each] == 0:
                free.append(each)
    if len(found) < len(drafts):
        raise InvalidValue(f"these nodes wait for each other: {' -> '.join(_circle(before, open_edges))}")
    return found


def outside(drafts: Sequence[Draft], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names that nodes come after and that are none of these nodes and groups."""
    here = {draft.name for draft in drafts} | groups.keys()
    return sorted({name for draft in drafts for name in draft.after} - here)


def _check_edges(drafts: Sequence[Draft], before: Mapping[str, object]) -> None:
    for draft in drafts:
        for name in draft.after:
            if name not in before:
                near = get_close_matches(name, before, 1)
                meant = f"; did you mean {near[0]!r}?" if near else ""
                raise InvalidValue(f"node {draft.name!r} comes after {name!r}, and there is no such node{meant}")


def _circle(before: Mapping[str, Sequence[str]], open_edges: Mapping[str, int]) -> list[str]:
    """Return the names of a circle, the first one again at the end."""
    name = next(name for name, count in open_edges.items() if count)
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = next(each for each in before[name] if open_edges.get(each))
    return [*reversed(seen[seen.index(name) :]), seen[-1]] if len(seen) > 1 else [name, name]
