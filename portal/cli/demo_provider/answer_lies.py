"""Lies told by the HTTP answer itself: faults, each of which any endpoint can have."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator

from flask import Response, request

from portal.cli.demo_provider.lying import Hook, Lie, Scene, Stage, Verdict, claims, drop

_HTTP = "RFC 9110"
_JSON = "RFC 8259"
_HOSTILE = "RFC 9700 4.17"
_PAGE = "<!doctype html><title>Sign in</title><h1>Captive portal</h1>"
_DRIP = 0.1

_ENDPOINTS = {
    "metadata": Stage.METADATA_ANSWER,
    "jwks": Stage.JWKS_ANSWER,
    "token": Stage.TOKEN_ANSWER,
    "userinfo": Stage.USERINFO_ANSWER,
}


def _status(code: int) -> Hook:
    return lambda _answer, _scene: Response("", status=code, content_type="text/plain")


def _body(write: Callable[[bytes, Scene], bytes]) -> Hook:
    """Another body under the same status and content type."""

    def hook(answer: Response, scene: Scene) -> Response:
        answer.set_data(write(answer.get_data(), scene))
        return answer

    return hook


def _typed(content_type: str) -> Hook:
    """The same body under another content type."""

    def hook(answer: Response, _scene: Scene) -> Response:
        answer.content_type = content_type
        return answer

    return hook


def _slow(answer: Response, scene: Scene) -> Response:
    scene.stopping.wait(scene.options.delay)
    return answer


def _dripping(answer: Response, scene: Scene) -> Response:
    """Blanks, one at a time and for the whole delay, before the right answer.

    JSON may begin with blanks, so that only a limit on the whole call ends it.
    """
    body = answer.get_data()

    def drip() -> Iterator[bytes]:
        for _ in range(int(scene.options.delay / _DRIP)):
            if scene.stopping.wait(_DRIP):
                return
            yield b" "
        yield body

    return Response(drip(), content_type=answer.content_type)


def _elsewhere(_answer: Response, _scene: Scene) -> Response:
    """Sends on to the same endpoint, which tells whoever follows the truth."""
    return Response("", 307, {"Location": f"{request.base_url}?followed=1"})


def _page(_answer: Response, _scene: Scene) -> Response:
    return Response(_PAGE, content_type="text/html; charset=utf-8")


def _closed(answer: Response, _scene: Scene) -> Response:
    line: socket.socket = request.environ["werkzeug.socket"]
    line.shutdown(socket.SHUT_RDWR)
    return answer


def _truncated(answer: Response, _scene: Scene) -> Response:
    body = answer.get_data()
    cut = Response(body[: len(body) // 2], content_type=answer.content_type)
    cut.headers["Content-Length"] = str(len(body))
    return cut


def _gzip_bomb(answer: Response, scene: Scene) -> Response:
    answer.set_data(gzip.compress(b" " * scene.options.huge_bytes * 8 + answer.get_data()))
    answer.headers["Content-Encoding"] = "gzip"
    return answer


_FAULTS: dict[str, tuple[str, str, Hook, Verdict]] = {
    "404": ("status 404", f"{_HTTP} 15.5.5", _status(404), Verdict.REFUSE),
    "500": ("status 500", f"{_HTTP} 15.6.1", _status(500), Verdict.REFUSE),
    "503": ("status 503", f"{_HTTP} 15.6.4", _status(503), Verdict.REFUSE),
    "204": ("status 204 and no body", f"{_HTTP} 15.3.5", _status(204), Verdict.REFUSE),
    "slow": ("held back for the whole delay", _HOSTILE, _slow, Verdict.REFUSE),
    "drip": ("a byte at a time, for the whole delay", _HOSTILE, _dripping, Verdict.REFUSE),
    "huge": (
        "megabytes of blanks before the right answer",
        _HOSTILE,
        _body(lambda body, scene: b" " * scene.options.huge_bytes + body),
        Verdict.REFUSE,
    ),
    "gzip_bomb": ("a small body that unpacks to a huge one", _HOSTILE, _gzip_bomb, Verdict.REFUSE),
    "redirect": ("redirects to where the right answer is", _HOSTILE, _elsewhere, Verdict.REFUSE),
    "content_type": (
        "the right JSON as text/html",
        "OpenID Connect Core 3.1.3.3",
        _typed("text/html; charset=utf-8"),
        Verdict.EITHER,
    ),
    "html": ("a page in the place of JSON", f"{_JSON} 2", _page, Verdict.REFUSE),
    "close": ("the connection closed without an answer", _HTTP, _closed, Verdict.REFUSE),
    "truncated": ("half of what Content-Length says", f"{_HTTP} 8.6", _truncated, Verdict.REFUSE),
    "empty": ("an empty body", f"{_JSON} 2", _body(lambda _body, _scene: b""), Verdict.REFUSE),
    "invalid_json": (
        "JSON without its end",
        f"{_JSON} 2",
        _body(lambda body, _scene: body.rstrip()[:-1]),
        Verdict.REFUSE,
    ),
    "invalid_utf8": (
        "JSON that is no UTF-8",
        f"{_JSON} 8.1",
        _body(lambda body, _scene: body.rstrip()[:-1] + b',"x":"\xff\xfe"}'),
        Verdict.REFUSE,
    ),
    "list": (
        "the right object inside a list",
        f"{_JSON} 4",
        _body(lambda body, _scene: b"[" + body + b"]"),
        Verdict.REFUSE,
    ),
    "deep": (
        "a member nested 100,000 deep",
        f"{_JSON} 9",
        _body(
            lambda body, _scene: body.rstrip()[:-1] + b',"x":' + b"[" * 10**5 + b"]" * 10**5 + b"}"
        ),
        Verdict.REFUSE,
    ),
}


def _hooks(endpoint: str, hook: Hook) -> dict[Stage, Hook]:
    """The fault at one endpoint; at userinfo, which then has to be asked for the address."""
    hooks = {_ENDPOINTS[endpoint]: hook}
    if endpoint == "userinfo":
        hooks[Stage.ID_TOKEN] = claims(drop("email", "email_verified"))
    return hooks


def _token_error(code: str, status: int) -> Lie:
    body = json.dumps({"error": code, "error_description": "<b>said the provider</b>"})
    return Lie(
        f"error={code} with the status {status}",
        "RFC 6749 5.2",
        {
            Stage.TOKEN_ANSWER: lambda _answer, _scene: Response(
                body, status=status, content_type="application/json"
            )
        },
    )


ANSWER_LIES: dict[str, Lie] = {
    **{
        f"{endpoint}_{name}": Lie(f"{endpoint}: {does}", rule, _hooks(endpoint, hook), verdict)
        for endpoint in _ENDPOINTS
        for name, (does, rule, hook, verdict) in _FAULTS.items()
    },
    "jwks_own_content_type": Lie(
        "jwks: application/jwk-set+json, its own content type",
        "RFC 7517 8.5.2",
        {Stage.JWKS_ANSWER: _typed("application/jwk-set+json")},
        Verdict.ACCEPT,
    ),
    "userinfo_as_jwt": Lie(
        "userinfo: says that it is a JWT, which nobody asked for",
        "OpenID Connect Core 5.3.2",
        _hooks("userinfo", _typed("application/jwt")),
    ),
    "token_error_invalid_grant": _token_error("invalid_grant", 400),
    "token_error_invalid_client": _token_error("invalid_client", 401),
}
