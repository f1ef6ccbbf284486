"""A tenant at a glance: what is still to do, and how its people sign in."""

from collections.abc import Sequence

from flask import render_template

from admin.access import blueprint, scope
from admin.framing import frame, tenant_path
from admin.health_lines import troubled
from admin.next_step import href
from admin.overview_notices import overview_notices
from admin.overview_pages import Bar, Chart, OverviewPage, StepLine
from portal.flows.editing.checklist import Point, Step, checklist
from portal.store.sign_in_days import Day
from portal.web.context import services

_HEIGHT, _STEP = 120, 20

_TITLES = {
    Step.CLAIM: "Claim your domain",
    Step.PROVE: "Prove that it is yours",
    Step.CONNECT: "Connect your identity provider",
    Step.LEAD: "Lead the domain to the connection",
    Step.TEST: "Try it out",
    Step.FIRST: "Let the first people sign in",
    Step.REQUIRE: "Require single sign-on",
}
_TODO = {
    Step.CLAIM: "Tell us which domain your people’s e-mail addresses have, such as acme.com.",
    Step.PROVE: "Publish a TXT record, so that nobody else can speak for your people.",
    Step.CONNECT: "Set up the connection that sends your people to Okta, Entra ID or another.",
    Step.LEAD: "Choose the connection and “SSO optional”: passwords go on working beside it.",
    Step.TEST: "Run a test sign-in through the connection: it signs nobody in and changes nothing.",
    Step.FIRST: "Ask a few people to sign in at {page}. This step is done once one has come in.",
    Step.REQUIRE: "When SSO works for everybody, switch passwords off for the domain.",
}
_DONE = {
    Step.CLAIM: "Claimed.",
    Step.PROVE: "Every domain you claimed is proven.",
    Step.CONNECT: "A connection is on.",
    Step.LEAD: "A domain leads to a connection.",
    Step.TEST: "A sign-in through it has passed every check.",
    Step.FIRST: "People sign in with SSO.",
    Step.REQUIRE: "A domain requires SSO.",
}
_ACTIONS = {
    Step.CLAIM: "Claim a domain",
    Step.PROVE: "Show the record",
    Step.CONNECT: "Add a connection",
    Step.LEAD: "Choose the way",
    Step.TEST: "Test the connection",
    Step.FIRST: "See sign-ins",
    Step.REQUIRE: "Look at the effect",
}


@blueprint.get("/tenants/<tenant>")
def overview(tenant: str) -> str:
    """Show where a tenant stands."""
    del tenant
    found = checklist(services(), scope().ref)
    current = found.next
    lines = tuple(step_line(point, is_next=point == current) for point in found.points)
    page = OverviewPage(
        frame=frame("overview", *overview_notices(), *troubled()),
        steps=lines,
        done=sum(point.is_done for point in found.points),
        domains=found.progress.domains,
        people=found.people.people,
        by_sso=found.sign_ins.by_sso,
        by_password=found.sign_ins.by_password,
        failed=found.sign_ins.failed,
        chart=_chart(found.days),
    )
    return render_template("admin/overview.html", page=page)


def _chart(days: Sequence[Day]) -> Chart:
    """Draw the days; a day's bar is as high as its share of the fullest day."""
    most = max((day.by_sso + day.by_password + day.failed for day in days), default=0)

    def height(number: int) -> int:
        return max(2, round(number * _HEIGHT / most)) if number else 0

    bars = tuple(
        Bar(at * _STEP, height(day.by_sso), height(day.by_password), height(day.failed))
        for at, day in enumerate(days)
    )
    numbers = tuple((day.day, day.by_sso, day.by_password, day.failed) for day in days)
    return Chart(bars, numbers, most)


def step_line(point: Point, *, is_next: bool) -> StepLine:
    """Give a step as a page shows it: what it is, and its next action."""
    words = _DONE if point.is_done else _TODO
    page = f"{services().settings.base_url}/login/{scope().tenant.slug}"
    return StepLine(
        title=_TITLES[point.step],
        text=words[point.step].format(page=page),
        is_done=point.is_done,
        is_next=is_next,
        action="" if point.is_done else _ACTIONS[point.step],
        href=href(point, tenant_path),
    )
