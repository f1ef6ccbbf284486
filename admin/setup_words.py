"""What a set-up link allows, in words."""

from portal.flows.editing.setup_rules import May

STEPS: dict[May, str] = {
    May.DOMAINS: "Claim the company’s domain and prove it with a DNS record",
    May.CONNECTION: "Set up the connection to the identity provider and test it",
    May.OPTIONAL: "Switch single sign-on on for a proven domain, beside passwords",
}
SHORT: dict[May, str] = {
    May.DOMAINS: "Domains",
    May.CONNECTION: "connection and test",
    May.OPTIONAL: "switching SSO on",
}
HINTS: dict[May, str] = {
    May.DOMAINS: "Proving changes nothing for anybody yet.",
    May.CONNECTION: "New ones stay off, but for the test, until you switch them on.",
    May.OPTIONAL: "Only after a test has passed, and never as a requirement. Whoever runs that "
    "provider then says who your people are: tick it for somebody you trust with that.",
}
