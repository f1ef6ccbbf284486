"""The steps of a tenant's checklist as the pages lead to them."""

from collections.abc import Callable

from portal.flows.editing.checklist import Point, Step, next_point
from portal.services import Services
from portal.store.tenant_items import TenantRef
from portal.web.pages import Link

Path = Callable[..., str]
"""Gives the address of a page of the tenant."""


def href(point: Point, path: Path) -> str:
    """Give the page on which a step is done."""
    about = [point.about] if point.about else []
    match point.step:
        case Step.CLAIM:
            return path("domains", "new")
        case Step.PROVE | Step.LEAD | Step.REQUIRE:
            return path("domains", *about)
        case Step.CONNECT:
            return path("connections")
        case Step.TEST:
            return path("connections", *about) + ("#test" if about else "")
        case Step.FIRST:
            return path("audit")


def go_on(services: Services, tenant: TenantRef, path: Path, *, here: str) -> Link | None:
    """Give the way to what is to be done next; None where nothing is, or it is done on this page.

    `here` is the address of the page.
    """
    found = next_point(services, tenant)
    if found is None:
        return None
    number = list(Step).index(found.step) + 1
    there = path() if found.step is Step.FIRST else href(found, path)
    if there.partition("#")[0] == here:
        return None
    return Link(there, f"Go on with step {number} of {len(Step)}")
