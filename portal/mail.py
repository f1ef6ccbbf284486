"""Mail: sent by SMTP where PORTAL_MAIL_URL says so, else written to the instance folder."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
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
    """Hand a mail over, which may take long.

    `portal.flows.letters.outgoing_mail` does it for the rest.

    Raises MailError.
    """
    message = EmailMessage()
    try:
        message["To"] = mail.to
    except ValueError:
        raise MailError("the address is one that no header can hold") from None
    host = urlsplit(settings.base_url).hostname or "localhost"
    message["From"] = f"Portal <no-reply@{host}>"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=host)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no reply about absence, please
    message["Subject"] = " ".join(mail.subject.split())
    # 7bit: a long link stays in one piece, also for people who read the file itself.
    message.set_content(mail.text, cte="7bit" if mail.text.isascii() else None)
    if settings.mail_url is None:
        _write(settings.instance_dir / "mail", message)
    else:
        _deliver(settings.mail_url.get_secret_value(), message)


def _write(folder: Path, message: EmailMessage) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{uuid4().hex}.eml").write_bytes(message.as_bytes())
    except OSError as error:
        raise MailError(f"{folder} cannot be written to: {type(error).__name__}") from None


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
