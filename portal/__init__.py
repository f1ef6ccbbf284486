"""A multi-tenant sign-in portal: an e-mail address leads to a password or to the right SSO.

Where things live, from the edge inwards (imports point one way, down this list):

    portal.cli      commands: demo, serve, db, seed, explain, doctor
    portal.app      create_app: blueprints and error handlers
    admin           the admin pages, one blueprint
    portal.web      Flask's edge: pages, cookies, headers
    portal.flows    use cases: plain values in, an outcome out
    portal.services the composition root: one frozen Services
    portal.oidc     the relying party's input and output
    portal.store    SQLAlchemy: rows in, values out
    portal.seeding  seed files: models, reading, writing
    portal.throttle, portal.mail, portal.observe
    portal.settings, portal.crypto
    portal.core     pure decisions: address, routing, tokens, admission

A sign-in: web.login -> flows.sign_in -> core.routing -> password or provider
           web.sso   -> flows.callback -> core.tokens -> core.admission -> session
"""
