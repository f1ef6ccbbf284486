"""Use cases: plain values in, an outcome out; one function is one story.

Signing in
    sign_in.begin      route -> decide -> a password checked here, or the provider
    password           throttle -> argon2id -> session
    initiate           a login that the provider starts
    callback.finish    take the attempt -> proof -> arrival, or trial
    proof              exchange -> verify: who came back
    arrival            admit -> link -> open the session
    trial              the same, signing nobody in and changing nothing
    refusal            a failure, written down under one reference
    sign_out           here, at the provider, and when the provider says so
    step_up            the proof once more, before a change in the admin pages
    client_keys        our public keys

Changing the registry
    registry_changes   the one write path; `seed_*` for files, `*_edits` for forms
    bulk_domains       a file of domains from a browser, by the plan and apply of the seeds
    domain_proof, domain_rechecks, txt_records, enforcement, checklist, explanation

Looking after it
    checkup and `*_checks` for `portal doctor`, sweep for what has expired

Expected outcomes are return values; `SignInFailure` means that this sign-in ends here. No
transaction is open while a provider is asked. May not import Flask.
"""
