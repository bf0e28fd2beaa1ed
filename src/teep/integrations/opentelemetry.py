"""OpenTelemetry spans from push to run; needs the extra `teep[otel]`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from teep.config import Config
from teep.integrations.ending import ending_of
from teep.middleware import around
from teep.telling import quiet
from teep.version import __version__
from teep.wire.payload import executed_class

# Fleets of Ruby and Python are one system to a reader of their traces.
_SYSTEM = "sidekiq"


class OpenTelemetry:
    """Traces jobs: a span for each push, and one around each run, linked to the first.

    The context of the push lies in fields of the payload (`traceparent` …), the same as in OpenTelemetry's
    instrumentation of Ruby's Sidekiq. A run is the root of a trace of its own, since it may come days after the push,
    and more than once; baggage comes along. Pushes of a job belong to its run's trace. Attributes follow the semantic
    conventions for messaging.

    Args:
        tracer_provider: default: the global one.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("teep", __version__, tracer_provider)

    def join(self, config: Config) -> None:
        """Add it to both chains: around everything else but middleware that is prepended later."""
        config.client_middleware.prepend(self._pushing)
        config.server_middleware.prepend(around(quiet(self._running)))

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
