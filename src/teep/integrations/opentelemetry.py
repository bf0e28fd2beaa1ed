"""OpenTelemetry spans from push to run, and metrics of the fleet; needs the extra `teep[otel]`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from teep.clock import monotonic
from teep.config import Config
from teep.integrations.ending import ending_of
from teep.middleware import around
from teep.telling import quiet
from teep.version import __version__
from teep.wire.payload import executed_class

# Fleets of Ruby and Python are one system to a reader of their traces.
_SYSTEM = "sidekiq"

_STATES = ("enqueued", "scheduled", "retries", "dead", "busy")
# Seconds after a sample in which the next one should have come.
_FRESH = 25.0


class OpenTelemetry:
    """Traces jobs: a span for each push, and one around each run, linked to the first.

    The context of the push lies in fields of the payload (`traceparent` …), the same as in OpenTelemetry's
    instrumentation of Ruby's Sidekiq. A run is the root of a trace of its own, since it may come days after the push,
    and more than once; baggage comes along. Pushes of a job belong to its run's trace. Attributes follow the semantic
    conventions for messaging.

    If the worker leads the fleet and records its history (`history=True`), it has metrics of the fleet, too: the
    counters `teep.processed` and `teep.failed`; `teep.jobs` by `state` ("enqueued", "scheduled", "retries", "dead",
    "busy"); `teep.queue.size` and `teep.queue.latency` by `messaging.destination.name`; the program's own as
    `teep.gauge` by `name`.

    Args:
        tracer_provider: default: the global one.
        meter_provider: default: the global one.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer("teep", __version__, tracer_provider)
        self._meter_provider = meter_provider
        self._fleet: _Fleet | None = None

    def join(self, config: Config) -> None:
        """Add it to both chains: around everything else but middleware that is prepended later."""
        config.client_middleware.prepend(self._pushing)
        config.server_middleware.prepend(around(quiet(self._running)))
        config.on("sample", self._sampled)

    def _sampled(self, sample: dict[str, Any]) -> None:
        if self._fleet is None:
            self._fleet = _Fleet(metrics.get_meter("teep", __version__, self._meter_provider))
        self._fleet.take(sample)

    def _pushing(self, job: dict[str, Any], call_next: Callable[[], Any]) -> Any:
        if any(field in job for field in propagate.get_global_textmap().fields):
            return call_next()  # a retry, or a scheduled job that is due: it was pushed before
        attributes = _attributes(job, "push", "create")
        with self._tracer.start_as_current_span(
            f"push {job['queue']}", kind=SpanKind.PRODUCER, attributes=attributes
        ):
            propagate.inject(job)
            return call_next()

    @contextmanager
    def _running(self, job: dict[str, Any]) -> Iterator[None]:
        carried = propagate.extract({name: value for name, value in job.items() if type(value) is str}, Context())
        pushed = trace.get_current_span(carried).get_span_context()
        with (
            # Without the span of the push, which is no parent.
            _attached(trace.set_span_in_context(trace.INVALID_SPAN, carried)),
            self._tracer.start_as_current_span(
                f"perform {job.get('queue', 'default')}",
                kind=SpanKind.CONSUMER,
                attributes=_attributes(job, "perform", "process"),
                links=[Link(pushed)] if pushed.is_valid else [],
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
        ):
            try:
                yield
            except BaseException as error:
                _note(span, error)
                raise
            _note(span, None)


class _Fleet:
    """The metrics of the fleet. A process that no longer samples, since another one leads, has none."""

    def __init__(self, meter: Meter) -> None:
        self._sample: dict[str, Any] = {}
        self._until = 0.0
        self._count(meter, "processed", "Runs of jobs, failed ones included.")
        self._count(meter, "failed", "Runs of jobs that failed.")
        self._show(meter, "teep.jobs", "{job}", "Jobs by where they are.", self._jobs)
        self._show(meter, "teep.queue.size", "{job}", "Jobs that wait.", lambda: self._of_queues("size"))
        self._show(meter, "teep.queue.latency", "s", "How long the next job has waited.",
                   lambda: self._of_queues("latency"))  # fmt: skip
        self._show(meter, "teep.gauge", "1", "Numbers of the program's own.", self._gauges)

    def take(self, sample: dict[str, Any]) -> None:
        """Show a sample, until the next one or until it is too old."""
        self._sample, self._until = sample, monotonic() + _FRESH

    def _count(self, meter: Meter, field: str, description: str) -> None:
        read = self._while_fresh(lambda: [Observation(self._sample[field])])
        meter.create_observable_counter(f"teep.{field}", [read], "{run}", description)

    def _show(
        self, meter: Meter, name: str, unit: str, description: str, read: Callable[[], list[Observation]]
    ) -> None:
        meter.create_observable_gauge(name, [self._while_fresh(read)], unit, description)

    def _while_fresh(self, read: Callable[[], list[Observation]]) -> Callable[[CallbackOptions], list[Observation]]:
        return lambda _: read() if monotonic() < self._until else []

    def _jobs(self) -> list[Observation]:
        return [Observation(self._sample[state], {"state": state}) for state in _STATES]

    def _of_queues(self, field: str) -> list[Observation]:
        queues = self._sample["queues"].items()
        return [Observation(queue[field], {"messaging.destination.name": _legible(name)}) for name, queue in queues]

    def _gauges(self) -> list[Observation]:
        return [Observation(value, {"name": _legible(name)}) for name, value in self._sample["gauges"].items()]


def _legible(name: str) -> str:
    """Return a name that OTLP can carry: one that it cannot encode would take all metrics of the process with it."""
    return name.encode(errors="backslashreplace").decode()


@contextmanager
def _attached(context: Context) -> Iterator[None]:
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


def _note(span: trace.Span, error: BaseException | None) -> None:
    if ending_of(error) == "interrupted":
        span.add_event("interrupted")
        return
    if error is None:
        return
    kind = type(error)
    span.set_attribute("error.type", f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."))
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, str(error)))


def _attributes(job: dict[str, Any], name: str, kind: str) -> dict[str, AttributeValue]:
    """Return the attributes of the semantic conventions for messaging, and Sidekiq's own."""
    attributes: dict[str, AttributeValue] = {
        "messaging.system": _SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": str(job.get("queue", "default")),
        "messaging.message.id": str(job.get("jid", "")),
        "messaging.sidekiq.job_class": executed_class(job),
    }
    if type(count := job.get("retry_count")) is int:
        attributes["messaging.sidekiq.retry_count"] = count
    return attributes
