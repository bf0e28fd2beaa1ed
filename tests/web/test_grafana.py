"""docs/grafana: the dashboard and the alerts ask for metrics and labels that there are."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import teep
from teep.integrations.prometheus import Prometheus
from tests.support.servers import Server
from tests.web.test_programs import populate
from tests.web.visitor import Visitor

FOLDER = Path(__file__).parents[2] / "docs" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "teep.json").read_text("utf-8"))
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES: dict[str, dict[str, Any]] = {each["name"]: each for each in DASHBOARD["templating"]["list"]}

Labels = frozenset[str]
Known = Mapping[str, Labels]

_KEEP_LABELS = ("topk", "bottomk", "and", "or", "unless", "==", "!=", "<", ">", "<=", ">=")


@pytest.fixture
def known(visitor: Visitor, store: Server, config: teep.Config) -> Known:
    """The labels of every metric, by name: of the web page on a Redis with all there is, and of a worker."""
    populate(store, config)
    registry = CollectorRegistry()
    with Prometheus(registry)._measured({"class": "C", "queue": "default"}):
        pass
    texts = (visitor.get("/prometheus").text, generate_latest(registry).decode())
    return {
        sample.name: frozenset({*sample.labels, "instance"})  # Prometheus itself adds the instance
        for text in texts
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def given(expr: Any, known: Known) -> Labels:
    """The labels of what an expression gives. Fails if it asks for a metric or a label that there is not."""
    match expr:
        case promql.VectorSelector():
            name = str(expr.name)
            assert name in known, name
            asked = {matcher.name for matcher in expr.matchers.matchers}
            assert asked <= known[name], (name, asked)
            return known[name]
        case promql.MatrixSelector():
            return given(expr.vector_selector, known)
        case promql.ParenExpr() | promql.UnaryExpr():
            return given(expr.expr, known)
        case promql.NumberLiteral():
            return frozenset()
        case promql.Call():
            return _given_by_call(expr, known)
        case promql.AggregateExpr():
            labels = given(expr.expr, known)
            kept = frozenset(expr.modifier.labels if expr.modifier else ())
            assert kept <= labels, expr
            return labels if str(expr.op) in _KEEP_LABELS else kept
        case promql.BinaryExpr():
            return _given_by_both(expr, known)
    raise AssertionError(f"no such expression is known here: {expr!r}")


def _given_by_call(call: promql.Call, known: Known) -> Labels:
    name = call.func.name
    for argument in call.args:
        if isinstance(argument, promql.MatrixSelector):
            counts = str(argument.vector_selector.name).endswith(("_total", "_bucket"))
            assert counts is (name in ("rate", "increase")), f"{name} of {argument.vector_selector.name}"
    labels = frozenset().union(*(given(argument, known) for argument in call.args))
    if name == "histogram_quantile":
        assert "le" in labels
        return labels - {"le"}
    return labels


def _given_by_both(expr: promql.BinaryExpr, known: Known) -> Labels:
    left, right = given(expr.lhs, known), given(expr.rhs, known)
    if expr.modifier is not None and expr.modifier.matching is not None:
        on = frozenset(expr.modifier.matching.labels)
        assert on <= left, expr
        assert on <= right, expr
        return left if str(expr.op) in _KEEP_LABELS else on
    if not isinstance(expr.lhs, promql.NumberLiteral) and not isinstance(expr.rhs, promql.NumberLiteral):
        assert left == right, expr
    return left | right


def parsed(expr: str) -> Any:
    """An expression of a panel, with Grafana's variables filled in."""
    filled = expr.replace("$__rate_interval", "5m")
    for name in VARIABLES:
        filled = filled.replace(f"${name}", "x")
    assert "$" not in filled, expr
    return promql.parse(filled)


def test_panels_ask_for_what_there_is(known: Known) -> None:
    asked: set[str] = set()
    for panel in PANELS:
        assert panel["description"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            labels = given(parsed(target["expr"]), known)
            named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
            assert named <= labels, (panel["title"], named)
            asked |= set(re.findall(r"teep_\w+", target["expr"]))
    state = {name for name in known if not re.match(r"teep_job(s|_wait|_seconds)_", name)}
    assert state <= asked, "each number that the web page gives is somewhere on the dashboard"


def test_variables_ask_for_what_there_is(known: Known) -> None:
    assert list(VARIABLES) == ["datasource", "instance", "queue", "class"]
    for variable in VARIABLES.values():
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
            assert label in given(parsed(selector), known)


def test_every_panel_has_a_place_of_its_own() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert all(panel["gridPos"]["x"] >= 0 and _right(panel) <= 24 for panel in everything)
    for one, other in combinations(everything, 2):
        assert not _overlap(one, other), (one["title"], other["title"])
    for panel in PANELS:
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_the_dashboard_can_be_brought_into_any_grafana() -> None:
    assert (DASHBOARD["uid"], DASHBOARD["id"], DASHBOARD["tags"]) == ("teep-overview", None, ["teep"])
    assert VARIABLES["datasource"]["query"] == "prometheus"
    assert {panel["type"] for panel in PANELS} == {"stat", "timeseries", "bargauge", "table"}


def test_alerts_ask_for_what_there_is(known: Known) -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        labels = given(promql.parse(rule["expr"]), known)
        assert set(rule) - {"for", "keep_firing_for"} == {"alert", "expr", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        for name in ("for", "keep_firing_for"):
            assert promql.parse_duration(rule.get(name, "1s"))
        said = " ".join(rule["annotations"][name] for name in ("summary", "description"))
        assert set(re.findall(r"\$labels\.(\w+)", said)) <= labels, rule["alert"]
        assert said.count("{{") == said.count("}}") == len(list(_braces(said))), rule["alert"]


@pytest.mark.parametrize(
    "expr",
    [
        "teep_no_such",
        'teep_queue_jobs{jid="x"}',
        "sum by (class) (teep_queue_jobs)",
        "teep_queue_jobs > on (queue) teep_threads",
        "rate(teep_queue_jobs[5m])",
        "delta(teep_failed_total[5m])",
        "teep_queue_jobs / teep_threads",
    ],
)
def test_what_there_is_not_is_found(known: Known, expr: str) -> None:
    with pytest.raises(AssertionError):
        given(promql.parse(expr), known)


def _braces(said: str) -> Iterator[str]:
    """The templates in a string that Prometheus knows: a label, or the value in some form."""
    forms = r"\$labels\.\w+|\$value( \| humanize(Duration|Percentage)?)?|printf \"%\.0f\" \$value"
    return (found.group() for found in re.finditer(rf"{{{{ ({forms}) }}}}", said))


def _right(panel: Mapping[str, Any]) -> int:
    return int(panel["gridPos"]["x"] + panel["gridPos"]["w"])


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    return not beside and not below
