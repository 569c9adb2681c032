"""Traces: spans from a request over the outbox to a worker's run, sent by OTLP over HTTP; off without an endpoint.

Off costs one comparison a call, and the exporter is not even imported. Attributes carry ids, names and counts; never a
payload, an address, a token or an exception's text, since any of these may hold what people are called.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Token
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from storecast import __version__
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

LINKED_AFTER = timedelta(seconds=60)
"""A job that waited longer starts a trace of its own, with a link: collectors close a trace about that soon."""

EXPORT_TIMEOUT_S = 5.0
FLUSH_S = 3.0
"""What the end of a process may cost: a collector that is away must not hold up a deploy."""

MAX_LINKS = 128
"""What the SDK keeps of a span's links by default."""

SHOP_ID = "storecast.shop_id"

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attribute = str | int | float | bool


@dataclass(frozen=True, slots=True)
class _Tracing:
    provider: "TracerProvider"
    tracer: "trace.Tracer"


_on: _Tracing | None = None


def configure(process: str) -> None:
    """Begin to trace in this process when the settings name an endpoint.

    Call it after the fork: the thread that sends does not survive one.
    """
    global _on  # noqa: PLW0603  # one tracer a process is the point
    endpoint = get_settings().otlp_endpoint
    if endpoint is None or _on is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create(
        {
            "service.namespace": "storecast",
            "service.name": f"storecast-{process}",
            "service.version": __version__,
        }
    )
    # `shutdown` below ends it: at exit the SDK would wait half a minute for a collector that is away.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _on = _Tracing(provider, provider.get_tracer("storecast", __version__))


def shutdown() -> None:
    """Send what is left, for a bounded time, and stop tracing."""
    global _on  # see configure
    if _on is None:
        return
    ending, _on = _on, None
    thread = threading.Thread(target=ending.provider.shutdown, name="trace flush", daemon=True)
    thread.start()
    thread.join(FLUSH_S)


class Span:
    """A span as a context manager; the one of a process that does not trace does nothing."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: "trace.Span | None" = None) -> None:
        self._span = span
        self._token: Token[Context] | None = None

    def __enter__(self) -> Self:
        if self._span is not None:
            from opentelemetry import context, trace

            self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._span is None:
            return
        from opentelemetry import context

        if error is not None:
            self.failed(type(error).__name__)
        self._span.end()
        if self._token is not None:
            context.detach(self._token)

    def set(self, attributes: Mapping[str, Attribute | None]) -> None:
        """Add attributes; None is left out."""
        if self._span is not None:
            self._span.set_attributes(_present(attributes))

    def rename(self, name: str) -> None:
        """Give the span the name that is only known now."""
        if self._span is not None:
            self._span.update_name(name)

    def failed(self, error_class: str) -> None:
        """Mark the span as failed by the class of the error; its text stays out."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", error_class)
            self._span.set_status(StatusCode.ERROR, error_class)

    @property
    def traceparent(self) -> str | None:
        """The span's W3C trace context, None when nothing is traced."""
        return None if self._span is None else _written(self._span.get_span_context())


OFF = Span()
"""What every function here returns in a process that does not trace."""


def span(
    name: str, *, kind: Kind = "internal", attributes: Mapping[str, Attribute | None] | None = None
) -> Span:
    """A span under the current one."""
    return OFF if _on is None else _start(_on, name, kind, attributes or {})


def request_span(name: str) -> Span:
    """The span of a request that came in: always a new trace.

    A caller's own traceparent is not taken over: anybody on the internet could have every one of their requests
    recorded, or hang them under a trace of ours.
    """
    if _on is None:
        return OFF
    from opentelemetry.context import Context

    return _start(_on, name, "server", {}, context=Context())


def job_span(
    name: str,
    traceparent: str | None,
    attributes: Mapping[str, Attribute | None] | None = None,
    *,
    enqueued_at: datetime | None = None,
) -> Span:
    """The run of a job, under the span that staged it; a run long after that gets its own trace with a link to it."""
    if _on is None:
        return OFF
    from opentelemetry.context import Context

    staged = _read(traceparent)
    if staged is None:
        return _start(_on, name, "consumer", attributes or {}, context=Context())
    if enqueued_at is not None and utcnow() - enqueued_at > LINKED_AFTER:
        return _start(_on, name, "consumer", attributes or {}, context=Context(), links=[staged])
    return _start(_on, name, "consumer", attributes or {}, context=_under(staged))


def publish_span(traceparents: Iterable[str | None], attributes: Mapping[str, Attribute | None]) -> Span:
    """The publishing of jobs: under the span that staged them, or linked to all of them when they are several."""
    return _gathered("relay.publish", "producer", traceparents, attributes)


def commit_span(traceparents: Iterable[str | None], attributes: Mapping[str, Attribute | None]) -> Span:
    """A commit of what requests brought: under the one request, or linked to all of them when they are several."""
    return _gathered("edge.commit", "internal", traceparents, attributes)


def _gathered(
    name: str,
    kind: Kind,
    traceparents: Iterable[str | None],
    attributes: Mapping[str, Attribute | None],
) -> Span:
    if _on is None:
        return OFF
    from opentelemetry.context import Context

    distinct = dict.fromkeys(value for value in traceparents if value)
    staged = [context for value in distinct if (context := _read(value)) is not None]
    if not staged:
        return OFF
    if len(staged) == 1:
        return _start(_on, name, kind, attributes, context=_under(staged[0]))
    return _start(_on, name, kind, attributes, context=Context(), links=staged[:MAX_LINKS])


def current_traceparent() -> str | None:
    """The W3C trace context of the current span, for a row that is staged under it; None when nothing is traced."""
    if _on is None:
        return None
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return _written(context) if context.is_valid else None


def note(attributes: Mapping[str, Attribute | None]) -> None:
    """Add attributes to the current span, whoever started it."""
    if _on is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes(_present(attributes))


def find_trace_url(traceparent: str | None) -> str | None:
    """Where people see the trace, when the settings name a place and the row was traced."""
    template = get_settings().trace_url
    parts = (traceparent or "").split("-")
    if template is None or len(parts) != 4:
        return None
    return template.replace("{trace_id}", parts[1])


def _start(
    on: _Tracing,
    name: str,
    kind: Kind,
    attributes: Mapping[str, Attribute | None],
    *,
    context: "Context | None" = None,
    links: "Sequence[trace.SpanContext]" = (),
) -> Span:
    from opentelemetry.trace import Link, SpanKind

    return Span(
        on.tracer.start_span(
            name,
            context=context,
            kind=SpanKind[kind.upper()],
            attributes=_present(attributes),
            links=[Link(each) for each in links],
            record_exception=False,
            set_status_on_exception=False,
        )
    )


def _present(attributes: Mapping[str, Attribute | None]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _written(context: "trace.SpanContext") -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _read(traceparent: str | None) -> "trace.SpanContext | None":
    """The context that a row carries; None for one that does not parse, which costs a link and nothing else."""
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if not traceparent:
        return None
    carrier = {"traceparent": traceparent}
    context = TraceContextTextMapPropagator().extract(carrier, context=Context())
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


def _under(staged: "trace.SpanContext") -> "Context":
    from opentelemetry import trace
    from opentelemetry.context import Context

    return trace.set_span_in_context(trace.NonRecordingSpan(staged), Context())
