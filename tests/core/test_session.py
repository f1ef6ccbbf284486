"""When a session ends: at the earliest of every limit."""

from datetime import timedelta
from typing import Any

import pytest

from portal.core.session import Session, SignedInBy
from tests.builders import NOW, make_account, make_tenant


def session(**values: Any) -> Session:
    tenant = values.pop("tenant", make_tenant(idle_minutes=60, absolute_hours=12))
    account = values.pop("account", make_account(tenant=tenant))
    defaults = {
        "id": 1,
        "public_id": "a1",
        "account": account,
        "by": SignedInBy("sso"),
        "created_at": NOW,
        "authenticated_at": NOW,
        "last_seen_at": NOW,
        "ends_by": None,
    }
    return Session(**{**defaults, **values})


@pytest.mark.parametrize(
    ("values", "after", "live"),
    [
        ({}, timedelta(minutes=59), True),
        ({}, timedelta(minutes=60), False),
        ({"last_seen_at": NOW + timedelta(hours=11, minutes=30)}, timedelta(hours=11.9), True),
        ({"last_seen_at": NOW + timedelta(hours=11, minutes=30)}, timedelta(hours=12), False),
        ({"ends_by": NOW + timedelta(minutes=5)}, timedelta(minutes=4), True),
        ({"ends_by": NOW + timedelta(minutes=5)}, timedelta(minutes=5), False),
        ({"ends_by": NOW + timedelta(days=9)}, timedelta(hours=12), False),
        ({"tenant": make_tenant(idle_minutes=1)}, timedelta(seconds=60), False),
        ({"tenant": make_tenant(suspended=True)}, timedelta(), False),
        ({"account": make_account(tenant=make_tenant(), disabled=True)}, timedelta(), False),
    ],
)
def test_session_ends_at_the_earliest_limit(values, after, *, live: bool):
    assert session(**values).is_live(NOW + after) is live


def test_end_that_people_see_is_the_earlier_of_tenant_and_provider():
    assert session().ends_at == NOW + timedelta(hours=12)
    soon = NOW + timedelta(hours=1)
    assert session(ends_by=soon).ends_at == soon


def test_use_is_noted_often_enough_to_matter_and_no_more():
    assert not session().is_due_for_touch(NOW + timedelta(seconds=59))
    assert session().is_due_for_touch(NOW + timedelta(seconds=60))
