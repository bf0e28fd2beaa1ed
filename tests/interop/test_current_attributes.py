"""Context variables and Ruby's CurrentAttributes meet in `cattr`, through Sidekiq's own middleware."""

import json
import subprocess
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import teep
from teep.config import overridden
from teep.middleware import Propagation, attributes_of
from tests.interop.sidekiqs import Sidekiq

_PROGRAM = Path(__file__).parent / "ruby" / "current_attributes.rb"
_VALUES = {"tenant": {"id": 7, "name": "Grün & Söhne"}, "locale": "de", "none": None}

tenant: ContextVar[Any] = ContextVar("tenant")


def _ruby(sidekiq: Sidekiq, request: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        sidekiq.command("ruby", str(_PROGRAM)), env=sidekiq.environment("redis://127.0.0.1:1"),
        input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture
def config() -> teep.Config:
    """A configuration that no test may use to reach a Redis."""
    return teep.Config(redis_url="redis://127.0.0.1:1")


def test_ruby_sets_what_python_was_pushed_with(config: teep.Config, sidekiq: Sidekiq) -> None:
    config.use(Propagation(tenant=tenant))
    token = tenant.set(_VALUES["tenant"])
    with teep.testing.fake() as jobs:
        teep.Client(config).push({"class": "RubyJob", "args": []})
    tenant.reset(token)
    assert _ruby(sidekiq, {"load": jobs[0].item}) == {"tenant": _VALUES["tenant"]}


def test_python_sets_what_ruby_was_pushed_with(config: teep.Config, sidekiq: Sidekiq) -> None:
    payload = _ruby(sidekiq, {"save": _VALUES})
    assert attributes_of(payload) == _VALUES
    seen: list[Any] = []

    @teep.job(name="see")
    def see() -> None:
        seen.append(tenant.get())

    config.use(Propagation(tenant=tenant))
    with overridden(config), teep.testing.inline():
        teep.Client().push(payload)
    assert seen == [_VALUES["tenant"]]
