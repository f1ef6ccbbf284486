"""OpenTelemetry traces, where an operator collects them; else nothing is loaded for it.

A span bears a method, a route, a status, an issuer and the request's reference: no address, no
code, no token, no query, and no words of an exception.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing.util import Finalize
from typing import Any

from portal.observe import log

_SWITCHES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_OFF = nullcontext()
_tracer: Any = None


def start() -> bool:
    """Send traces from now on where OTEL_EXPORTER_OTLP_ENDPOINT is set; say whether it is so."""
    global _tracer  # noqa: PLW0603 - one for the process, like the SDK's own
    if not any(os.environ.get(name) for name in _SWITCHES):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("tracing.missing", mend="pip install 'portal[tracing]'")
        return False
    name = os.environ.get("OTEL_SERVICE_NAME", "portal")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    Finalize(None, provider.shutdown, exitpriority=10)  # workers end without atexit
    _tracer = provider.get_tracer("portal")
    return True


def is_on() -> bool:
    """Whether traces are sent."""
    return _tracer is not None


def span(name: str, **attributes: str) -> AbstractContextManager[Any]:
    """Trace what the block does as a part of the request that is under way."""
    if _tracer is None:
        return _OFF
    return _span(name, attributes)


@contextmanager
def _span(name: str, attributes: dict[str, str], kind: Any = None) -> Iterator[Any]:
    from opentelemetry.trace import SpanKind, Status, StatusCode

    with _tracer.start_as_current_span(
        name,
        kind=kind or SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as found:
        try:
            yield found
        except Exception as error:
            found.set_attribute("error.type", type(error).__name__)
            found.set_status(Status(StatusCode.ERROR))
            raise


def request_span(method: str) -> AbstractContextManager[Any]:
    """Trace a request, from its arrival to its answer."""
    from opentelemetry.trace import SpanKind

    return _span(method, {"http.request.method": method}, SpanKind.SERVER)


def describe_request(name: str, **attributes: str) -> None:
    """Name the span of the request that is under way."""
    from opentelemetry.trace import get_current_span

    found = get_current_span()
    found.update_name(name)
    found.set_attributes(attributes)
