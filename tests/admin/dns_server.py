"""A name server of our own: what it holds, what it does not know, when it says nothing."""

import socket
import threading
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """`records`: name -> texts. `domains`: names that are there without a TXT record."""

    def __init__(self):
        self.records = {}
        self.domains = set()
        self.silent = False
        self.broken = False
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                data, sender = self._socket.recvfrom(4096)
            except OSError:
                return
            if data == b"stop":
                return
            answer = self._answer(dns.message.from_wire(data))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query):
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.records:
            quoted = [
                " ".join(f'"{text[at : at + 20]}"' for at in range(0, len(text), 20))
                for text in self.records[name]
            ]
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *quoted))
        elif name not in self.domains:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"stop", self._socket.getsockname())
        self._thread.join(timeout=5)
        self._socket.close()


@contextmanager
def name_server():
    server = NameServer()
    try:
        yield server
    finally:
        server.stop()
