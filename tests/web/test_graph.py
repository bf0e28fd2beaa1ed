"""Graphs as pictures: each vertex has its place, no two share one, and no line leads back."""

import random
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teep.web.graph.clusters import clustered
from teep.web.graph.layers import layers
from teep.web.graph.layout import ROW, laid_out

DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")]


def test_a_vertex_stands_behind_all_that_lead_to_it() -> None:
    assert layers(["d", "a", "b", "c", "alone"], DIAMOND) == {"d": 2, "a": 0, "b": 1, "c": 1, "alone": 0}
    assert layers(["a"], [("x", "a"), ("a", "y")]) == {"a": 0}
    assert set(layers(["a", "b", "c"], [("a", "b"), ("b", "a"), ("b", "c")]).values()) == {0}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    names = [f"n{number}" for number in range(draw(st.integers(0, 14)))]
    pairs = [(tail, head) for at, head in enumerate(names) for tail in names[:at]]
    return names, draw(st.lists(st.sampled_from(pairs), max_size=30)) if pairs else []


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_no_two_share_a_place_and_all_lines_lead_to_the_right(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    names, edges = graph
    layout = laid_out(dict.fromkeys(names, 100.0), edges)
    assert layout.lines.keys() == set(edges)
    for spot in layout.spots.values():
        assert 50 <= spot.x <= layout.width - 50
        assert ROW / 2 - 1 <= spot.y <= layout.height - ROW / 2 + 1
    by_column: dict[float, list[float]] = {}
    for spot in layout.spots.values():
        by_column.setdefault(spot.x, []).append(spot.y)
    assert all(low + ROW <= high + 0.3 for ys in by_column.values() for low, high in pairwise(sorted(ys)))
    for (tail, head), path in layout.lines.items():
        numbers = [float(number) for number in re.findall(r"-?\d+", path)]
        assert numbers[0] == pytest.approx(layout.spots[tail].x + 50, abs=1)
        assert numbers[-2] == pytest.approx(layout.spots[head].x - 50, abs=1)
        assert layout.spots[tail].x < layout.spots[head].x


def test_neighbours_stand_beside_each_other_and_lines_do_not_cross() -> None:
    names = ["a1", "b1", "a2", "b2", "a3", "b3"]
    edges = [("a1", "b2"), ("b1", "a2"), ("a2", "a3"), ("b2", "b3")]
    spots = laid_out(dict.fromkeys(names, 100.0), edges).spots
    assert (spots["a1"].y < spots["b1"].y) == (spots["b2"].y < spots["a2"].y) == (spots["b3"].y < spots["a3"].y)
    assert spots["a1"].y == spots["b2"].y == spots["b3"].y


def test_a_large_graph_is_soon_drawn() -> None:
    chance = random.Random(3)
    names = [f"n{number}" for number in range(300)]
    edges = [(names[chance.randrange(at)], names[at]) for at in range(1, 300) for _ in range(3)]
    began = time.process_time()
    layout = laid_out(dict.fromkeys(names, 100.0), edges)
    assert len(layout.spots) == 300
    assert time.process_time() - began < 2


def test_groups_become_one_vertex_a_layer() -> None:
    groups = {"start": "", **{f"t{n}": "test" for n in range(50)}, "end": ""}
    edges = [("start", f"t{n}") for n in range(50)] + [(f"t{n}", "end") for n in range(50)]
    found = clustered(groups, edges, 10)
    assert {name: (one.group, len(one.members), one.first, one.last) for name, one in found.clusters.items()} == {
        "start": ("", 1, 0, 0), "t0": ("test", 50, 1, 1), "end": ("", 1, 2, 2),
    }  # fmt: skip
    assert found.edges == [("start", "t0"), ("t0", "end")]


@pytest.mark.parametrize(("wide", "deep"), [(1, 10_000), (100, 100), (5_000, 2)])
def test_whatever_its_shape_a_graph_becomes_small_and_has_no_circles(wide: int, deep: int) -> None:
    groups = {f"{layer}.{place}": "" for layer in range(deep) for place in range(wide)}
    edges = [(f"{layer}.{place}", f"{layer + 1}.{place}") for layer in range(deep - 1) for place in range(wide)]
    found = clustered(groups, edges, 100)
    assert len(found.clusters) <= 100
    assert sum(len(one.members) for one in found.clusters.values()) == wide * deep
    layer_of = layers([*found.clusters], found.edges)
    assert all(layer_of[tail] < layer_of[head] for tail, head in found.edges)
