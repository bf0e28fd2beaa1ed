"""Log records within a job say of which job they are, and what else they were asked to say."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import teep
from teep.errors import ConfigurationError
from teep.middleware import LogContext, LogFilter, bind, log_fields
from tests.worker.fleet import Fleet

_APP = """
import asyncio, logging
from contextvars import ContextVar
import teep
from teep.middleware import LogContext, Propagation, bind

tenant = ContextVar("tenant")
config = teep.configure(concurrency=1)
config.use(LogContext(tenant=tenant), Propagation(tenant=tenant))
logger = logging.getLogger("app")

@teep.job(name="plain", tags=["nightly"], queue="reports")
def plain() -> None:
    bind(order=7)
    logger.info("within")

@teep.job(name="coroutine", queue="reports")
async def coroutine() -> None:
    await asyncio.sleep(0)
    tenant.set("another")
    logger.info("within")
    await asyncio.to_thread(logger.info, "and in a thread of its own")
"""

tenant: ContextVar[str] = ContextVar("tenant")


@pytest.fixture
def handler() -> Iterator[Callable[[], list[str]]]:
    """A handler of the user's own, which shows some fields; call it for its lines."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(LogFilter())
    names: list[str] = ["class", "jid", "queue", "tags", "tenant", "order"]
    handler.setFormatter(
        logging.Formatter(
            "%(message)s: %(class)s %(queue)s %(tags)s %(tenant)s %(order)s", defaults=dict.fromkeys(names, "-")
        )
    )
    logger = logging.getLogger("app")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    yield lambda: stream.getvalue().splitlines()
    logger.removeHandler(handler)


def _talk() -> None:
    logging.getLogger("app").info("before")
    bind(order=7)
    tenant.set("acme")
    logging.getLogger("app").info("after")


async def _talk_async() -> None:
    await asyncio.sleep(0)
    _talk()


@pytest.mark.parametrize("function", [_talk, _talk_async], ids=["def", "async def"])
def test_a_handler_of_ones_own(offline: teep.Config, handler: Callable[[], list[str]], function: Any) -> None:
    offline.use(LogContext(tenant=tenant))
    job = teep.job(name="talk", queue="q", tags=["a", "b"])(function)
    token = tenant.set("the caller's")
    job.perform_inline()
    assert log_fields() == {}
    tenant.reset(token)
    logging.getLogger("app").info("outside")
    assert handler() == [
        "before: talk q ['a', 'b'] the caller's -",
        "after: talk q ['a', 'b'] acme 7",
        "outside: - - - - -",
    ]


def test_a_records_own_attributes_stay(offline: teep.Config, handler: Callable[[], list[str]]) -> None:
    @teep.job(name="talk")
    def talk() -> None:
        bind(msg="not this", queue="nor this")
        logging.getLogger("app").info("text", extra={"queue": "its own"})

    offline.use(LogContext())
    talk.perform_inline()
    assert handler() == ["text: talk its own - - -"]


@pytest.mark.parametrize(("wrapped", "shown"), [("Inner", "Inner"), ({"a": 1}, "wrapper"), ("", "wrapper")])
def test_the_class_is_that_of_a_wrapped_job(
    offline: teep.Config, handler: Callable[[], list[str]], wrapped: Any, shown: str
) -> None:
    @teep.job(name="wrapper")
    def wrapper() -> None:
        logging.getLogger("app").info("text")

    offline.use(LogContext())
    wrapper.set(extra={"wrapped": wrapped}).perform_inline()
    assert handler() == [f"text: {shown} default - - -"]


def test_only_context_variables_can_be_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"tenant must be a contextvars\.ContextVar"):
        LogContext(tenant="acme")  # type: ignore[arg-type]


@pytest.mark.parametrize("processes", ["1", "2"], ids=["alone", "supervised"])
def test_what_an_application_sets_up_as_it_is_imported_holds_in_its_workers(
    fleet: Fleet, tmp_path: Path, processes: str
) -> None:
    (tmp_path / "talking_app.py").write_text(_APP, "utf-8")
    process = fleet.spawn(
        "--json-logs", "-q", "reports", "-p", processes,
        program=("teep", "worker", "talking_app"), path=tmp_path, await_up=False,
    )  # fmt: skip
    cattr = {"tenant": "acme"}
    plain = fleet.push("plain", queue="reports", tags=["nightly"], cattr=cattr)
    coroutine = fleet.push("coroutine", queue="reports", cattr=cattr)
    fleet.wait_until_processed(2)
    process.stop()
    within = [line["ctx"] for line in process.lines if line["msg"] in ("within", "and in a thread of its own")]
    expected = {"class": "plain", "jid": plain, "queue": "reports", "tags": ["nightly"], "order": 7, "tenant": "acme"}
    other = {"class": "coroutine", "jid": coroutine, "queue": "reports", "tenant": "another"}
    assert sorted(within, key=lambda ctx: ctx["class"]) == [other, other, expected]
    assert [line["ctx"]["class"] for line in process.lines if line["msg"] == "done"].count("plain") == 1
