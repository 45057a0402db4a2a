"""Entry codes: short-lived signed tokens (JWT, HS256) that a member's app shows as QR and a gate reads, once."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Final, get_args

import jwt
import segno

from store.events import Role

AUDIENCE: Final = "aisle-gate"
_ALGORITHM: Final = "HS256"
_REQUIRED: Final = ["iss", "aud", "sub", "jti", "iat", "exp", "role"]
_LONGEST: Final = 2_000  # characters; a code has about 330


class BadCodeError(ValueError):
    """A code that opens nothing. ``reason`` is one word for the gate: forged, expired or other_store."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class EntryCode:
    """What a code says: whose it is (an alias), what for, and until when (seconds since 1970)."""

    id: str
    member: str
    role: Role
    adult: bool
    expires_at: float


class EntryCodes:
    """Makes and reads the codes of one store. ``secret`` has 32 bytes at least; whoever has it can let anybody in."""

    def __init__(self, store: str, secret: bytes, lasts_s: int) -> None:
        self._store, self._secret, self._lasts_s = store, secret, lasts_s

    def issue(self, member: str, now: float, *, role: Role = "customer", adult: bool = False) -> tuple[EntryCode, str]:
        """A new code for the alias ``member``, and its text, which is shown and kept nowhere."""
        code = EntryCode(secrets.token_hex(16), member, role, adult, float(int(now) + self._lasts_s))
        claims = {
            "iss": self._store, "aud": AUDIENCE, "sub": member, "jti": code.id, "iat": int(now),
            "exp": int(code.expires_at), "role": role, "adult": adult,
        }  # fmt: skip
        return code, jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, text: str, now: float) -> EntryCode:
        """The code that ``text`` is, if it is good at ``now``. Raises ``BadCodeError``."""
        try:
            claims = jwt.decode(
                text if len(text) <= _LONGEST else "",
                self._secret,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                # Times are compared with the caller's clock below.
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
            )
            expires_at, role = float(claims["exp"]), claims["role"]
            if role not in get_args(Role):
                raise ValueError("an unknown role")
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise BadCodeError("forged", "this is no entry code of ours") from None
        if claims["iss"] != self._store:
            raise BadCodeError("other_store", "this entry code is for another store")
        if now >= expires_at:
            raise BadCodeError("expired", "this entry code is too old: ask for a new one")
        return EntryCode(claims["jti"], claims["sub"], role, claims.get("adult") is True, expires_at)


def qr_svg(text: str) -> str:
    """A QR code of ``text`` as an SVG document, with the quiet zone that readers need."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="svg", scale=4, border=4, xmldecl=False)
    return picture.getvalue().decode()
