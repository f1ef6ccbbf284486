"""How long something is, as people say it."""

from datetime import timedelta

_DAY = timedelta(days=1)


def told(span: timedelta) -> str:
    """Give a span in one unit, such as `5 minutes`, `3 months`: never more exact than it helps."""
    if span < timedelta(minutes=2):
        return "a minute"
    if span < timedelta(hours=2):
        return f"{span // timedelta(minutes=1)} minutes"
    if span < 2 * _DAY:
        return f"{span // timedelta(hours=1)} hours"
    if span < 60 * _DAY:
        return f"{span // _DAY} days"
    if span < 730 * _DAY:
        return f"{span // (30.4375 * _DAY):.0f} months"
    return f"{span // (365.25 * _DAY):.0f} years"
