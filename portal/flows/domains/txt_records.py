"""Asks DNS for a name's TXT records, at the servers that the settings name."""

import socket

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from portal.flows.domains.txt_answers import Absence, Texts

_SECONDS = 5.0
_MOST_RECORDS = 50
_LONGEST = 300


class TxtRecords:
    """Asks for TXT records. `servers` are `host[:port]`; none: those of the system."""

    def __init__(self, servers: tuple[str, ...]) -> None:
        self._servers = servers

    def of(self, name: str) -> Texts | Absence:
        """Give the texts at a name, or why there are none. An alias (CNAME) is followed."""
        try:
            answer = self._resolver().resolve(f"{name}.", dns.rdatatype.TXT, search=False)
        except dns.resolver.NXDOMAIN:
            return Absence.NO_NAME
        except dns.resolver.NoAnswer:
            return Absence.NO_RECORD
        except dns.resolver.NoNameservers:
            return Absence.BROKEN
        except (dns.exception.Timeout, OSError):
            return Absence.SILENT
        except dns.exception.DNSException:
            return Absence.BROKEN
        texts = (b"".join(record.strings).decode("utf-8", "replace") for record in answer)
        return Texts(tuple(text[:_LONGEST] for text in list(texts)[:_MOST_RECORDS]))

    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [_server(server) for server in self._servers]
        resolver.lifetime = _SECONDS
        resolver.timeout = _SECONDS / 2
        return resolver


def _server(text: str) -> dns.nameserver.Nameserver:
    """Give the server that `host[:port]` names; a host that is no address is looked up."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, "53"
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
    return dns.nameserver.Do53Nameserver(str(found[0][4][0]), int(port))
