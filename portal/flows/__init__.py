"""Use cases: plain values in, an outcome out; one function is one story.

    signing    in and out: sign_in, password, callback -> proof -> arrival, sign_out, step_up
    changes    the one write path of the registry, for seed files and for forms
    editing    what the forms of the admin pages do, and what they show before
    domains    whose a domain is: proven by DNS, and looked at again
    rollout    requiring SSO of a domain, by hand or by date, with a stop
    letters    mail: what is written to whom, and the outbox
    health     whether providers, clients and settings are well

    outcomes      who is asking, and how a flow can end
    chores        what a running portal does by itself, each part by one_by_one; sweep for what has
                  expired, key_rotation for what is sealed

Expected outcomes are return values; `SignInFailure` means that this sign-in ends here. No
transaction is open while a provider is asked. May not import Flask.
"""
