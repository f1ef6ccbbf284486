"""Indexes over a part of a table. Migrations keep them; nothing else needs to know of them.

Apart from the tables: each database's words for the part load all that SQLAlchemy has for it,
whichever database is in use.
"""

from sqlalchemy import Index, text

from portal.store.columns import table
from portal.store.tables import DomainRow

Index(
    "uq_domains_name_verified",
    table(DomainRow).c.name,
    unique=True,
    sqlite_where=text("verified"),
    postgresql_where=text("verified"),
)
