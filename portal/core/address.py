"""E-mail addresses and domains in the one form in which everything compares them."""

import re

import email_validator
import idna

from portal.core.values import quick_value

# The portal routes by registry, not by reachability: reserved names such as `.test`, `.example`
# and `.local` are sound tenant domains on a private network and in tests.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
# What nearly every address is made of (RFC 5322, 3.2.3: dot-atom); all else goes the long way.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# And nearly every domain: labels of letters, digits and single hyphens, the last of letters alone.
_PLAIN_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{1,63}")
_PRINTABLE_DOMAIN = re.compile(r"[^\s@.。．｡]+(\.[^\s@.。．｡]+)*")  # noqa: RUF001 - other dots are refused


class AddressError(ValueError):
    """The text is no e-mail address or domain; the message says why in plain words."""


@quick_value(order=True)
class Domain:
    """A domain in IDNA A-label form, lower case, without a trailing dot."""

    name: str

    @classmethod
    def parse(cls, raw: str) -> "Domain":
        """Make a domain from what somebody typed or a provider sent.

        Unicode labels become A-labels (RFC 5891); a trailing dot, other dots (U+3002 ...) and
        characters that only become valid by compatibility mapping are refused, so that no second
        spelling of a domain exists. Raises AddressError.
        """
        text = raw.strip(" \t\r\n")
        if len(text) <= 253 and "--" not in text and _PLAIN_DOMAIN.fullmatch(text):
            return cls(text.lower())
        return cls._parse_any(text)

    @classmethod
    def _parse_any(cls, text: str) -> "Domain":
        if len(text) > 253 or not _PRINTABLE_DOMAIN.fullmatch(text):
            raise AddressError("The domain is not valid.")
        labels = [_a_label(label) for label in text.split(".")]
        if len(labels) < 2:
            raise AddressError("The domain needs at least two parts, such as example.com.")
        if labels[-1].isdigit():
            raise AddressError("The domain is not valid.")
        name = ".".join(labels)
        if len(name) > 253:
            raise AddressError("The domain is too long.")
        return cls(name)

    def covers(self, other: "Domain") -> bool:
        """Whether `other` is this domain or lies below it."""
        return other == self or other.name.endswith("." + self.name)

    def lookup_names(self) -> tuple[str, ...]:
        """Give the names under which the registry may hold this domain: itself, then its parents.

        The closest comes first; a top-level label alone is never among them.
        """
        labels = self.name.split(".")
        return tuple(".".join(labels[start:]) for start in range(len(labels) - 1))

    @property
    def display(self) -> str:
        """The domain as people write it (U-labels), where that form is valid."""
        try:
            return idna.decode(self.name)
        except idna.IDNAError:
            return self.name

    def __str__(self) -> str:
        return self.name


def _a_label(label: str) -> str:
    lowered = label.lower()
    if lowered.isascii() and not label.isascii():
        raise AddressError("The domain is not valid.")  # such as U+212A for K
    if lowered.isascii() and not lowered.startswith("xn--"):
        if not _LABEL.fullmatch(lowered) or lowered[2:4] == "--":
            raise AddressError("The domain is not valid.")
        return lowered
    try:
        # No UTS 46 mapping beyond lower case: full-width letters must not be another spelling.
        encoded = idna.encode(lowered).decode("ascii")
        idna.decode(encoded)
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressError("The domain is not valid.") from error
    return encoded


@quick_value
class Address:
    """An e-mail address: local part as typed, domain normalised.

    Two addresses are the same account when their `key` is equal.
    """

    local: str
    domain: Domain

    @classmethod
    def parse(cls, raw: str) -> "Address":
        """Make an address from what somebody typed or a provider sent.

        The text is trimmed; exactly one `@` may stand in it; quoted local parts and comments are
        refused. Raises AddressError with words that fit beside the field.
        """
        text = raw.strip()
        if not text:
            raise AddressError("Enter your e-mail address.")
        if len(text) > LONGEST_ADDRESS:
            raise AddressError("That address is too long to be an e-mail address.")
        if text.count("@") != 1:
            raise AddressError("An e-mail address has one @, as in name@company.com.")
        local, _, domain_text = text.partition("@")
        if domain_text != domain_text.strip():
            raise AddressError("An e-mail address has no spaces in it.")
        if not local or not domain_text:
            raise AddressError("An e-mail address looks like name@company.com.")
        domain = Domain.parse(domain_text)
        if len(local) <= _LONGEST_LOCAL and _PLAIN_LOCAL.fullmatch(local):
            return cls(local, domain)
        try:
            checked = email_validator.validate_email(
                f"{local}@{domain.name}", check_deliverability=False, allow_smtputf8=True
            )
        except email_validator.EmailNotValidError as error:
            raise AddressError("That does not look like an e-mail address.") from error
        if checked.local_part != local:
            # A second spelling (U+212A for K, a decomposed accent) must not reach an account.
            raise AddressError("Write the address in its usual letters.")
        return cls(local, domain)

    @property
    def key(self) -> str:
        """The form under which the account is found: without regard to case.

        Lower case, not case folding: folding makes `straße` and `strasse` one account.
        """
        return f"{self.local.lower()}@{self.domain.name}"

    def __str__(self) -> str:
        return f"{self.local}@{self.domain.name}"
