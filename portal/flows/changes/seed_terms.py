"""On whose terms files change the registry: an operator's seeds, or an upload in the pages."""

from dataclasses import dataclass, replace

PROVEN_ELSEWHERE = (
    "has been proven by another company already. If it is yours, ask the people who run this portal"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan may do, and what it may tell.

    `origin` is who makes new objects. With `keeps_unnamed` a domain that is there keeps what a
    CSV has no column for, its proof above all. Whoever may not see other tenants is told of none
    (`sees_all`), and asks for SSO where its conditions are looked at (`may_require`).
    Somebody before a browser waits `patience` seconds for another writer; 0 is for ever.
    """

    origin: str = "seed"
    keeps_unnamed: bool = False
    sees_all: bool = True
    may_require: bool = True
    patience: int = 0


SEED = Terms()
BY_OPERATOR = Terms(origin="admin", keeps_unnamed=True, patience=10)
BY_TENANT_ADMIN = replace(BY_OPERATOR, sees_all=False, may_require=False)
