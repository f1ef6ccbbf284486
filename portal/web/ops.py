"""What machines ask: liveness, readiness, metrics, public keys."""

from flask import Blueprint, Response, jsonify, make_response

from portal.flows.signing.client_keys import public_keys
from portal.observe import metrics_text
from portal.web.context import services

blueprint = Blueprint("ops", __name__)


@blueprint.get("/healthz")
def live() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Say whether requests can be served; what is missing is named."""
    found = services().readiness()
    body = {"status": "ok" if found.is_ready else "unavailable", "checks": dict(found.checks)}
    return jsonify(body), 200 if found.is_ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give the metrics of all workers as Prometheus text."""
    response = make_response(metrics_text())
    response.content_type = "text/plain; version=0.0.4; charset=utf-8"
    return response


@blueprint.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Give the public keys of the clients that use private_key_jwt (RFC 7517, 5)."""
    response = jsonify(keys=public_keys(services()))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
