"""Flask's edge: requests become values, outcomes become pages and redirects.

    edge      host, headers, CSRF, request references
    context   the services of the running app, the visitor of this request
    identity  the `portal_session` cookie <-> the session; attempt cookies
    failures  the words for every failure code, and the pages of errors
    login     GET /login, POST /auth/login, POST /auth/discover
    announcements  what people read of a planned rollout
    sso       what providers call: callback, initiate, back- and front-channel logout
    account   what people call: dashboard, their sessions, sign-out
    throttled the words for who has to wait
    welcome   what an invited person opens: a password set by a link
    ops       /healthz, /readyz, /metrics, /.well-known/jwks.json
    pages     the view models that the templates print

May not be imported by flows or anything below; knows nothing of admin.
"""
