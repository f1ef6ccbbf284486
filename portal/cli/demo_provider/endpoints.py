"""The pages and endpoints of one issuer."""

import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oidc.core.errors import LoginRequiredError
from flask import Blueprint, Response, g, render_template, request

from portal.cli.demo_provider.grants import AUTH_METHODS, authorization_server
from portal.cli.demo_provider.keyring import UNDERSTOOD
from portal.cli.demo_provider.ledger import Realm, Stand, Visit
from portal.cli.demo_provider.lying import Stage
from portal.cli.demo_provider.participants import Client, Person
from portal.cli.demo_provider.sign_out_calls import front_channels, tell_back_channels

_JSON = "application/json"


class Endpoints:
    """The views of one issuer; each public method but `blueprint` is one route."""

    def __init__(self, stand: Stand, realm: Realm) -> None:
        self._stand = stand
        self._realm = realm
        self._server: AuthorizationServer = authorization_server(stand, realm)
        self._cookie = "demo_provider" + realm.path.replace("/", "_")

    def blueprint(self) -> Blueprint:
        """The routes under the issuer's path."""
        routes = Blueprint(f"issuer{self._realm.path.replace('/', '-')}", __name__)
        path = self._realm.path
        for rule, view, methods in (
            ("/.well-known/openid-configuration", self.metadata, ["GET"]),
            ("/jwks", self.jwks, ["GET"]),
            ("/authorize", self.authorize, ["GET", "POST"]),
            ("/token", self.token, ["POST"]),
            ("/userinfo", self.userinfo, ["GET", "POST"]),
            ("/logout", self.logout, ["GET", "POST"]),
            ("/stranger/<what>", self.stranger, ["GET"]),
        ):
            routes.add_url_rule(path + rule, view.__name__, view, methods=methods)
        return routes

    def metadata(self) -> Response:
        """Discovery document (OpenID Connect Discovery 3)."""
        self._note("metadata")
        document = _metadata(self._stand.issuer(self._realm), self._stand.options.algorithms)
        return self._document(document, Stage.METADATA, Stage.METADATA_ANSWER, None)

    def jwks(self) -> Response:
        """The issuer's public keys."""
        self._note("jwks")
        keys = self._realm.keys.public(self._stand.options.algorithms)
        return self._document(keys, Stage.JWKS, Stage.JWKS_ANSWER, None)

    def authorize(self) -> Response | tuple[str, int] | str:
        """Authorization endpoint: asks who signs in, or knows already."""
        self._note("authorize")
        client = self._stand.client(request.values.get("client_id"))
        redirect_uri = request.values.get("redirect_uri", "")
        if client is None or not client.check_redirect_uri(redirect_uri):
            # RFC 6749 4.1.2.1: never send anybody to an address that is not the client's.
            return self._refusal("This application or its redirect address is not known here.")
        visit = self._visit()
        try:
            grant = self._server.get_consent_grant(end_user=visit)
            if request.values.get("response_mode", "query") != "query":
                raise InvalidRequestError("Unsupported 'response_mode'")
            if visit is None and "none" in request.values.get("prompt", "").split():
                raise LoginRequiredError
        except OAuth2Error as error:
            error.redirect_uri, error.state = redirect_uri, request.values.get("state")
            return self._answer(self._server.handle_error_response(None, error), client)
        chosen = self._chosen(visit)
        if chosen is None and request.form.get("decision") != "deny":
            return self._page(client)
        answer = self._server.create_authorization_response(grant=grant, grant_user=chosen)
        return self._answer(answer, client, visit=chosen)

    def token(self) -> Response:
        """Token endpoint: code for tokens."""
        self._note("token")
        g.client = None
        answer: Response = self._server.create_token_response()
        client: Client | None = g.client
        if answer.status_code == 200:
            told = self._stand.tell(Stage.TOKEN, answer.get_json(), self._realm, client)
            answer.set_data(json.dumps(told))
        return self._fault(Stage.TOKEN_ANSWER, answer, client)

    def userinfo(self) -> Response:
        """The claims of the access token's person (OpenID Connect Core 5.3)."""
        self._note("userinfo")
        given = request.authorization
        token = self._realm.tokens.get((given and given.token) or "")
        if given is None or given.type != "bearer" or token is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return Response('{"error": "invalid_token"}', 401, challenge, content_type=_JSON)
        client = self._stand.client(token.client_id)
        profile = token.visit.person.profile(token.scope.split())
        claims = self._stand.tell(Stage.PROFILE, profile, self._realm, client)
        return self._document(claims, Stage.USERINFO, Stage.USERINFO_ANSWER, client)

    def logout(self) -> Response | tuple[str, int] | str:
        """End-session endpoint (OpenID Connect RP-Initiated Logout 1.0, 2)."""
        self._note("logout")
        g.sid, g.ended = request.cookies.get(self._cookie, ""), None
        try:
            asked = self._server.validate_endpoint_request("end_session")
        except OAuth2Error as error:
            return self._refusal(error.description)
        if asked.needs_confirmation and request.method == "GET":
            return render_template("demo/sign_out.html", visit=self._visit(max_age=False))
        answer: Response | None = self._server.create_endpoint_response("end_session", asked)
        frames: list[str] = []
        if visit := g.ended:
            asker = asked.client.client_id if asked.client else ""
            tell_back_channels(self._stand, self._realm, visit, but=asker)
            frames = front_channels(self._stand, self._realm, visit, but=asker)
        if answer is None or frames:
            page = render_template("demo/signed_out.html", frames=frames, onward=asked.redirect_uri)
            answer = Response(page)
        answer.delete_cookie(self._cookie, path=self._realm.path or "/")
        return answer

    def stranger(self, what: str) -> Response:
        """A stranger's key, where forged headers point; whoever asks for it has been fooled."""
        self._note(f"stranger/{what}")
        key = self._realm.keys.stranger
        if what == "x5u":
            return Response(key.as_pem(private=False), content_type="application/x-pem-file")
        return Response(json.dumps({"keys": [key.as_dict(private=False)]}), content_type=_JSON)

    def _note(self, endpoint: str) -> None:
        name = f"{endpoint}/followed" if "followed" in request.args else endpoint
        self._stand.note(self._realm, name, request)

    def _visit(self, *, max_age: bool = True) -> Visit | None:
        """The session of this browser, unless the client asks for a younger one."""
        visit = self._realm.visits.get(request.cookies.get(self._cookie, ""))
        limit = request.values.get("max_age", "")
        if visit and max_age and limit.isdigit() and time.time() - visit.auth_time > int(limit):
            return None
        return visit

    def _chosen(self, visit: Visit | None) -> Visit | None:
        """The session to answer with: somebody picked or typed, or known without asking."""
        if request.method == "POST":
            return self._opened(self._picked())
        if request.values.get("prompt") == "none":
            return visit
        options = self._stand.options
        hint = options.auto_as or (request.values.get("login_hint", "") if options.auto else "")
        return self._opened(self._stand.person(hint))

    def _picked(self) -> Person | None:
        """The person of the form: one of the list, or one typed anew."""
        if request.form.get("decision") == "deny":
            return None
        email = (request.form.get("person") or request.form.get("email", "")).strip()
        name = request.form.get("name", "").strip()
        if not email:
            return None
        return self._stand.person(email) or Person(email, {"name": name} if name else {})

    def _opened(self, person: Person | None) -> Visit | None:
        if person is None:
            return None
        visit = Visit(person)
        self._realm.visits[visit.sid] = visit
        return visit

    def _page(self, client: Client) -> str:
        """The page on which one picks or types a person; those of the hint's domain first."""
        hint = request.values.get("login_hint", "")
        domain = hint.rpartition("@")[2].lower()
        return render_template(
            "demo/choose_person.html",
            client=client,
            hint=hint,
            known=self._stand.person(hint),
            connection=request.values.get("connection", ""),
            people=sorted(
                self._stand.people.values(),
                key=lambda one: (
                    one.email.lower() != hint.lower(),
                    not one.email.lower().endswith(f"@{domain}"),
                ),
            ),
            missing=request.method == "POST",
        )

    def _answer(self, answer: Response, client: Client, *, visit: Visit | None = None) -> Response:
        """The redirect to the client: with `iss` (RFC 9207), and what lies add or take."""
        parts = urlsplit(answer.location or "")
        pairs = [*parse_qsl(parts.query, keep_blank_values=True)]
        pairs.append(("iss", self._stand.issuer(self._realm)))
        told = self._stand.tell(Stage.AUTHORIZATION, pairs, self._realm, client)
        response = Response(
            "", 302, {"Location": urlunsplit(parts._replace(query=urlencode(told)))}
        )
        if visit:
            path = self._realm.path or "/"
            response.set_cookie(self._cookie, visit.sid, path=path, httponly=True, samesite="Lax")
        return response

    def _refusal(self, words: str) -> tuple[str, int]:
        return render_template("demo/refused.html", words=words), 400

    def _document(
        self, document: dict[str, Any], stage: Stage, answering: Stage, client: Client | None
    ) -> Response:
        """A JSON answer, after the lies of its document and of its transport."""
        told = document
        if "followed" not in request.args:
            told = self._stand.tell(stage, document, self._realm, client)
        answer = Response(json.dumps(told), content_type=_JSON)
        return self._fault(answering, answer, client)

    def _fault(self, stage: Stage, answer: Response, client: Client | None) -> Response:
        if "followed" in request.args:
            return answer
        told: Response = self._stand.tell(stage, answer, self._realm, client)
        return told


def _metadata(issuer: str, algorithms: tuple[str, ...]) -> dict[str, Any]:
    """The discovery document of a provider that tells the truth."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/logout",
        "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(algorithms),
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(UNDERSTOOD),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }
