"""Paragraphs at the end of a command's help, kept line by line."""


def examples(*lines: str) -> str:
    """Give an epilog of examples."""
    return paragraph("Examples:", *(f"  {line}" for line in lines))


def paragraph(*lines: str) -> str:
    """Give a paragraph whose lines click leaves as they are."""
    return "\n".join(["\b", *lines])
