"""What Flask costs at least: a fixed redirect, and a page like the sign-in page."""

import os

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from portal.cli.answering import InTurns
from portal.cli.turns import Turns

application = Flask(__name__)
in_turns = InTurns(application, Turns())
_TARGET = os.environ.get("BENCH_ISSUER", "http://127.0.0.1") + "/authorize?fixed=1"


@application.post("/auth/login")
def submit() -> Response:
    return redirect(_TARGET)


@application.get("/login")
def show() -> str:
    return render_template("login.html", email=request.args.get("email", ""), sso=False, notice="")
