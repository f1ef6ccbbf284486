"""`next` and `target_link_uri`: only ever into the portal itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.redirects import safe_path

BASE = "https://login.example"

HOSTILE = [
    "",
    "https://evil.example",
    "http://evil.example/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/%0a/evil.example",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "/%2fevil.example",
    "/%00/evil.example",
    "/x/%2e%2e//evil.example",
    "/./x",
    "/../x",
    "/x/../../y",
    "/%2e%2e/x",
    "/%2E%2E/x",
    "/.%2e/x",
    "//user@evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:/\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "mailto:x@evil.example",
    "blob:https://evil.example/x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "/\u2028/evil.example",
    "\u3000//evil.example",
    "/\uff0fevil.example",
    "\ufeff//evil.example",
    "/%zz",
    "/%",
    "?next=//evil.example",
    "#//evil.example",
    "https://login.example.evil.example/",
    "https://login.example@evil.example/",
    "https://login.example:443@evil.example/",
    "https://login.example",
    "https://login.example//evil.example",
    "https://login.example/\\evil.example",
    "http://login.example/dashboard",
    "/login",
    "/login?next=/x",
    "/login/acme",
    "/auth/login",
    "/auth/logout",
    "/auth/callback?code=x&state=y",
    "/a//b",
    "/" + "a" * 3000,
]


@pytest.mark.parametrize("raw", HOSTILE)
def test_what_could_lead_elsewhere_is_dropped(raw: str):
    assert safe_path(raw, base_url=BASE) is None


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", "/"),
        ("/dashboard", "/dashboard"),
        ("/admin/tenants?page=2&q=a%20b", "/admin/tenants?page=2&q=a%20b"),
        ("/admin/#top", "/admin/#top"),
        ("/x?to=https://elsewhere.example/y", "/x?to=https://elsewhere.example/y"),
        ("/b%C3%BCcher", "/b%C3%BCcher"),
        ("https://login.example/dashboard", "/dashboard"),
        ("/loginish", "/loginish"),
    ],
)
def test_path_of_the_portal_is_kept(raw: str, path: str):
    assert safe_path(raw, base_url=BASE) == path


@given(st.text(alphabet=st.sampled_from("/\\.%25efl:@?#\t\n abhtps"), max_size=20))
def test_whatever_is_kept_is_a_plain_path(raw: str):
    kept = safe_path(raw, base_url=BASE)
    if kept is not None:
        assert kept.startswith("/")
        assert not kept.startswith(("//", "/\\"))
        assert "\\" not in kept
        assert not set(kept) & set("\t\n\r ")
