"""SQLAlchemy 2: rows in, values out; no row leaves this package.

    engine, schema, tables, migrations   the database itself
    lookup, registry                     the sign-in's one query -> DomainRule values
    accounts, sessions, spent            people, browsers, what counts once
    attempts_log                         wrong passwords, counted over all processes
    audit, trail                         the append-only trail: written, read
    items, catalog, workbench, registry_writes, domain_*, registry_export   the registry as a whole
    listing, people, population, ...     what admin pages and `portal doctor` read

Core tables and statements, no ORM: the sign-in path counts microseconds, nothing here needs
an identity map, and a worker need not load one. May not import Flask or portal.oidc.
"""
