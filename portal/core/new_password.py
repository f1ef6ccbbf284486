"""What a new password must be: long enough, and nobody's first guess (NIST SP 800-63B-4, 3.1.1.2).

No rules about kinds of characters: they make passwords worse.
"""

from collections.abc import Iterable
from itertools import pairwise

SHORTEST = 15  # the least where the password is the only proof
LONGEST = 1024
_FEWEST_CHARACTERS = 5
_COMMON = frozenset({"password", "passwort", "portal", "welcome", "letmein", "changeme", "admin"})
_ROWS = (
    *("abcdefghijklmnopqrstuvwxyz", "01234567890", "09876543210"),
    *("qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn"),
)


def wrong_with(password: str, *, about: Iterable[str] = ()) -> str:
    """Say what is wrong with a new password, or nothing.

    `about` are the words that everybody would try first: the person's address, the company's name.
    """
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} characters; a few words are best."
    if len(password) > LONGEST:
        return "That password is too long."
    plain = password.casefold()
    if len(set(plain)) < _FEWEST_CHARACTERS or _is_a_row(plain):
        return "That is a pattern that everybody tries first. A few words are best."
    rest = plain
    for word in sorted({*_COMMON, *(w.casefold() for w in about)}, key=len, reverse=True):
        rest = rest.replace(word, "") if len(word) > 2 else rest
    if len(rest) < SHORTEST // 3:
        return "That is too close to your name or your company’s. A few other words are best."
    return ""


def _is_a_row(text: str) -> bool:
    """Whether most of a text goes along a row of the keyboard, the alphabet or the numbers."""
    steps = sum(any(a + b in row for row in _ROWS) for a, b in pairwise(text))
    return steps * 10 >= len(text) * 8
