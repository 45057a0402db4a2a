"""Writing many rows at once so that doing it twice does no harm, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, func
from sqlalchemy.dialects import postgresql, sqlite

from store.tables import cameras, handled, occupancy, tiles

Row = Mapping[str, Any]
Rule = Literal["add", "largest", "smallest", "replace", "replace unless null"]

MERGE_RULES: dict[str, dict[str, Rule]] = {
    occupancy.name: {"person_seconds": "add", "peak": "largest"},
    tiles.name: {"visitors": "add", "seconds": "add"},
    cameras.name: {
        "width": "replace",
        "height": "replace",
        "first_seen": "smallest",
        "last_seen": "largest",
        "preview": "replace unless null",
        "lines": "replace",
        "zones": "replace",
        "homography": "replace",
        "cell_px": "replace",
        "cell_m": "replace",
    },
}


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert ``rows`` in one batch, leaving alone those whose primary key exists; return how many were new."""
    if not rows:
        return 0
    statement = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return len(connection.execute(statement, _in_key_order(table, rows)).all())


def merge(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert ``rows``; where the key exists, combine each column by ``MERGE_RULES``.

    The same key may stand in several rows. Not idempotent: claim the events first, in the same transaction.
    Raises ``ValueError`` for a table without rules.
    """
    if table.name not in MERGE_RULES:
        raise ValueError(f"no rules to merge rows into {table.name}; there are: {', '.join(sorted(MERGE_RULES))}")
    if not rows:
        return
    statement = _insert(connection, table)
    combined = {
        name: _combine(connection, rule, table.c[name], statement.excluded[name])
        for name, rule in MERGE_RULES[table.name].items()
    }
    upsert = statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=combined)
    connection.execute(upsert, _in_key_order(table, rows))


def claim(connection: Connection, handler: str, event_ids: Collection[str], time: float) -> set[str]:
    """Insert (handler, event id) marks and return the ids that were not marked before."""
    if not event_ids:
        return set()
    statement = _insert(connection, handled).on_conflict_do_nothing().returning(handled.c.event_id)
    rows = [{"handler": handler, "event_id": event_id, "time": time} for event_id in sorted(set(event_ids))]
    return set(connection.execute(statement, rows).scalars())


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _in_key_order(table: Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    # Two transactions that lock the same rows in the same order cannot wait for each other in a circle.
    names = [column.name for column in table.primary_key.columns]
    return [dict(row) for row in sorted(rows, key=lambda row: tuple(row[name] for name in names))]


def _combine(
    connection: Connection, rule: Rule, old: ColumnElement[Any], new: ColumnElement[Any]
) -> ColumnElement[Any]:
    sql = connection.dialect.name == "sqlite"
    if rule == "add":
        return old + new
    if rule == "largest":
        return func.max(old, new) if sql else func.greatest(old, new)
    if rule == "smallest":
        return func.min(old, new) if sql else func.least(old, new)
    if rule == "replace unless null":
        return func.coalesce(new, old)
    return new
