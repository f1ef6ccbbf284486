"""What a browser complains of on the portal's pages: errors in its console, a broken policy."""

from playwright.sync_api import ConsoleMessage, Page, Request

_TELL_OF_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy broken: ${event.effectiveDirective} by ${event.blockedURI}`));
"""


class Complaints:
    """Everything that the pages of one origin complain of from now on.

    The provider is another party. A document that answers 4xx is itself a line in Chromium's
    console; it is what the test asked for and no complaint. What a document loads must be there.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.heard: list[str] = []
        self._origin = origin
        self._documents: set[str] = set()
        page.add_init_script(_TELL_OF_POLICY)
        page.on("request", self._note_document)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self._note(page.url, str(error)))

    def _note_document(self, request: Request) -> None:
        if request.is_navigation_request():
            self._documents.add(request.url)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        where = message.location["url"]
        if message.text.startswith("Failed to load resource") and where in self._documents:
            return
        self._note(where or message.page.url, message.text)

    def _note(self, where: str, words: str) -> None:
        if where.startswith(self._origin):
            self.heard.append(f"{where}: {words}")
