"""Lies about the person: told in the ID token and in userinfo alike, rightly signed."""

from collections.abc import Callable
from typing import Any

from portal.cli.demo_provider.lying import Hook, Lie, Stage, Verdict, drop, put, turn

_CLAIMS = "OpenID Connect Core 5.1"
_VERIFIED = "OpenID Connect Core 5.7"


def _lie(does: str, hook: Hook, verdict: Verdict = Verdict.REFUSE, rule: str = _CLAIMS) -> Lie:
    return Lie(does, rule, {Stage.PROFILE: hook}, verdict)


def _spelled(change: Callable[[str, str], Any]) -> Hook:
    """Spells the address anew, from its local part and its domain."""

    def respell(email: str, _scene: Any) -> Any:
        local, _, domain = email.rpartition("@")
        return change(local, domain)

    return turn("email", respell)


PERSON_LIES: dict[str, Lie] = {
    "email_missing": _lie("no address anywhere", drop("email")),
    "email_empty": _lie("the address is empty", put(email="")),
    "email_list": _lie("the address is a list", turn("email", lambda email, _scene: [email])),
    "email_number": _lie("the address is a number", put(email=7)),
    "email_object": _lie(
        "the address is an object", turn("email", lambda email, _scene: {"value": email})
    ),
    "email_other_domain": _lie(
        "an address of another domain", put(email="root@evil.example.invalid"), rule=_VERIFIED
    ),
    "email_lookalike_domain": _lie(
        "the domain as a prefix of another",
        _spelled(lambda local, domain: f"{local}@{domain}.evil.example.invalid"),
        rule=_VERIFIED,
    ),
    "email_suffix_domain": _lie(
        "the domain as the end of another's label",
        _spelled(lambda local, domain: f"{local}@evil{domain}"),
        rule=_VERIFIED,
    ),
    "email_child_domain": _lie(
        "an address of a child of the domain",
        _spelled(lambda local, domain: f"{local}@child.{domain}"),
        Verdict.EITHER,
        _VERIFIED,
    ),
    "email_parent_domain": _lie(
        "an address of the domain's parent",
        _spelled(lambda local, domain: f"{local}@{domain.partition('.')[2]}"),
        rule=_VERIFIED,
    ),
    "email_two_ats": _lie(
        "two @ in the address",
        _spelled(lambda local, domain: f"root@evil.example.invalid@{domain}" if local else ""),
    ),
    "email_display_name": _lie(
        "the address in angle brackets behind a name",
        turn("email", lambda email, _scene: f"Root <{email}>"),
    ),
    "email_comment": _lie(
        "a comment before the domain",
        _spelled(lambda local, domain: f"{local}@(evil.example.invalid){domain}"),
    ),
    "email_newline": _lie(
        "a line break and a second address behind the first",
        turn("email", lambda email, _scene: f"{email}\nbcc: root@evil.example.invalid"),
    ),
    "email_null": _lie(
        "a null character before the domain's end",
        _spelled(lambda local, domain: f"{local}@evil.example.invalid\0.{domain}"),
    ),
    "email_homograph": _lie(
        "a Cyrillic letter in the domain",
        _spelled(lambda local, domain: f"{local}@" + domain.replace("e", "\u0435", 1)),
    ),
    "email_trailing_dot": _lie(
        "a dot behind the domain",
        turn("email", lambda email, _scene: f"{email}."),
        Verdict.EITHER,
    ),
    "email_full_width": _lie(
        "the domain's first letter in full width",
        _spelled(lambda local, domain: f"{local}@{chr(ord(domain[0]) + 0xFEE0)}{domain[1:]}"),
        Verdict.EITHER,
    ),
    "email_case": _lie(
        "the address in capitals",
        turn("email", lambda email, _scene: email.upper()),
        Verdict.ACCEPT,
    ),
    "email_spaces": _lie(
        "spaces around the address",
        turn("email", lambda email, _scene: f" {email} "),
        Verdict.EITHER,
    ),
    "email_long": _lie(
        "a local part of 10,000 characters",
        _spelled(lambda local, domain: f"{local * 10_000}@{domain}"),
    ),
    "email_unverified": _lie("email_verified is false", put(email_verified=False), rule=_VERIFIED),
    "email_unverified_text": _lie(
        "email_verified is the text false", put(email_verified="false"), rule=_VERIFIED
    ),
    "email_verified_text": _lie(
        "email_verified is the text true", put(email_verified="true"), Verdict.EITHER, _VERIFIED
    ),
    "email_verified_null": _lie(
        "email_verified is null", put(email_verified=None), Verdict.REFUSE, _VERIFIED
    ),
    "email_verified_missing": _lie(
        "no email_verified", drop("email_verified"), Verdict.ACCEPT, _VERIFIED
    ),
    "name_html": _lie("the name is HTML", put(name="<script>alert(1)</script>"), Verdict.ACCEPT),
    "name_number": _lie("the name is a number", put(name=7), Verdict.EITHER),
    "name_long": _lie("the name has 100,000 characters", put(name="n" * 100_000), Verdict.EITHER),
    "groups_objects": _lie(
        "groups are objects with a name",
        turn("groups", lambda groups, _scene: [{"name": name} for name in groups or ["everyone"]]),
        Verdict.ACCEPT,
    ),
    "groups_nested": _lie(
        "groups under realm_access.roles",
        lambda said, _scene: {
            **{name: value for name, value in said.items() if name != "groups"},
            "realm_access": {"roles": said.get("groups") or ["everyone"]},
        },
        Verdict.ACCEPT,
    ),
    "groups_text": _lie("groups is one text", put(groups="everyone"), Verdict.EITHER),
    "groups_deep": _lie(
        "groups are lists of lists of numbers", put(groups=[[1, [2]], {"x": []}]), Verdict.EITHER
    ),
    "groups_many": _lie(
        "10,000 groups", put(groups=[f"group-{n}" for n in range(10_000)]), Verdict.EITHER
    ),
    "tenant_id_other": _lie(
        "tenant_id of another tenant", put(tenant_id="another-tenant"), Verdict.EITHER
    ),
}
