"""One view model for every page and each of the states it can be in."""

from dataclasses import replace
from datetime import UTC, datetime

from portal.web.pages import (
    Choice,
    ChoosePage,
    DashboardPage,
    ErrorPage,
    Link,
    Method,
    Notice,
    SessionRow,
    SignedOutPage,
    SignInPage,
    SignOutPage,
    Tone,
    Viewer,
)

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)

ERROR = Notice(
    tone=Tone.ERROR,
    title="That did not work",
    text="Try again.",
    reference="4F7K-92QX",
    link=Link("/login", "Start again"),
)
CONNECTIONS = (Choice("okta", "Globex Okta"), Choice("entra", "Globex Entra ID"))
DASHBOARD = DashboardPage(
    viewer=Viewer("Iris Tan", "it@acme.example"),
    tenant="Acme Corporation",
    role="admin",
    method=Method("SSO", "Acme Okta"),
    started=NOON,
    ends=NOON.replace(hour=20),
    idle_minutes=60,
    sessions=(
        SessionRow(
            id="s1",
            method=Method("SSO", "Acme Okta"),
            started=NOON,
            last_seen=NOON,
            agent="Firefox on Windows",
            network="203.0.113.7",
            current=True,
        ),
        SessionRow(
            id="s2",
            method=Method("Password"),
            started=NOON,
            last_seen=NOON,
            agent="Safari on iPhone",
            network="203.0.113.8",
        ),
    ),
)
PAGES = {
    "sign in": ("login/sign_in.html", SignInPage()),
    "sso": ("login/sign_in.html", SignInPage(email="jane@acme.example", sso=True)),
    "failed": ("login/sign_in.html", SignInPage(notice=ERROR, banner="Maintenance on Sunday.")),
    "bad address": ("login/sign_in.html", SignInPage(email="jane@@", email_error="One @ only.")),
    "ask password": (
        "login/sign_in.html",
        SignInPage(email="it@acme.example", ask_password=True, password_note="As agreed."),
    ),
    "signed in": ("login/sign_in.html", SignInPage(signed_in_as="it@acme.example")),
    "tenant": ("login/sign_in.html", SignInPage(tenant="Globex", connections=CONNECTIONS)),
    "choose": (
        "login/choose.html",
        ChoosePage(email="jane@globex.example", connections=CONNECTIONS, notice=ERROR),
    ),
    "dashboard": ("account/dashboard.html", replace(DASHBOARD, notice=ERROR)),
    "sign out": ("account/sign_out.html", SignOutPage(email="it@acme.example", notice=ERROR)),
    "signed out": ("account/signed_out.html", SignedOutPage()),
    "error": (
        "errors/page.html",
        ErrorPage(status=404, title="No such page", text="Check it.", reference="4F7K-92QX"),
    ),
}
