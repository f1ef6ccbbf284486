"""What would have to be different for an address to sign in another way."""

from portal.core.address import Address
from portal.core.registry import Account, DomainRule, Policy
from portal.core.routing import Choose, Refused, UseSso, Verdict, in_rollout, is_exempt


def otherwise(
    verdict: Verdict, address: Address, *, account: Account | None, knows_passwords: bool
) -> list[str]:
    """Give sentences: first what stands in the way of the answer, then what would change it.

    `knows_passwords` is whether an account without a password hash is one without a password.
    """
    rule = verdict.route.rule
    if rule is None:
        return _without_rule(verdict, address)
    return [
        *_in_the_way(verdict, rule, account=account, knows_passwords=knows_passwords),
        *_changes(verdict, rule, address=address, account=account),
    ]


def _without_rule(verdict: Verdict, address: Address) -> list[str]:
    if verdict.route.trace[-1].outcome == "not verified":
        return ["Proving the domain, or an operator vouching for it, makes its entry count."]
    return [
        f"An entry for {address.domain}, or for a parent with `subdomains: true`, would lead it on."
    ]


def _in_the_way(
    verdict: Verdict, rule: DomainRule, *, account: Account | None, knows_passwords: bool
) -> list[str]:
    found = []
    if rule.tenant.suspended:
        found.append(f"The tenant {rule.tenant.slug} is suspended: nobody gets in, in any way.")
    if account is not None and account.disabled:
        found.append("The account is disabled: it gets in by no way.")
    if isinstance(verdict.decision, UseSso | Choose | Refused):
        return found
    if account is None:
        found.append("No account has this address, so that no password will do.")
    elif knows_passwords and account.password_hash is None:
        found.append("The account has no password.")
    return found


def _changes(
    verdict: Verdict, rule: DomainRule, *, address: Address, account: Account | None
) -> list[str]:
    route = verdict.route
    if rule.policy is Policy.PASSWORD:
        return [f"The policy `optional` or `required` on {rule.domain} would lead to SSO."]
    if route.off is not None:
        if rule.tenant.suspended:
            return ["Making the tenant active brings its SSO back."]
        return ["A connection that is switched on and has a client brings SSO back."]
    found = []
    if len(route.connections) > 1:
        found.append(f"With one connection on {rule.domain} nobody has to choose.")
    if rule.policy is Policy.OPTIONAL:
        found.append("A typed password is checked as well; `required` would rule it out.")
    elif not in_rollout(address, rule.rollout):
        needed = next(share for share in range(101) if in_rollout(address, share))
        found.append(f"A rollout of {needed} % or more would require SSO of this address.")
    elif is_exempt(account, rule):
        found.append("Without its exemption the account would need SSO.")
    else:
        found.append("`sso_exempt: true` on its account would let this address use a password.")
    return found
