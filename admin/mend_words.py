"""What each failure means for people, and who has to do what: the first entry that fits wins.

An entry fits where the code is its own and the cause holds one of its words; one without words
takes the rest of its code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who has to do something."""

    PERSON = "The person who signs in"
    ADMIN = "You, on these pages"
    PROVIDER = "Whoever runs your identity provider"
    OPERATOR = "The people who run this portal"


@dataclass(frozen=True, slots=True)
class Mend:
    """Who has to mend it, how, and the page to do it on (parts of its address, "" for none)."""

    who: Who
    title: str
    text: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A mend, and the failures that it is for."""

    code: str
    words: tuple[str, ...]
    mend: Mend

    def fits(self, code: str, cause: str) -> bool:
        """Whether a failure of this code and cause is one of these."""
        return code == self.code and any(word in cause for word in self.words)


# code: words of the cause / others
#     who/page: title
#     text
_WRITTEN = """\
wrong_password:
    person/people: The password was wrong
    Or the address has no password here. You can set a new one.
email_not_allowed: no usable email
    provider/connections: The provider sent no e-mail address
    Let it send the claim 'email', and ask for the scope 'email'.
email_not_allowed: no address
    provider: The 'email' claim is no address
    Mend it in the person’s profile there.
email_not_allowed: not verified the email
    provider/connections: The provider says that the address is not verified
    Have it verified there. What a connection asks of it stands on the connection’s page.
email_not_allowed: no verified domain
    admin/domains: The address is of no proven domain of this company
    Claim and prove its domain; or the person used another account at the provider.
email_not_allowed: known already
    admin/people: The connection takes only people who are known already
    Add the person, or let the connection make accounts at the first sign-in.
email_not_allowed: another subject
    operator: The account belongs to another person at the provider
    It was probably made anew there. The old link has to be taken away.
email_not_allowed: elsewhere
    operator: The address is an account somewhere else
    An address is one account. They give it free on its page, at the company that has it.
email_not_allowed:
    provider/people: The address cannot sign in here
    Compare the address that came back with the one under People.
account_disabled:
    admin/people: The account is switched off
    Switch it on under People.
tenant_suspended:
    operator: The company is suspended
    Nobody of it can sign in.
session_expired:
    provider: The provider’s own session had ended already
    It sent somebody back whose session there is over: its 'session_expiry' lies in the past.
sso_unavailable: cannot be opened with our keys
    operator/clients: The application’s secret cannot be opened any more
    The key that it was sealed with is missing. Or store the secret anew on the application’s page.
sso_unavailable: no secret or key / private key
    admin/clients: The application has no secret or key that could be used
    Store the one that the issuer shows for it.
sso_unavailable: another client now
    person: The connection was changed during the sign-in
    Start again: the new one holds now.
sso_unavailable: none of ours
    admin/connections: A tile or link named an issuer that is not set up here
    Compare the issuer of the application with the one that the provider starts from.
sso_unavailable: no client / client is gone
    admin/connections: The connection has no application, or is gone
    Give it an application.
sso_unavailable: switched off / or it is off / session's connection is off
    admin/connections: The connection is switched off
    Switch it on, or lead the domain to another one.
sso_unavailable:
    admin/connections: The connection is off or not complete
    Switch it on, and give it an application.
provider_unavailable: the provider said
    provider: The provider said that it cannot sign anybody in now
    That is a fault on its side, often maintenance: look at its status page.
provider_unavailable: answered 429
    provider: The provider has had too many questions
    It limits how often it may be asked. Wait; if it lasts, have the limit raised.
provider_unavailable: answered 5
    provider: The provider answered with a fault of its own
    Look at its status page, or at what stands before it.
provider_unavailable: in time / broke off / keeps another
    provider: The provider was too slow
    No whole answer came within seconds. Try again; break-glass people get in meanwhile.
provider_unavailable: no connection
    provider/connections: The provider could not be reached
    Its name leads nowhere, its server is off, or a firewall stands between.
provider_unavailable: left alone
    provider/connections: The provider had failed several times just before
    It is asked again every ten seconds. The cause stands at the failures before this one.
provider_unavailable: too many calls
    operator: Too many sign-ins waited for the provider at once
    It is slow, or very many came at once. Try again in a minute.
provider_unavailable:
    provider: The provider did not answer
    It was down, slow, or the network between was. Try again; break-glass people get in.
access_denied: login_required / interaction_required / account_selection
    admin/connections: The provider may not ask the person anything
    A parameter of the connection forbids it, most likely 'prompt = none': take it away.
access_denied: consent_required
    provider: Nobody has agreed to the application at the provider
    Have an admin agree to it there for everybody.
access_denied:
    provider: The provider said no
    The person cancelled, or may not use this application there: assign it to them.
state_mismatch: used before
    person: The answer was used already
    The page was loaded again, or opened by Back. Who is not signed in starts again.
state_mismatch: this browser
    person: The answer came to another browser than the one that began
    A link was passed on, or cookies are blocked. Start again in one browser.
state_mismatch: signed in here meanwhile
    person: Somebody else signed in in that browser meanwhile
    A tile or link had begun it before. Sign out, and start again.
state_mismatch: older than
    person: It took longer than ten minutes
    Start again. If it is slow at the provider, look there.
state_mismatch:
    person: The answer belongs to no sign-in that began here
    Start at the portal, not from a bookmark. A tile must begin at the login-initiate URI.
oidc_failed: has not the value required
    admin/connections: A claim had another value than the connection asks for
    Compare the claims below with the connection’s.
