"""How long something is, and when, as people say it."""

from datetime import datetime, timedelta

from portal.core.counting import counted

_DAY = timedelta(days=1)


def told(span: timedelta) -> str:
    """Give a span in one unit, such as `5 minutes`, `3 months`: never more exact than it helps."""
    if span < timedelta(minutes=2):
        return "a minute"
    if span < timedelta(hours=2):
        return counted(span // timedelta(minutes=1), "minute")
    if span < 2 * _DAY:
        return counted(span // timedelta(hours=1), "hour")
    if span < 60 * _DAY:
        return counted(span // _DAY, "day")
    if span < 730 * _DAY:
        return counted(int(span // (30.4375 * _DAY)), "month")
    return counted(int(span // (365.25 * _DAY)), "year")


def moment_words(at: datetime) -> str:
    """Give a moment (UTC) as `3 March 2027, 09:05 UTC`."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
