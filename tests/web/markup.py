"""Renders a template from its view model and reads it as a browser does."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemLoader
from markupsafe import Markup

from portal.web.pages import SignInPage
from portal.web.templating import Templates

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
VOID = {"meta", "link", "img", "input", "br", "path"}

ENVIRONMENT = Templates(Flask(__name__), loader=FileSystemLoader(TEMPLATES), autoescape=True)
ENVIRONMENT.globals |= {
    "csrf_field": lambda: Markup('<input type="hidden" name="csrf_token" value="token">'),
}
ENVIRONMENT.filters["static_url"] = lambda name: f"/static/{name}?v=1"


@dataclass
class Element:
    tag: str
    attrs: dict
    inside: list = field(default_factory=list)

    @property
    def words(self):
        parts = (part if isinstance(part, str) else part.words for part in self.inside)
        return "".join(parts)

    @property
    def text(self):
        return " ".join(self.words.split())

    def all(self, tag=None, **attrs):
        """Descendants of this tag whose attributes have these values, in the page's order."""
        found = []
        for part in self.inside:
            if isinstance(part, Element):
                same = all(part.attrs.get(name) == value for name, value in attrs.items())
                if same and tag in {None, part.tag}:
                    found.append(part)
                found += part.all(tag, **attrs)
        return found

    def one(self, tag=None, **attrs):
        (found,) = self.all(tag, **attrs)
        return found


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = [Element("document", {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        self.open[-1].inside.append(data)


def show(template, page):
    reader = Reader()
    reader.feed(ENVIRONMENT.get_template(template).render(page=page))
    reader.close()
    (document,) = reader.open
    return document


def sign_in(**state):
    return show("login/sign_in.html", SignInPage(**state))
