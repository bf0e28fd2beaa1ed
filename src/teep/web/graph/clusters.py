"""A graph with too many vertices to be seen: those that stand in one column become one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from teep.web.graph.layers import Edge, layers


class Cluster(NamedTuple):
    """Vertices that are drawn as one: those of a `group` in a layer, or all of the layers `first` to `last`."""

    members: list[str]
    group: str
    first: int
    last: int


class Clustered(NamedTuple):
    """A smaller graph: its vertices by the name of each one's first member, and the edges between them."""

    clusters: dict[str, Cluster]
    edges: list[Edge]


def clustered(groups: Mapping[str, str], edges: Sequence[Edge], most: int) -> Clustered:
    """Return a graph with at most so many vertices; `groups` has each vertex's group, "" if it is in none.

    Vertices of a group that stand in one layer become one. If there are still too many, all of a layer do, and of
    several layers if these are more than a third. No edge leads back, so the smaller graph has no circles either.
    """
    layer_of = layers([*groups], edges)
    depth = max(layer_of.values(), default=0) + 1
    keyed = {name: (layer_of[name], f"\1{group}" if group else name) for name, group in groups.items()}
    if len(set(keyed.values())) > most:
        run = -(-depth // max(most // 3, 1))
        keyed = {name: (layer // run, "") for name, layer in layer_of.items()}
    found: dict[tuple[int, str], list[str]] = {}
    for name, key in keyed.items():
        found.setdefault(key, []).append(name)
    clusters = {}
    for (_, group), members in found.items():
        at = [layer_of[name] for name in members]
        clusters[members[0]] = Cluster(members, group[1:] if group.startswith("\1") else "", min(at), max(at))
    first = {name: found[key][0] for name, key in keyed.items()}
    between = dict.fromkeys((first[tail], first[head]) for tail, head in edges if tail in first and head in first)
    return Clustered(clusters, [edge for edge in between if edge[0] != edge[1]])
