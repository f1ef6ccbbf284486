"""Indexes over a part of a table. Migrations keep them; nothing else needs to know of them.

Apart from the tables: each database's words for the part load all that SQLAlchemy has for it,
whichever database is in use.
"""

from sqlalchemy import Index, text

from portal.store.tables import DOMAINS

Index(
    "uq_domains_name_verified",
    DOMAINS.c.name,
    unique=True,
    sqlite_where=text("verified"),
    postgresql_where=text("verified"),
)
