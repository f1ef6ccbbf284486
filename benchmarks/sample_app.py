"""SSOJet's quick start for Python: Flask and Authlib, one client, no registry.

As published but for the addresses: https://docs.ssojet.com/en/sso/quickstart/webapp/python
"""

import os
import secrets

from authlib.integrations.flask_client import OAuth
from flask import Flask, abort, redirect, render_template, request, session
from werkzeug.wrappers import Response

from portal.cli.answering import InTurns
from portal.cli.turns import Turns

_ISSUER = os.environ["BENCH_ISSUER"]
_REDIRECT_URI = os.environ["BENCH_BASE_URL"] + "/auth/callback"

application = Flask(__name__)
in_turns = InTurns(application, Turns())
application.secret_key = os.environ["PORTAL_SECRET_KEY"]
oauth = OAuth(application)
oauth.register(
    name="ssojet",
    server_metadata_url=f"{_ISSUER}/.well-known/openid-configuration",
    client_id=os.environ["BENCH_CLIENT_ID"],
    client_secret=os.environ["BENCH_CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile email"},
)


@application.get("/login")
def show() -> str:
    return render_template("login.html", email="", sso=False, notice="")


@application.post("/auth/login")
def submit() -> Response:
    state = secrets.token_urlsafe(24)
    session["oauth_state"] = state
    return oauth.ssojet.authorize_redirect(
        _REDIRECT_URI, state=state, login_hint=request.form["email"]
    )


@application.get("/auth/callback")
def callback() -> Response:
    if request.args.get("state") != session.pop("oauth_state", None):
        abort(400)
    token = oauth.ssojet.authorize_access_token()
    session["user"] = token["userinfo"]
    return redirect("/dashboard", 303)


@application.get("/dashboard")
def dashboard() -> Response | str:
    if "user" not in session:
        return redirect("/login")
    return render_template("dashboard.html", user=session["user"])
