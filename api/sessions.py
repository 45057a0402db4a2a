"""How a browser stays known: a signed cookie for a key or for the page link that this process printed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

SESSION_S: Final = 12 * 3600
PAGE: Final = "page"


def read_secret(path: Path) -> bytes:
    """The secret that signs this installation's cookies; made at the first use, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) >= 32:
            return secret
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC)
    secret = secrets.token_bytes(32)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
    return secret


class Sessions:
    """Makes and reads cookies. A cookie holds a key's id, never the key: `id.expiry.signature`.

    ``page_token`` lives as long as this object: it opens the pages to whoever has the link that `aisle watch --serve`
    prints, and what it opened closes with the process.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.page_token = secrets.token_urlsafe(24)
        self.cookie = f"aisle_session_{hashlib.sha256(secret).hexdigest()[:8]}"

    def accepts(self, token: str) -> bool:
        """Whether this is the page token."""
        return hmac.compare_digest(token.encode(), self.page_token.encode())

    def issue(self, key_id: str, now: float) -> str:
        """A cookie for this key's id, or for ``PAGE``."""
        payload = f"{key_id}.{int(now) + SESSION_S}"
        return f"{payload}.{self._sign(payload)}"

    def read(self, cookie: str, now: float) -> str | None:
        """The id that a cookie of ours stands for, or None when it is old or not ours."""
        payload, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(payload).encode()):
            return None
        key_id, _, expiry = payload.rpartition(".")
        return key_id if now < int(expiry) else None

    def _sign(self, payload: str) -> str:
        # A page session is bound to this process by its token, so that a restart ends it.
        process = self.page_token if payload.startswith(f"{PAGE}.") else ""
        digest = hmac.new(self._secret, f"{process}|{payload}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
