"""How an action ended."""

from portal.core.errors import SignInFailure


def failure_of(action, *arguments, **named):
    """Give the SignInFailure that an action ends in, or None; whatever else it raises comes out."""
    try:
        action(*arguments, **named)
    except SignInFailure as failure:
        return failure
    return None
