"""Members: the one place that leads from an alias to whom it stands for, and back; emptied by one call."""

from __future__ import annotations

import secrets

from sqlalchemy import delete, func, select

from store.records import Records
from store.tables import members, receipts


def alias_of(records: Records, store: str, member: str, now: float) -> str:
    """The alias of a member, made at the first call: 32 random hex digits."""
    row = {"id": secrets.token_hex(16), "store": store, "member": member, "created_at": now}
    mine = select(members.c.id).where(members.c.store == store, members.c.member == member)
    with records.read() as connection:
        found: str | None = connection.execute(mine).scalar()
    if found is not None:
        return found
    with records.begin() as connection:
        records.insert(connection, members, [row])  # another process may have been first
        return str(connection.execute(mine).scalar_one())


def forget_member(records: Records, store: str, member: str) -> tuple[bool, int]:
    """Erase whom an alias stands for; return whether there was one, and how many receipts are nobody's now.

    Receipts stay for the books, without a way back to the member.
    """
    with records.begin() as connection:
        alias = connection.execute(
            select(members.c.id).where(members.c.store == store, members.c.member == member)
        ).scalar()
        if alias is None:
            return False, 0
        count = connection.execute(
            select(func.count()).select_from(receipts).where(receipts.c.store == store, receipts.c.member == alias)
        ).scalar_one()
        connection.execute(delete(members).where(members.c.id == alias))
    return True, int(count)