oidc_failed: is repeated / neither code nor error
    provider: The answer was incomplete, or held something twice
    It must bring a code, once.
oidc_failed: invalid_client / token endpoint answered 401
    admin/clients: The issuer did not accept the application’s proof
    The secret has probably changed or ended there: store the new one.
oidc_failed: invalid_grant
    admin/clients: The issuer did not take the code
    Compare the redirect URI there, letter by letter, with the one on the application’s page.
oidc_failed: unauthorized_client / unsupported_
    provider/connections: The application may not sign people in this way
    Allow it the authorization code flow there.
oidc_failed: invalid_scope
    admin/clients: The issuer does not know one of the scopes
    Take it off the application’s page, or allow it there.
oidc_failed: said invalid_request
    admin/connections: The issuer did not understand the request
    A further parameter of the connection may be wrong: compare them with what it takes.
oidc_failed: provider answered with an error
    provider: The provider answered with an error of its own
    Its own log says which, at the time below.
oidc_failed: token endpoint / cannot be sent
    provider: The issuer’s token endpoint refused
    Show them the cause below; their own log has more.
oidc_failed: metadata is of another issuer
    admin/clients: The issuer calls itself otherwise
    Write the issuer just as its own metadata has it, down to a slash at the end.
oidc_failed: metadata lacks
    provider/clients: The issuer’s metadata is not complete
    Show them the cause below: it names what is missing.
oidc_failed: a URL / has a query
    admin/clients: An address of the issuer cannot be used
    It must be a plain https address. Read the issuer again on the application’s page.
oidc_failed: not allowed
    operator: The issuer lies where the portal may not go
    For one in your own network PORTAL_ALLOW_LOCAL_ISSUERS has to be set.
oidc_failed: certificate
    provider: The issuer’s certificate is not trusted
    It has ended, is for another name, or comes without its chain: renew it.
oidc_failed: with a redirect
    admin/clients: The issuer has moved
    It answers from another address. Ask for its present issuer, and store that.
oidc_failed: userinfo was answered
    provider/connections: The userinfo endpoint said nothing
    What the ID token lacks was asked for there: let the token carry it, above all 'email'.
oidc_failed: userinfo
    provider: The userinfo endpoint spoke of somebody else
    It must be about the person of the ID token.
oidc_failed: the provider answered
    admin/clients: Nothing is at the issuer’s address
    The issuer is probably mistyped. Read it again on the application’s page.
oidc_failed: the answer is
    provider: The issuer’s answer cannot be read
    Often a page of a proxy, or of maintenance, stands in its place.
oidc_failed: no key for this token
    provider: The token is signed with a key that the issuer does not publish
    New keys must be published before they are used.
oidc_failed: signature is wrong
    provider: The token’s signature is wrong
    Its keys were changed without new names, or somebody has tampered with the token.
oidc_failed: alg is none
    provider: The token is signed in a way that is not allowed
    Have it sign with RS256, PS256, ES256 or EdDSA, and say so in its metadata.
oidc_failed: key set
    provider: The issuer’s keys cannot be read
    Its JWKS address must give a key set.
oidc_failed: iss is not
    admin/clients: The token names another issuer
    At some providers each directory or own domain has one: store the issuer that the token has.
oidc_failed: aud is / azp / audiences
    admin/clients: The token is meant for another application
    The client ID must be that of the very application that the connection goes through.
oidc_failed: nonce
    provider: The token belongs to another sign-in
    Its nonce is not the one that was asked with: the provider must send it back.
oidc_failed: is in the future / long past / exp has passed
    provider/connections: The token’s times do not fit
    A clock is wrong by more than a minute. How far it is off stands on the connection’s page.
oidc_failed: max_age
    provider: The provider did not ask anew
    It was to ask for a fresh sign-in, and must say in 'auth_time' when it did.
oidc_failed: belongs to another one
    provider: The parts of the answer do not belong together
    A hash in the ID token is of another code or access token.
oidc_failed: no id_token
    admin/clients: The issuer sent no ID token
    The scopes must hold 'openid', and the application there must be one for OpenID Connect.
oidc_failed: token_type / access_token
    provider: The issuer’s tokens are not as they must be
    Show them the cause below.
oidc_failed: too long
    provider: The ID token is not one, or is too long
    Often it carries hundreds of groups: let it send only those that matter here.
oidc_failed: the token is / part of the token / typ is / header / kid is
    provider: The ID token cannot be read
    It must be a signed one, without encryption or rare header fields.
oidc_failed: there is no / is not a
    provider: The ID token lacks a claim, or has it in a wrong form
    Show them the cause below: it names the claim.
oidc_failed: response is of another
    provider: The answer comes from another issuer than the one that was asked
    Two of its directories may be mixed up. The portal takes no answer from one for the other.
oidc_failed: promised iss
    provider: The answer does not say from which issuer it comes
    It must bear the 'iss' that its metadata promises.
oidc_failed: redirect URI
    admin/clients: The answer came to another application’s address
    Register the redirect URI that the application’s page shows, and no other.
oidc_failed:
    provider/connections: The provider’s answer cannot be trusted
    Show them the cause below: it names what was wrong. Run a test sign-in when mended.
"""


def _read(written: str) -> Iterator[Entry]:
    lines = iter(written.splitlines())
    for head in lines:
        code, words = head.split(":", 1)
        what, title = next(lines).strip().split(": ", 1)
        who, _, page = what.partition("/")
        mend = Mend(Who[who.upper()], title, next(lines).strip(), page)
        yield Entry(code, tuple(words.strip().split(" / ")), mend)


TABLE = tuple(_read(_WRITTEN))
