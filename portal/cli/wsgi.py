"""The WSGI application as a worker process loads it: settings from the environment."""

from portal.app import create_app
from portal.observe import configure_logging
from portal.services import build_services
from portal.settings import load_settings

_settings = load_settings()
configure_logging(json_lines=_settings.is_production)
application = create_app(build_services(_settings))
