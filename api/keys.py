"""API keys: made once, shown once, kept as a hash. A key is ``aisle_<id>_<secret>``."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Row, insert, select, update

from store.records import Records
from store.tables import api_keys

SCOPES: Final[dict[str, str]] = {
    "insights:read": "Counts, dwell, occupancy and heatmaps.",
    "live:read": "Live and preview pictures, all of them blurred, and the paths in person.moved events.",
    "events:read": "The stream of what happens now.",
    "codes:write": "Entry codes for members, and forgetting a member.",
    "gates:write": "Entries at gates, what gates decide, and age checks.",
    "plates:write": "Readings of weight plates.",
    "checkout:read": "Baskets and receipts.",
    "receipts:dispute": "Disputes of receipts.",
    "reviews:write": "The questions about doubtful lines, and their answers.",
    "admin": "Everything the other scopes allow.",
}
_KEY: Final = re.compile(r"aisle_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NO_HASH: Final = "0" * 64


class BadKeyError(ValueError):
    """A key that cannot be made or found."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. Times are seconds since 1970."""

    id: str
    label: str
    scopes: frozenset[str]
    created_at: float
    expires_at: float | None
    revoked_at: float | None

    def valid_at(self, now: float) -> bool:
        """Whether the key opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_key(
    records: Records, label: str, scopes: Iterable[str], *, now: float, expires_at: float | None = None
) -> tuple[ApiKey, str]:
    """Make a key and keep its hash; the text returned beside it is shown once and cannot be had again.

    The secret has 256 random bits, so a plain SHA-256 of it cannot be searched. Raises ``BadKeyError``.
    """
    wanted = frozenset(scopes)
    unknown = sorted(wanted - SCOPES.keys())
    if unknown or not wanted:
        raise BadKeyError(f"unknown scope {', '.join(unknown) or '(none given)'}; there are: {', '.join(SCOPES)}")
    if not label.strip():
        raise BadKeyError("a key needs a label that says who uses it")
    if expires_at is not None and expires_at <= now:
        raise BadKeyError("the key would have expired already; give a time to come")
    key = ApiKey(secrets.token_hex(6), label.strip(), wanted, now, expires_at, None)
    text = f"aisle_{key.id}_{secrets.token_urlsafe(32)}"
    with records.begin() as connection:
        connection.execute(
            insert(api_keys).values(
                id=key.id,
                label=key.label,
                hash=_hash(text),
                scopes=" ".join(sorted(wanted)),
                created_at=now,
                expires_at=expires_at,
                revoked_at=None,
            )
        )
    return key, text


def list_keys(records: Records) -> list[ApiKey]:
    """All keys, the newest first."""
    with records.read() as connection:
        rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at.desc())).all()
    return [_from_row(row) for row in rows]


def revoke_key(records: Records, key_id: str, *, now: float) -> None:
    """Make a key useless from now on. Raises ``BadKeyError`` for an id that is unknown or revoked already."""
    with records.begin() as connection:
        found = connection.execute(
            update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=now)
        )
    if found.rowcount != 1:
        raise BadKeyError(f"no key with the id {key_id!r} is in use; `aisle keys list` shows the ids")


def find_key(records: Records, presented: str, *, now: float) -> ApiKey | None:
    """The valid key that this text is, else None. Takes as long for a wrong secret as for an unknown id."""
    match = _KEY.fullmatch(presented)
    if match is None:
        return None
    with records.read() as connection:
        row = connection.execute(select(api_keys).where(api_keys.c.id == match[1])).one_or_none()
    same = hmac.compare_digest(_hash(presented), row.hash if row is not None else _NO_HASH)
    if row is None or not same:
        return None
    key = _from_row(row)
    return key if key.valid_at(now) else None


def valid_key(records: Records, key_id: str, *, now: float) -> ApiKey | None:
    """The key with this id when it is in force, for a session that was opened with it."""
    with records.read() as connection:
        row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    key = _from_row(row) if row is not None else None
    return key if key is not None and key.valid_at(now) else None


class RecentKeys:
    """Keys that were found good within ``lasts_s``, by their hash: for a time without records. Holds ``most`` of them.

    A key that is found bad is dropped at once.
    """

    def __init__(
        self, *, lasts_s: float = 300.0, most: int = 1_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lasts_s, self._most, self._clock = lasts_s, most, clock
        self._found: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, presented: str, key: ApiKey | None) -> ApiKey | None:
        """Remember what ``find_key`` said of this text, and return it."""
        with self._lock:
            self._found.pop(_hash(presented), None)
            if key is not None:
                self._found[_hash(presented)] = (self._clock(), key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return key

    def get(self, presented: str) -> ApiKey | None:
        """The key that this text was a moment ago."""
        with self._lock:
            found = self._found.get(_hash(presented))
        if found is None or self._clock() - found[0] > self._lasts_s or not found[1].valid_at(time.time()):
            return None
        return found[1]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _from_row(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(row.id, row.label, frozenset(row.scopes.split()), row.created_at, row.expires_at, row.revoked_at)
