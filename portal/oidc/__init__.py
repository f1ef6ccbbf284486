"""The portal as a relying party: every call to an identity provider, and no Flask.

    client.RelyingParty      what flows call: metadata, exchange, identify, with_userinfo, ...
      -> authorization       what the browser carries: URLs, PKCE, the response's `iss`
      -> provider.Providers  metadata and keys by issuer -> kept (one fetch for all) -> metadata
      -> token_endpoint      a code for tokens -> client_auth: the four ways to prove who we are
      -> http.Door           the only way out, a lane for each issuer -> breaker
           -> transport      one request, one answer -> idle (open connections)
           -> messages       a request as bytes, an answer from bytes
           -> wire           sockets with one deadline and one limit of bytes for the whole call
           -> addresses      which URLs, hosts and addresses are allowed at all

What a provider says is verified in `portal.core.tokens`; here it is only fetched. A provider that
cannot be reached in time is provider_unavailable, one that answers wrongly oidc_failed.
May import portal.core and portal.crypto; never Flask, and never a socket but through the door.
"""
