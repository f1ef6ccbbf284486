"""What operators see: structured logs with references, and Prometheus counters."""

import logging
import os
import re
import secrets
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger("portal")

_SIGN_INS = Counter(
    "portal_sign_ins_total", "Sign-ins by method and outcome.", ["method", "outcome"]
)
PASSWORD_CHECKS = Gauge(
    "portal_password_checks",
    "Password checks that run or wait for their turn.",
    multiprocess_mode="livesum",
)
_PROVIDER_SECONDS = Histogram(
    "portal_provider_request_seconds",
    "How long providers take to answer, or not to.",
    ["issuer"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_BREAKER_OPEN = Gauge(
    "portal_provider_breaker_open",
    "1 while a provider failed repeatedly and is left alone.",
    ["issuer"],
    multiprocess_mode="livemax",
)
MOST_ISSUERS = 50
_named_issuers: set[str] = set()
_request = ContextVar("request", default="")

_ALPHABET = b"23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letter that reads like a digit
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_SECRET_KEYS = re.compile(
    r"pass(word)?|secret|token|code$|verifier|cookie|authorization|assertion|private_key|nonce|state$",
    re.IGNORECASE,
)


def new_reference() -> str:
    """Make the reference of a request or a failure, as people read it out: `4F7K-92QX`."""
    letters = secrets.token_bytes(8).translate(_LETTERS).decode()
    return f"{letters[:4]}-{letters[4:]}"


def begin_request() -> str:
    """Make the reference of a request, and have every log line about it bear it."""
    reference = new_reference()
    _request.set(reference)
    return reference


def configure_logging(*, json_lines: bool) -> None:
    """Send every log line to stderr: JSON for machines, plain lines for people."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            _name_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # A line and its end in one write: other workers write to the same stream. Which stream that
        # is, is looked up for each line: it may have been replaced, and the one before be closed.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _name_request(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Have a line bear the reference of the request that it is about."""
    del logger, method
    reference = _request.get()
    if reference:
        event.setdefault("request", reference)
    return event


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank the values of keys that name secrets: the last net, not the first."""
    del logger, method
    for key in event:
        if _SECRET_KEYS.search(key):
            event[key] = "[redacted]"
    return event


def masked(address: str) -> str:
    """Give an address as logs may hold it: first letter and domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def metrics_text() -> bytes:
    """Give the metrics of all workers in Prometheus' text format.

    With PROMETHEUS_MULTIPROC_DIR set before the first import the counters live in files there, so
    that a worker's death takes none away; what was true of it alone goes.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return generate_latest()
    for left in Path(folder).glob("gauge_live*_*.db"):
        pid = left.stem.rpartition("_")[2]
        if not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            left.unlink(missing_ok=True)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


@lru_cache
def sign_ins(method: str, outcome: str) -> Counter:
    """Give the counter of sign-ins by one method with one outcome."""
    return _SIGN_INS.labels(method, outcome)


def note_provider(issuer: str, *, seconds: float, is_left_alone: bool) -> None:
    """Note how a call to a provider went; the first issuers have names, the rest are `other`."""
    if issuer not in _named_issuers:
        if len(_named_issuers) < MOST_ISSUERS:
            _named_issuers.add(issuer)
        else:
            issuer = "other"
    took, is_open = _of_issuer(issuer)
    took.observe(seconds)
    is_open.set(is_left_alone)


@lru_cache
def _of_issuer(name: str) -> tuple[Histogram, Gauge]:
    return _PROVIDER_SECONDS.labels(name), _BREAKER_OPEN.labels(name)
