"""Mail: sent by SMTP where PORTAL_MAIL_URL says so, else written to the instance folder."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from portal.settings import Settings

_SECONDS = 10


class MailError(Exception):
    """The mail could not be handed over; the message names the server and the cause."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain text mail to one address."""

    to: str
    subject: str
    text: str


def send(settings: Settings, mail: Mail) -> None:
    """Hand a mail over. Raises MailError."""
    message = EmailMessage()
    message["To"] = mail.to
    message["From"] = _sender(settings)
    message["Subject"] = mail.subject
    message.set_content(mail.text)
    if settings.mail_url is None:
        _write(settings.instance_dir / "mail", message)
    else:
        _deliver(settings.mail_url.get_secret_value(), message)


def _sender(settings: Settings) -> str:
    host = urlsplit(settings.base_url).hostname or "localhost"
    return f"Portal <no-reply@{host}>"


def _write(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{uuid4().hex}.eml").write_bytes(message.as_bytes())


def _deliver(url: str, message: EmailMessage) -> None:
    """Send by SMTP: STARTTLS wherever the server offers it, and always before a password."""
    parts = urlsplit(url)
    host, port = parts.hostname or "localhost", parts.port or 25
    try:
        with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            elif parts.username:
                raise MailError(f"{host}:{port} offers no TLS for the password")
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(f"{host}:{port} does not take the mail: {type(error).__name__}") from None
