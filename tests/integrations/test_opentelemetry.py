"""Spans of pushes and runs, by the real SDK."""

import time

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import teep
from teep.config.handlers import fire
from teep.integrations import opentelemetry
from teep.integrations.opentelemetry import OpenTelemetry
from tests.integrations.conftest import SAMPLE, Jobs, run_in_three_parts
from tests.support.waiting import wait_until
from tests.worker.fleet import SOON, Fleet


class Traced:
    """A provider, and the spans that have ended, the first to end first."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("the application")

    def spans(self, count: int) -> list[ReadableSpan]:
        wait_until(lambda: len(self._exporter.get_finished_spans()) >= count, SOON, f"{count} spans")
        spans = list(self._exporter.get_finished_spans())
        assert len(spans) == count
        return spans


@pytest.fixture
def traced(fleet: Fleet) -> Traced:
    traced = Traced()
    fleet.config.use(OpenTelemetry(traced.provider))
    return traced


def _attributes(span: ReadableSpan) -> dict[str, object]:
    return {name.removeprefix("messaging."): value for name, value in (span.attributes or {}).items()}


def test_a_run_is_linked_to_its_push(fleet: Fleet, traced: Traced, jobs: Jobs) -> None:
    with traced.tracer.start_as_current_span("request"):
        jid = jobs.push("succeed")
    fleet.start(fleet.config)
    push, request, run = traced.spans(3)
    assert request.context is not None
    assert push.context is not None
    assert push.parent is not None
    assert push.parent.span_id == request.context.span_id
    assert (push.name, push.kind) == ("push default", SpanKind.PRODUCER)
    assert (run.name, run.kind, run.parent) == ("perform default", SpanKind.CONSUMER, None)
    assert [(link.context.trace_id, link.context.span_id) for link in run.links] == [
        (push.context.trace_id, push.context.span_id)
    ]
    assert run.context is not None
    assert run.context.trace_id != push.context.trace_id
    shared = {
        "system": "sidekiq",
        "destination.name": "default",
        "message.id": jid,
        "sidekiq.job_class": "app.work",
    }
    assert _attributes(push) == {**shared, "operation.name": "push", "operation.type": "create"}
    assert _attributes(run) == {**shared, "operation.name": "perform", "operation.type": "process"}
    assert (run.status.status_code, run.events) == (StatusCode.UNSET, ())


def test_failures_are_errors_and_interruptions_are_none(fleet: Fleet, traced: Traced, jobs: Jobs) -> None:
    jobs.run_in_every_way()
    runs = [span for span in traced.spans(10) if span.kind == SpanKind.CONSUMER]
    endings = [(run.status.status_code.name, [event.name for event in run.events]) for run in runs]
    failure, interruption = ("ERROR", ["exception"]), ("UNSET", ["interrupted"])
    assert endings == [("UNSET", []), failure, failure, interruption, interruption]
    assert (_attributes(runs[1])["error.type"], runs[1].status.description) == ("ValueError", "no luck")
    recorded = dict(runs[1].events[0].attributes or {})
    assert (recorded["exception.type"], recorded["exception.message"]) == ("ValueError", "no luck")
    assert "Traceback" in str(recorded["exception.stacktrace"])


def test_the_parts_of_an_iterable_job_are_interrupted_runs(fleet: Fleet, traced: Traced) -> None:
    run_in_three_parts(fleet, "def")
    runs = [span for span in traced.spans(4) if span.kind == SpanKind.CONSUMER]
    assert [[event.name for event in run.events] for run in runs] == [["interrupted"], ["interrupted"], []]
    assert {run.status.status_code for run in runs} == {StatusCode.UNSET}


def test_a_retry_belongs_to_the_push_that_made_it(fleet: Fleet, traced: Traced) -> None:
    @teep.job(name="fail")
    def fail() -> None:
        raise ValueError("no luck")

    fail.perform_async()
    fleet.start(fleet.config)
    fleet.failed_payload()
    assert teep.RetrySet().retry_all() == 1
    push, first, second = traced.spans(3)
    assert push.context is not None
    assert [link.context.span_id for run in (first, second) for link in run.links] == [push.context.span_id] * 2
    # Sent back by hand, which takes the attempt back.
    assert [_attributes(run).get("sidekiq.retry_count") for run in (first, second)] == [None, -1]


def test_what_a_job_pushes_belongs_to_its_run(fleet: Fleet, traced: Traced) -> None:
    @teep.job(name="inner")
    def inner() -> None: ...

    @teep.job(name="outer")
    async def outer() -> None:
        assert baggage.get_baggage("tenant") == "acme"
        await inner.aio.perform_async()

    token = context.attach(baggage.set_baggage("tenant", "acme"))
    outer.perform_async()
    context.detach(token)
    fleet.start(fleet.config.copy(concurrency=1))
    by_name = {f"{span.name.split()[0]} {_attributes(span)['sidekiq.job_class']}": span for span in traced.spans(4)}
    outer_run, inner_push = by_name["perform outer"], by_name["push inner"]
    assert outer_run.context is not None
    assert inner_push.parent is not None
    assert inner_push.parent.span_id == outer_run.context.span_id
    assert inner_push.context is not None
    assert [link.context.span_id for link in by_name["perform inner"].links] == [inner_push.context.span_id]


def test_jobs_of_rubys_instrumentation_are_linked_and_others_are_not(
    fleet: Fleet, traced: Traced, jobs: Jobs
) -> None:
    carrier = b'"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"'
    fleet.push_raw(b'{"class":"app.work","args":["succeed"],"jid":"1",%b}' % carrier)
    fleet.push_raw(b'{"class":"app.work","args":["succeed"],"jid":"2","traceparent":7}')
    fleet.start(fleet.config.copy(concurrency=1))
    linked, alone = traced.spans(2)
    assert [trace.format_span_id(link.context.span_id) for link in linked.links] == ["b7ad6b7169203331"]
    assert alone.links == ()


def test_without_an_sdk_nothing_is_written(fleet: Fleet) -> None:
    fleet.config.use(OpenTelemetry(trace.NoOpTracerProvider()))
    with teep.testing.fake() as jobs:
        teep.Client().push({"class": "x", "args": []})
    assert "traceparent" not in jobs[0].item


def _metrics(reader: InMemoryMetricReader) -> dict[tuple[str, str], object]:
    """Return the values by the metric's name and its only attribute."""
    data = reader.get_metrics_data()
    return {
        (metric.name, str(next(iter((point.attributes or {}).values()), ""))): point.value
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
        if isinstance(point, NumberDataPoint)
    }


def test_samples_of_the_fleet_are_metrics_while_they_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    config = teep.Config()
    config.use(OpenTelemetry(meter_provider=MeterProvider([reader], shutdown_on_exit=False)))
    assert _metrics(reader) == {}
    fire(config, "sample", SAMPLE)
    fire(config, "sample", {**SAMPLE, "processed": 110})
    assert _metrics(reader) == {
        ("teep.processed", ""): 110,
        ("teep.failed", ""): 3,
        ("teep.jobs", "enqueued"): 5,
        ("teep.jobs", "scheduled"): 1,
        ("teep.jobs", "retries"): 2,
        ("teep.jobs", "dead"): 4,
        ("teep.jobs", "busy"): 6,
        ("teep.queue.size", "low"): 5,
        ("teep.queue.latency", "low"): 1.25,
        ("teep.gauge", "carts.open"): 17,
    }
    fire(config, "sample", {**SAMPLE, "queues": {"odd\udcff": {"size": 1, "latency": 0.0}}})
    assert ("teep.queue.size", "odd\\udcff") in _metrics(reader)
    now = time.monotonic()
    monkeypatch.setattr(opentelemetry, "monotonic", lambda: now + 60)
    assert _metrics(reader) == {}
