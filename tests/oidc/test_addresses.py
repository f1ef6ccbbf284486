"""Which URLs and addresses the portal may ask: each spelling an attacker would try."""

import threading
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import SignInFailure
from portal.oidc.addresses import Resolver, is_allowed, safe_url

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808"]
LOCAL = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "::",
    "224.0.0.1",
    "239.255.255.250",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.7",
    "2001:db8::1",
    "100::1",
    "::127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_is_allowed(text):
    assert is_allowed(ip_address(text), allow_local=False)


@pytest.mark.parametrize("text", LOCAL)
def test_local_address_is_allowed_only_where_the_setting_says_so(text):
    assert not is_allowed(ip_address(text), allow_local=False)
    assert is_allowed(ip_address(text), allow_local=True)


@pytest.mark.parametrize("text", NEVER)
def test_address_where_no_provider_lives_is_never_allowed(text):
    assert not is_allowed(ip_address(text), allow_local=False)
    assert not is_allowed(ip_address(text), allow_local=True)


@given(st.ip_addresses(v=4))
def test_ipv4_address_is_judged_alike_in_every_ipv6_clothing(address):
    number = int(address)
    for outer in (
        ip_address((0xFFFF << 32) | number),
        ip_address((0x64FF9B << 96) | number),
        ip_address((0x2002 << 112) | (number << 80)),
    ):
        for allow_local in (False, True):
            judged = is_allowed(address, allow_local=allow_local)
            assert is_allowed(outer, allow_local=allow_local) == judged


SOUND = [
    "https://auth.ssojet.com",
    "https://api.ssojet.com/oidc/66f0/.well-known/openid-configuration",
    "https://login.example:8443/a?b=c",
    "https://xn--bcher-kva.example/",
    "https://under_score.example/",
    "https://93.184.215.14/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/",
    "https://localhost/",  # its address is refused on connecting
]
UNSOUND = [
    "",
    "https:",
    "https://",
    "https:///path",
    "//auth.ssojet.com",
    "auth.ssojet.com",
    "ftp://auth.ssojet.com",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://user@auth.ssojet.com",
    "https://user:pass@auth.ssojet.com",
    "https://auth.ssojet.com@evil.example",
    "https://auth.ssojet.com#",
    "https://auth.ssojet.com/#fragment",
    "https://auth.ssojet.com\\@evil.example",
    "https://auth.ssojet.com\\evil",
    "https://auth.ssojet.com/a b",
    "https://auth.ssojet.com/\t",
    "https://auth.ssojet.com/\nHost: evil",
    " https://auth.ssojet.com",
    "https://auth.ssojet.com:0/",
    "https://auth.ssojet.com:99999/",
    "https://auth.ssojet.com:x/",
    "https://bücher.example/",
    "https://auth。ssojet。com/",
    "https://①②⑦.0.0.1/",
    "https://127%2e0%2e0%2e1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7f.0.0.0x1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.1./",
    "https://0x/",
    "https://8.8.8.010/",
    "https://a.example.1/",
    "https://[::1%25eth0]/",
    "https://[::1/",
    "https://[1.2.3.4]/",
    "https://-a.example/",
    "https://a..example/",
    "https://.example/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://auth.ssojet.com/" + "a" * 2048,
]


@pytest.mark.parametrize("url", SOUND)
def test_sound_url_is_allowed(url):
    assert safe_url(url, allow_local=False) == url


@pytest.mark.parametrize("url", UNSOUND)
def test_url_in_an_odd_spelling_is_refused_even_where_local_ones_are_allowed(url):
    for allow_local in (False, True):
        with pytest.raises(SignInFailure):
            safe_url(url, allow_local=allow_local)


def test_http_is_for_local_issuers_alone():
    with pytest.raises(SignInFailure):
        safe_url("http://localhost:9000/", allow_local=False)
    assert safe_url("http://localhost:9000/", allow_local=True)


@given(st.text(max_size=80))
def test_any_text_is_a_sound_url_or_refused(text):
    for url in (text, "https://" + text):
        try:
            safe_url(url, allow_local=False)
        except SignInFailure:
            continue
        assert url.startswith("https://")
        assert "@" not in url.split("/")[2]


def test_resolver_gives_all_addresses_or_none():
    answers = {"mixed.example": ["93.184.215.14", "10.0.0.1"], "none.example": []}
    resolver = Resolver(allow_local=False, lookup=lambda host, _port: answers[host])
    with pytest.raises(SignInFailure):
        resolver.addresses("mixed.example", 443, timeout=1)
    with pytest.raises(OSError, match="no address"):
        resolver.addresses("none.example", 443, timeout=1)


def test_link_local_address_with_a_zone_is_refused():
    resolver = Resolver(allow_local=True, lookup=lambda _host, _port: ["fe80::1%eth0"])
    with pytest.raises(SignInFailure):
        resolver.addresses("zone.example", 443, timeout=1)


def test_name_that_cannot_be_encoded_is_an_unknown_host():
    def lookup(_host, _port):
        raise UnicodeError("label too long")

    with pytest.raises(OSError, match="cannot be resolved"):
        Resolver(allow_local=True, lookup=lookup).addresses("odd.example", 443, timeout=1)


def test_number_of_names_being_looked_up_is_bounded():
    release = threading.Event()

    def slow(_host, _port):
        release.wait(5)
        return ["127.0.0.1"]

    resolver = Resolver(allow_local=True, lookup=slow)
    for number in range(64):
        with pytest.raises(TimeoutError):
            resolver.addresses(f"host-{number}.example", 443, timeout=0)
    with pytest.raises(TimeoutError, match="too many"):
        resolver.addresses("one-more.example", 443, timeout=0)
    release.set()
