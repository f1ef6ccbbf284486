"""SQLAlchemy 2: rows in, values out; no row leaves this package.

    engine      Database: read() without a transaction, transaction() for every change
    tables      the declarative tables
    registry    a domain and its parents -> DomainRule values with tenant, connections, clients
    accounts    users, operators, identities
    sessions    opaque tokens, stored hashed
    spent       single use: states and logout-token ids
    audit       the append-only trail
    migrations  Alembic

Core statements over the declarative tables, no ORM session: the sign-in path counts
microseconds and nothing here needs an identity map. May not import Flask or portal.oidc.
"""
