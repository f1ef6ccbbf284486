"""Templates: their globals, and times in pages."""

from datetime import UTC, datetime

from flask import Flask
from jinja2 import DictLoader

from portal.web.templating import Templates, moment


def test_moment_is_read_by_people_and_by_programs():
    shown = moment(datetime(2027, 3, 9, 4, 5, 6, 789, tzinfo=UTC))
    assert shown == '<time datetime="2027-03-09T04:05:06Z">9 March 2027, 04:05 UTC</time>'


def test_template_and_what_it_imports_see_the_environments_globals():
    pages = {
        "page": '{% from "parts" import part %}{{ part() }} of {{ product_name }}, {{ own }}',
        "parts": "{% macro part() %}Part {{ product_name }}{% endmacro %}",
    }
    environment = Templates(Flask(__name__), loader=DictLoader(pages))
    page = environment.get_template("page", globals={"own": "own"})
    assert page.render() == "Part Portal of Portal, own"
    assert page.render(product_name="Another") == "Part Portal of Another, own"
    assert "own" not in environment.globals
