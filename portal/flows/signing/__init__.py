"""Signing in and out.

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
"""
