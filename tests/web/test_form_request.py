"""Forms as browsers send them are read as Werkzeug reads them, and within the same limits."""

from contextlib import closing
from io import BytesIO

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder

from portal.web.form_request import FormRequest

TRICKY = [
    b"",
    b"email=ann%40acme.example&password=&next=%2Fdashboard",
    b"a=1&a=2&&=&b&c==d=",
    b"a+b=c+d%2B&%61=%zz%4",
    b"a=%ff%00%e2%82%ac",
    b"a=\xff",
    "a=\N{SNOWMAN}".encode(),
]


def both(body: bytes, content_type: str = "application/x-www-form-urlencoded"):
    def environ():
        return EnvironBuilder(method="POST", data=body, content_type=content_type).get_environ()

    return FormRequest(environ()), Request(environ())


@pytest.mark.parametrize("body", TRICKY)
def test_form_holds_what_werkzeug_would_find(body):
    ours, theirs = both(body)
    assert ours.form == theirs.form
    assert ours.form.to_dict(flat=False) == theirs.form.to_dict(flat=False)
    assert ours.files == theirs.files


PIECES = [b"%", b"%40", b"%25", b"%ff", b"%e2", b"4", b"40", b"@", b"+", b"&", b"=", b"a"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_any_escapes_are_read_as_werkzeug_reads_them(body):
    ours, theirs = both(body)
    assert ours.form == theirs.form
    assert ours.form.to_dict(flat=False) == theirs.form.to_dict(flat=False)


@given(st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\r\n")))
def test_any_bytes_are_read_as_werkzeug_reads_them(body):
    ours, theirs = both(body)
    assert ours.form == theirs.form


def test_form_with_an_upload_goes_werkzeugs_way():
    data = {"name": "Ann", "list": (BytesIO(b"acme.example"), "domains.csv")}
    with closing(EnvironBuilder(method="POST", data=data)) as builder:
        environ = builder.get_environ()
    with FormRequest(environ) as request:
        assert request.form["name"] == "Ann"
        assert request.files["list"].read() == b"acme.example"


def test_body_over_the_limit_is_refused():
    ours, _ = both(b"a=" + b"x" * 100)
    ours.max_content_length = 50
    with pytest.raises(RequestEntityTooLarge):
        assert ours.form is None
