"""Lies told in a logout token."""

from portal.cli.demo_provider.any_token_lies import ANY_TOKEN_LIES, moment
from portal.cli.demo_provider.lying import (
    Hook,
    Lie,
    Stage,
    Verdict,
    claims,
    drop,
    header,
    put,
    turn,
)

_LOGOUT = "OpenID Connect Back-Channel Logout 1.0"
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_HOUR = 3600


def _logout(does: str, rule: str, hook: Hook, verdict: Verdict = Verdict.REFUSE) -> Lie:
    return Lie(does, f"{_LOGOUT} {rule}", {Stage.LOGOUT_TOKEN: hook}, verdict)


LOGOUT_TOKEN_LIES: dict[str, Lie] = {
    **{
        f"logout_{name}": Lie(does, rule, {Stage.LOGOUT_TOKEN: hook}, verdict)
        for name, (does, rule, hook, verdict) in ANY_TOKEN_LIES.items()
    },
    "logout_exp_missing": _logout("no exp", "2.4", claims(drop("exp")), Verdict.EITHER),
    "logout_iat_old": _logout(
        "issued a day ago, and for two days",
        "2.4",
        claims(turn("iat", moment(-24 * _HOUR))),
        Verdict.EITHER,
    ),
    "logout_jti_missing": _logout("no jti", "2.4", claims(drop("jti"))),
    "logout_jti_number": _logout("jti is a number", "2.4", claims(put(jti=7))),
    "logout_events_missing": _logout("no events", "2.6 (4)", claims(drop("events"))),
    "logout_events_other": _logout(
        "events without the logout event", "2.6 (4)", claims(put(events={"urn:other": {}}))
    ),
    "logout_events_list": _logout("events is a list", "2.6 (4)", claims(put(events=[_EVENT]))),
    "logout_nonce": _logout("a nonce, which is forbidden", "2.6 (5)", claims(put(nonce="n"))),
    "logout_nobody": _logout("neither sub nor sid", "2.6 (3)", claims(drop("sub", "sid"))),
    "logout_sid_unknown": _logout(
        "a session that never was", "2.7", claims(put(sid="nobody")), Verdict.EITHER
    ),
    "logout_sid_number": _logout("sid is a number", "2.4", claims(put(sid=7))),
    "logout_only_sub": _logout("sub alone", "2.4", claims(drop("sid")), Verdict.ACCEPT),
    "logout_only_sid": _logout("sid alone", "2.4", claims(drop("sub")), Verdict.ACCEPT),
    "logout_typ_jwt": _logout("typ is JWT", "2.4", header(put(typ="JWT")), Verdict.EITHER),
    "logout_is_id_token": _logout(
        "an ID token in the logout token's place",
        "2.6",
        lambda draft, scene: claims(put(nonce="n", auth_time=1))(
            claims(drop("events", "jti"))(header(put(typ="JWT"))(draft, scene), scene), scene
        ),
    ),
}
