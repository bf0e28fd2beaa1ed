"""Whatever its own description allows, and what it does not, the JSON API answers as described: schemathesis asks."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, strategies

import teep
import teep.web
from teep.web.json.endpoints import Endpoint, openapi
from teep.web.pages.programs import ENDPOINTS
from tests.support.servers import Server
from tests.web.conftest import fill
from tests.web.test_hostile import STRANGE
from tests.web.test_jobsets import key
from tests.web.test_metrics import left_profile
from tests.web.test_programs import NAMED, a_workflow, populate
from tests.web.visitor import OURS, Visitor

if TYPE_CHECKING:
    from schemathesis import Case

FILTERS = (
    "class:job_*",
    "error:E older:1h",
    "class:",
    "clas:x",
    'tag:"',
    "queue:default -",
    "\0",
    "older:9999999999d",
    "m",
)

SCHEDULES = ("0 4 * * *", "@every 10m", "H * * * *", "* *", "@never")


@pytest.fixture
def asked(store: Server, config: teep.Config, runner: asyncio.Runner) -> Iterator[Visitor]:
    """A visitor of an API in which every list has jobs, whatever they are."""
    populate(store, config)
    left_profile(store)
    a_workflow(config)
    for name in ("retry", "dead", "schedule"):
        fill(store, name, 40, error_class="E", error_message="m", tags=["t"])
        store.client.zadd(name, {raw: 1e9 + number for number, raw in enumerate(STRANGE)})
    visitor = Visitor(teep.web.app(config), runner)
    yield visitor
    visitor.close()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_answers_are_as_described(asked: Visitor, store: Server, config: teep.Config, endpoint: Endpoint) -> None:
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    operation = schemathesis.openapi.from_dict(openapi(ENDPOINTS))[endpoint.path][endpoint.method]
    modes = schemathesis.GenerationMode
    jobs = [key(number) for number in range(40)]
    actions = [_action_of(asked, store)] if "{id}" in endpoint.path else []
    bids = [batch.bid for batch in teep.BatchSet(config=config)]
    seen: set[int] = set()

    # Neither is a failure made smaller nor explained: each example would be asked for again.
    @hypothesis.settings(
        max_examples=12 if endpoint.method == "GET" else 40, deadline=None, database=None, derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        phases=[Phase.generate],
    )  # fmt: skip
    @hypothesis.given(strategies.data())
    def ask(data: strategies.DataObject) -> None:
        mode = data.draw(strategies.sampled_from([modes.POSITIVE, modes.POSITIVE, modes.NEGATIVE]))
        case = data.draw(operation.as_strategy(mode))
        _make_likely(case, data, {"key": jobs, "id": actions, "name": [NAMED], "bid": bids})
        answer = _sent(asked, case)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks)

    ask()
    assert 200 in seen


def _make_likely(case: "Case[Any]", data: strategies.DataObject, there: Mapping[str, Sequence[str]]) -> None:
    """Put what there is into some of the places where random strings would find nothing."""
    if data.draw(strategies.booleans()):
        return
    for name in case.path_parameters.keys() & there.keys():
        case.path_parameters[name] = data.draw(strategies.sampled_from(there[name]))
    for fields in (case.query, case.body):
        if isinstance(fields, dict) and "q" in fields:
            fields["q"] = data.draw(strategies.sampled_from(FILTERS))
        if isinstance(fields, dict) and "keys" in fields:
            keys: list[Any] = data.draw(strategies.lists(strategies.sampled_from(there["key"]), max_size=3))
            fields["keys"] = keys
        if isinstance(fields, dict) and "schedule" in fields:
            fields.update(schedule=data.draw(strategies.sampled_from(SCHEDULES)), tz="", name=f"made-{len(case.id)}")


def _action_of(visitor: Visitor, store: Server) -> str:
    """Start an action on so many jobs that it goes on in the background."""
    store.client.delete("schedule")
    fill(store, "schedule", 2500)
    answer = visitor.ask("POST", "/api/scheduled/all", json={"action": "delete", "confirm": 2500})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["action"]["id"])


def _sent(asked: Visitor, case: "Case[Any]") -> Any:
    """Ask for a case as schemathesis writes it, but without a server."""
    request = case.as_transport_kwargs(base_url="")
    del request["cookies"]
    if "data" in request:
        request["content"] = request.pop("data")
    request["headers"].update(OURS)
    return asked.ask(request.pop("method"), "/" + request.pop("url"), **request)
