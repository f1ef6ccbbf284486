"""Lies told in the answers of a sign-in: authorization, token and userinfo response."""

from typing import Any

from portal.cli.demo_provider.lying import Hook, Lie, Scene, Stage, Verdict, claims, drop, put

_PROMISE = "authorization_response_iss_parameter_supported"
_ANSWER = "RFC 6749 4.1.2"
_ISS = "RFC 9207 2.4"
_TOKEN = "RFC 6749 5.1"  # noqa: S105 - a section, no secret
_CLAIMS = "OpenID Connect Core 5.1"
_USERINFO = "OpenID Connect Core 5.3"
_ELSEWHERE = "https://evil.example.invalid"

Pairs = list[tuple[str, str]]


def _without(*names: str) -> Hook:
    return lambda pairs, _scene: [pair for pair in pairs if pair[0] not in names]


def _with(**values: str) -> Hook:
    """Sets parameters of the authorization response."""
    return lambda pairs, _scene: [
        *(pair for pair in pairs if pair[0] not in values),
        *values.items(),
    ]


def _again(name: str, value: str | None = None) -> Hook:
    """Repeats a parameter, with its own value or another."""

    def hook(pairs: Pairs, _scene: Scene) -> Pairs:
        return [*pairs, (name, dict(pairs).get(name, "") if value is None else value)]

    return hook


def _error(code: str, description: str = "") -> Hook:
    """An error response in the place of a code (RFC 6749 4.1.2.1)."""
    said = {"error": code} | ({"error_description": description} if description else {})
    return lambda pairs, _scene: [
        *((name, value) for name, value in pairs if name != "code"),
        *said.items(),
    ]


def _answer(does: str, hook: Hook, rule: str = _ANSWER, verdict: Verdict = Verdict.REFUSE) -> Lie:
    return Lie(does, rule, {Stage.AUTHORIZATION: hook}, verdict)


AUTHORIZATION_LIES: dict[str, Lie] = {
    "answer_state_missing": _answer("no state", _without("state")),
    "answer_state_empty": _answer("state is empty", _with(state="")),
    "answer_state_wrong": _answer("another state", _with(state="somebody-elses")),
    "answer_state_twice": _answer("state twice", _again("state"), "RFC 6749 3.1"),
    "answer_code_missing": _answer("no code and no error", _without("code")),
    "answer_code_empty": _answer("code is empty", _with(code="")),
    "answer_code_wrong": _answer("a code that nobody issued", _with(code="guessed")),
    "answer_code_twice": _answer("the code twice", _again("code"), "RFC 6749 3.1"),
    "answer_code_two": _answer("two codes", _again("code", "other"), "RFC 6749 3.1"),
    "answer_iss_wrong": _answer("iss of another", _with(iss=_ELSEWHERE), _ISS),
    "answer_iss_missing": _answer("no iss, though promised", _without("iss"), _ISS),
    "answer_iss_empty": _answer("iss is empty", _with(iss=""), _ISS),
    "answer_iss_twice": _answer("two iss", _again("iss", _ELSEWHERE), "RFC 6749 3.1"),
    "answer_iss_not_promised": Lie(
        "no iss, and none promised",
        _ISS,
        {Stage.METADATA: drop(_PROMISE), Stage.AUTHORIZATION: _without("iss")},
        Verdict.ACCEPT,
    ),
    **{
        f"answer_error_{code}": _answer(f"error={code}", _error(code), "RFC 6749 4.1.2.1")
        for code in (
            "access_denied",
            "server_error",
            "temporarily_unavailable",
            "invalid_request",
            "login_required",
            "consent_required",
        )
    },
    "answer_error_unknown": _answer(
        "an error code that nobody registered", _error("<script>x</script>"), "RFC 6749 4.1.2.1"
    ),
    "answer_error_html": _answer(
        "HTML in the error's description",
        _error("access_denied", "<img src=x onerror=alert(1)>Call +1 555 0100"),
        "RFC 6749 4.1.2.1",
    ),
    "answer_error_and_code": _answer(
        "an error beside the code", _with(error="access_denied"), "RFC 6749 4.1.2.1"
    ),
    "answer_extra": _answer(
        "parameters that no specification names",
        _with(session_state="abc.def", unknown="1"),
        _ANSWER,
        Verdict.ACCEPT,
    ),
}


def _token(does: str, hook: Hook, rule: str = _TOKEN, verdict: Verdict = Verdict.REFUSE) -> Lie:
    return Lie(does, rule, {Stage.TOKEN: hook}, verdict)


def _typed(token_type: str) -> Hook:
    return put(token_type=token_type)


def _with_id_token(said: Any) -> Hook:
    return put(id_token=said)


TOKEN_LIES: dict[str, Lie] = {
    "token_no_id_token": _token("no ID token", drop("id_token"), "OpenID Connect Core 3.1.3.3"),
    "token_id_token_empty": _token("the ID token is empty", _with_id_token("")),
    "token_id_token_number": _token("the ID token is a number", _with_id_token(7)),
    "token_id_token_garbage": _token("the ID token is no JWT", _with_id_token("not.a.jwt")),
    "token_id_token_encrypted": _token(
        "an encrypted ID token, which nobody asked for",
        _with_id_token("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA"),
        "OpenID Connect Core 3.1.3.7 (1)",
    ),
    "token_type_mac": _token("token_type is mac", _typed("mac"), "RFC 6749 7.1"),
    "token_type_missing": _token("no token_type", drop("token_type")),
    "token_type_lower": _token(
        "token_type is bearer, in small letters",
        _typed("bearer"),
        _TOKEN,
        Verdict.ACCEPT,
    ),
    "token_no_access_token": _token("no access token", drop("access_token")),
    "token_access_token_number": _token("the access token is a number", put(access_token=7)),
    "token_expires_text": _token(
        "expires_in is a text", put(expires_in="3600"), _TOKEN, Verdict.ACCEPT
    ),
    "token_error_in_200": _token(
        "an error with the status 200",
        lambda _said, _scene: {"error": "invalid_grant"},
        "RFC 6749 5.2",
    ),
    "token_extra": _token(
        "members that no specification names", put(vendor={"a": [1]}), _TOKEN, Verdict.ACCEPT
    ),
}
_HIDDEN = claims(drop("email", "email_verified"))


def _userinfo(
    does: str, hook: Hook, rule: str = _USERINFO, verdict: Verdict = Verdict.REFUSE
) -> Lie:
    """A lie of userinfo; the ID token has no address, so that userinfo must be asked."""
    return Lie(does, rule, {Stage.ID_TOKEN: _HIDDEN, Stage.USERINFO: hook}, verdict)


USERINFO_LIES: dict[str, Lie] = {
    "email_only_in_userinfo": Lie(
        "the address is in userinfo alone",
        "OpenID Connect Core 5.4",
        {Stage.ID_TOKEN: _HIDDEN},
        Verdict.ACCEPT,
    ),
    "userinfo_sub_other": _userinfo("another sub", put(sub="somebody-else"), f"{_USERINFO}.2"),
    "userinfo_sub_missing": _userinfo("no sub", drop("sub"), f"{_USERINFO}.2"),
    "userinfo_sub_number": _userinfo("sub is a number", put(sub=7), f"{_USERINFO}.2"),
    "userinfo_no_email": _userinfo("no address there either", drop("email"), _CLAIMS),
    "userinfo_email_unverified": _userinfo(
        "the address is not verified", put(email_verified=False), _CLAIMS
    ),
    "userinfo_email_list": _userinfo("the address is a list", put(email=["a@b.example"]), _CLAIMS),
}
