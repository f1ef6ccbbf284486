"""A mail server for tests: takes mail, turns some away, or says nothing at all."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What came, and whom it turns away."""

    port: int
    came: list[tuple[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    is_silent: bool = False
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        told: MailServer = self.server.told  # type: ignore[attr-defined]
        if told.is_silent:
            told.let_go.wait(20)
            return
        self._say("220 here")
        to = ""
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].upper()
            if verb == "DATA":
                self._say("354 go on")
                told.came.append((to, self._text()))
                self._say("250 taken")
            elif verb == "RCPT TO":
                to = line.partition("<")[2].partition(">")[0]
                self._say("550 nobody here" if to in told.refused else "250 fine")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _text(self) -> str:
        lines: list[str] = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run it until the block ends."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Talk) as server:
        told = MailServer(server.server_address[1])
        server.told = told  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield told
        told.let_go.set()
        server.shutdown()
        thread.join()
