"""Use cases: plain values in, an outcome out; one function is one story.

    sign_in.begin      throttle -> route -> decide -> a password checked here, or the provider
    sign_in.initiate   the same for a login that the provider starts
    callback.finish    take the attempt -> exchange -> verify -> admit -> link -> open the session
    sign_out           here, at the provider, and when the provider says so
    registry_changes   the one write path of the registry

Expected outcomes are return values; `SignInFailure` means that this sign-in ends here. No
transaction is open while a provider is asked. May not import Flask.
"""
