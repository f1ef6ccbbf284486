"""Text that others will read on a page: one line, in the order in which it is written."""

import re

# Control characters, ends of lines and paragraphs, and the marks that turn the direction of what
# follows them (Unicode Standard Annex 9, 2): with these a name can look like another one.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_one_line(text: str) -> bool:
    """Whether a text reads as it is written."""
    return not _UNFIT.search(text)


def one_line(text: str) -> str:
    """Give a text without what would make it read otherwise, and without space around it."""
    return _UNFIT.sub("", text).strip()
