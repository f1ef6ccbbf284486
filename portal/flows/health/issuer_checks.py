"""Looks at every issuer as a sign-in would, each once and many side by side."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from portal.core.counting import counted
from portal.core.errors import FailureCode, SignInFailure
from portal.core.finding import Finding, advice, failure, fine
from portal.core.jwks import read_jwks
from portal.oidc.http import json_object
from portal.oidc.messages import Answer
from portal.oidc.metadata import Metadata, discovery_url, read_metadata
from portal.services import Services

Progress = Callable[[int, int], None]
"""Told how many are done, of how many."""

TOLERANCE = timedelta(seconds=60)  # on token times, as `portal.core.tokens` has it
IN_STEP = timedelta(seconds=5)  # a Date header counts whole seconds, and answers travel
_WAKE = 0.25  # seconds
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an issuer publishes; without metadata `problem` says why there is none.

    `ahead` is how far its clock is before ours, None where its answer bore no date.
    """

    issuer: str
    metadata: Metadata | None = None
    keys: int = 0
    ahead: timedelta | None = None
    problem: str = ""
    is_down: bool = False


def inspect_all(
    services: Services, issuers: Sequence[str], *, progress: Progress, at_once: int = _AT_ONCE
) -> list[Inspection]:
    """Inspect issuers, in their order. Interrupted, it waits for none of them."""
    found: dict[str, Inspection] = {}
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="issuer")
    try:
        under_way = {pool.submit(_inspect, services, issuer) for issuer in issuers}
        while under_way:
            # Awake now and then: Ctrl-C may have come to another thread, which cannot act on it.
            done, under_way = wait(under_way, timeout=_WAKE, return_when=FIRST_COMPLETED)
            for inspection in (one.result() for one in done):
                found[inspection.issuer] = inspection
                progress(len(found), len(issuers))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [found[issuer] for issuer in issuers]


def _inspect(services: Services, issuer: str) -> Inspection:
    door = services.door
    try:
        url = discovery_url(issuer, allow_local=door.allow_local)
        answer = door.get(issuer, url)
        ahead = _clock(services, answer)
        if answer.status != HTTPStatus.OK:
            return Inspection(issuer, problem=f"the provider answered {answer.status}")
        document = json_object(answer)
        metadata = read_metadata(document, issuer=issuer, allow_local=door.allow_local)
        keys = read_jwks(door.get_json(issuer, metadata.jwks_uri))
    except SignInFailure as error:
        is_down = error.code is FailureCode.PROVIDER_UNAVAILABLE
        return Inspection(issuer, problem=error.detail, is_down=is_down)
    return Inspection(issuer, metadata, len(keys.keys), ahead)


def _clock(services: Services, answer: Answer) -> timedelta | None:
    """Give how far ahead the clock of an answer was; what a cache kept is older by its Age."""
    with suppress(TypeError, ValueError, OverflowError):
        said = parsedate_to_datetime(answer.headers.get("date", ""))
        said = said.replace(tzinfo=UTC) if said.tzinfo is None else said
        return said + timedelta(seconds=int(answer.headers.get("age", "0"))) - services.now()
    return None


def judge_issuer(services: Services, seen: Inspection, *, in_use: bool) -> Finding:
    """Say how an issuer is; what nobody is sent to keeps nobody out."""
    bad = failure if in_use else advice
    name = f"issuer {seen.issuer}"
    if seen.metadata is None:
        mend = how_to_mend(services, seen.issuer, problem=seen.problem, is_down=seen.is_down)
        return bad(name, seen.problem, mend)
    if not seen.keys:
        mend = "ask the provider; nobody can sign in there until it publishes its keys"
        return bad(name, f"no key at {seen.metadata.jwks_uri} could verify a sign-in", mend)
    if not seen.metadata.algorithms:
        mend = "have it sign ID tokens with RS256, PS256, ES256, EdDSA or their stronger kin"
        return bad(name, "it signs ID tokens with no algorithm that is allowed", mend)
    detail = f"{counted(seen.keys, 'key')}; {_told_clock(seen.ahead)}; {_offers(seen.metadata)}"
    if seen.ahead is not None and seen.ahead > TOLERANCE:
        return bad(name, detail, "set the clocks: its tokens are from a time yet to come")
    if seen.ahead is not None and seen.ahead < -TOLERANCE:
        return advice(name, detail, "set the clocks: its tokens may be over when they come")
    return fine(name, detail)


def _told_clock(ahead: timedelta | None) -> str:
    if ahead is None:
        return "its answers bear no date"
    if abs(ahead) <= IN_STEP:
        return "its clock is in step"
    seconds = round(abs(ahead).total_seconds())
    return f"its clock is {seconds:,} s {'ahead' if ahead > timedelta() else 'behind'}"


def _offers(metadata: Metadata) -> str:
    offered = {
        "sign-out": metadata.end_session_endpoint is not None,
        "back-channel logout": metadata.backchannel_logout,
        "front-channel logout": metadata.frontchannel_logout,
    }
    does = [name for name, is_so in offered.items() if is_so]
    lacks = [name for name, is_so in offered.items() if not is_so]
    parts = [f"offers {', '.join(does)}"] if does else []
    return "; ".join([*parts, f"no {', no '.join(lacks)}"] if lacks else parts)


def how_to_mend(services: Services, issuer: str, *, problem: str, is_down: bool) -> str:
    """Say what helps where an issuer cannot be read."""
    if is_down:
        host = urlsplit(issuer).hostname
        return f"see that this machine reaches {host}, and that the provider is up"
    if not services.settings.allow_local_issuers and _is_vetoed(problem):
        return (
            "give the provider's public https URL; for one in your own network set "
            "PORTAL_ALLOW_LOCAL_ISSUERS=true"
        )
    return "the issuer must be written just as its own metadata has it; correct the client"


def _is_vetoed(problem: str) -> bool:
    return problem in {"a URL is not https", "the host lies at an address that is not allowed"}
