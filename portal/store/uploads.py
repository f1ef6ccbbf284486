"""Files that wait for their plan to be confirmed: one for each person, for an hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from portal.store.tables import UPLOADS

KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody uploaded, for one tenant or (None) for any."""

    file_name: str
    content: bytes


def keep(
    connection: Connection, user_id: int, tenant_id: int | None, upload: Upload, *, now: datetime
) -> None:
    """Keep a file in the place of the one that this person uploaded before."""
    discard(connection, user_id)
    connection.execute(
        insert(UPLOADS).values(
            user_id=user_id,
            tenant_id=tenant_id,
            file_name=upload.file_name,
            content=upload.content,
            expires_at=now + KEPT,
        )
    )


def of_person(
    connection: Connection, user_id: int, tenant_id: int | None, *, now: datetime
) -> Upload | None:
    """Give the file that this person uploaded for this tenant, while it is kept."""
    row = connection.execute(
        select(UPLOADS.c.tenant_id, UPLOADS.c.file_name, UPLOADS.c.content).where(
            UPLOADS.c.user_id == user_id, UPLOADS.c.expires_at > now
        )
    ).first()
    if row is None or row.tenant_id != tenant_id:
        return None
    return Upload(row.file_name, row.content)


def discard(connection: Connection, user_id: int) -> None:
    """Forget what this person uploaded."""
    connection.execute(delete(UPLOADS).where(UPLOADS.c.user_id == user_id))
