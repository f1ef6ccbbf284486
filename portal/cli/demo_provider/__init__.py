"""A small OpenID provider that stands in for SSOJet, and can lie. FOR DEMO AND TESTS ONLY.

It knows no passwords, signs in whoever is named, and answers on loopback alone. It knows nothing
of the portal either: to the portal it is as strange as any provider.

    participants    people, clients, options
    keyring         an issuer's keys; a token before it is signed
    ledger          what is remembered: codes, tokens, sessions, requests, the lies that are on
    grants          the protocol, on Authlib's authorization-server classes
    endpoints       discovery, keys, authorization, token, userinfo, sign-out
    sign_out_calls  back-channel and front-channel logout
    lying, lies     what a lie is, and the table of all (its parts: *_lies)
    control         what may be asked of a running provider
    running         `DemoProvider`: in a thread
    provider_process  `ProviderControl`: in a process; `__main__` is that process
"""

from portal.cli.demo_provider.lies import LIES
from portal.cli.demo_provider.lying import Lie, Stage, Verdict
from portal.cli.demo_provider.participants import Client, Options, Person
from portal.cli.demo_provider.provider_process import ProviderControl
from portal.cli.demo_provider.running import DemoProvider

__all__ = [
    "LIES",
    "Client",
    "DemoProvider",
    "Lie",
    "Options",
    "Person",
    "ProviderControl",
    "Stage",
    "Verdict",
]
