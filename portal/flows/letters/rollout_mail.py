"""What a tenant's admins are told by mail while a rollout goes on."""

from collections.abc import Sequence

from sqlalchemy import Connection

from portal.core.address import Domain
from portal.core.counting import counted
from portal.core.rollout_plan import RolloutPlan
from portal.core.rollout_words import STOPS_WHEN, day_words, steps_words
from portal.flows.letters.outgoing_mail import post_to_admins
from portal.services import Services
from portal.store.rollout_plans import DomainRef, PlannedDomain

_NEEDS = {
    "proven": "the domain is not proven",
    "connected": "its connection is off, or has no client",
    "tested": "no test sign-in has passed since the connection was last changed",
    "break_glass": "no break-glass person has signed in with the password in the last 30 days",
}


def why_held(plan: RolloutPlan) -> str:
    """Say why a step did not happen, as the end of a sentence."""
    if plan.told.get("why") == "changed":
        return "somebody had changed how the domain signs in since the step before"
    needs = plan.told.get("needs")
    return _lacking(needs if isinstance(needs, list) else ())


def _lacking(needs: Sequence[str]) -> str:
    said = [_NEEDS[need] for need in needs if need in _NEEDS]
    return "; ".join(said) or "what must be so before was not so"


def tell_reminded(
    services: Services, connection: Connection, at: PlannedDomain, *, needs: Sequence[str]
) -> None:
    """Tell that the next step would not happen as things are."""
    name, step = Domain(at.name).display, at.plan.ahead[0]
    day = day_words(step.on, today=services.now().date())
    text = (
        f"On {day} SSO is to be required for {step.per_cent} % of {name}. As things are it will "
        f"not happen: {_lacking(needs)}.\n\n"
        f"There is time to mend it until then:\n{_page(services, at)}\n"
    )
    subject = f"{name}: the step of {day} would not happen"
    post_to_admins(services, connection, at.tenant.id, subject=subject, text=text)


def tell_taken(
    services: Services, connection: Connection, at: DomainRef, plan: RolloutPlan
) -> None:
    """Tell that a step has come into force."""
    name, today = Domain(at.name).display, services.now().date()
    size = plan.steps[plan.done - 1].per_cent
    whom = "everybody" if size == 100 else f"{size} % of the addresses"
    following = f"{steps_words(plan, today=today)}\n" if plan.ahead else ""
    text = (
        f"From now on SSO is required for {whom} of {name}, as {plan.planned_by} planned.\n"
        f"{following}\n"
        f"For a week we watch the sign-ins. {STOPS_WHEN} Then you are told.\n"
        f"{_page(services, at)}\n"
    )
    subject = f"{name}: SSO is required for {whom} now"
    post_to_admins(services, connection, at.tenant.id, subject=subject, text=text)


def tell_held(services: Services, connection: Connection, at: DomainRef, plan: RolloutPlan) -> None:
    """Tell that a step did not happen, and why."""
    name = Domain(at.name).display
    text = (
        f"SSO was to be required for {plan.ahead[0].per_cent} % of {name} today. It did not "
        f"happen: {why_held(plan)}.\n\n"
        "Nothing has changed for your people, and nothing more happens until you say so:\n"
        f"{_page(services, at)}\n"
    )
    subject = f"{name}: the planned step did not happen"
    post_to_admins(services, connection, at.tenant.id, subject=subject, text=text)


def tell_stopped(
    services: Services, connection: Connection, at: DomainRef, *, failed: int, tried: int
) -> None:
    """Tell that a step was taken back, with the figures."""
    name = Domain(at.name).display
    people = counted(tried, "person", "people")
    text = (
        f"{failed} of the {people} of {name} who tried to sign in by SSO within the last hour did "
        "not get in. So the last step of the rollout was taken back: the domain asks of its people "
        "what it asked before that step, and nothing more happens by itself.\n\n"
        f"Why they failed: {_base(services, at)}/failures\n"
        f"Go on, or leave it: {_page(services, at)}\n"
    )
    subject = f"{name}: the rollout was stopped, because sign-ins fail"
    post_to_admins(services, connection, at.tenant.id, subject=subject, text=text)


def _base(services: Services, at: DomainRef) -> str:
    return f"{services.settings.base_url}/admin/tenants/{at.tenant.slug}"


def _page(services: Services, at: DomainRef) -> str:
    return f"{_base(services, at)}/domains/{at.name}/rollout"
