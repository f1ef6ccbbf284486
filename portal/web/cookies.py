"""The header that sets a cookie of ours."""

from datetime import timedelta

_SECOND = timedelta(seconds=1)


def cookie_header(
    name: str, value: str, *, is_https: bool, lasts: timedelta | None = None
) -> tuple[str, str]:
    """Give the header of a cookie whose name and value are our own: nothing needs quoting.

    Without `lasts` it ends with the browser's session; one that lasts for no time is taken back.
    """
    age = "" if lasts is None else f" Max-Age={lasts // _SECOND};"
    secure = " Secure;" if is_https else ""
    return "Set-Cookie", f"{name}={value};{age}{secure} HttpOnly; Path=/; SameSite=Lax"
