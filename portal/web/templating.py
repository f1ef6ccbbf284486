"""What turns templates into pages: where they lie, and what they may call."""

from collections.abc import MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any

from flask.sansio.app import App
from flask.templating import Environment
from jinja2 import StrictUndefined, Template
from markupsafe import Markup

from portal.core.counting import counted
from portal.core.spans import moment_words
from portal.web.icons import icon

PRODUCT = "Portal"
_PACKAGE = Path(__file__).parent.parent


class Templates(Environment):
    """Flask's environment for templates; their globals are set before the first of them is loaded.

    Jinja chains the globals of each template to those of the environment, and looks through the
    chain some thirty times at every page: measured, a fifth of the dashboard's rendering.
    """

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(
            app, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options
        )
        self.globals.update(product_name=PRODUCT, counted=counted)
        self.filters.update(moment=moment, icon=icon)
        self._kept: dict[str, Template] = {}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Give a template its globals, the environment's among them."""
        return {**self.globals, **(d or {})}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja's name
    ) -> Template:
        """Give a template: five times for a page, and always the same unless they are edited."""
        if self.auto_reload or globals or not isinstance(name, str):
            return super().get_template(name, parent, globals)
        found = self._kept.get(name)
        if found is None:
            found = self._kept[name] = super().get_template(name, parent)
        return found


def moment(time: datetime) -> Markup:
    """Write a moment (UTC) as an element that people and programs read."""
    return Markup(f'<time datetime="{time.isoformat()[:19]}Z">{moment_words(time)}</time>')  # noqa: S704


def template_folder() -> Path:
    """Give the templates: inside the package once installed, beside it in a checkout."""
    shipped = _PACKAGE / "templates"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "templates"
