"""Numbers in sentences."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Give a number with its noun: `1 tenant`, `2,000 tenants`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
