"""How often a key or an address may ask."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from fastapi import Request
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from slowapi.wrappers import LimitGroup

from api.problems import Problem


class BadRateError(ValueError):
    """A rate that cannot be read."""


def _bucket(request: Request) -> str:
    return str(request.state.rate_bucket)


def rate_check(rate: str) -> Callable[[Request], Awaitable[None]]:
    """A check that counts one request of ``request.state.rate_bucket`` and raises a 429 problem beyond ``rate``.

    ``rate`` is written like `600/minute` or `10/second;2000/hour`. Counts live in this process; they move with time
    rather than start anew each minute. Raises ``BadRateError`` for a rate that cannot be read.
    """
    try:
        list(LimitGroup(rate, _bucket, None, False, None, None, None, 1, False))
    except ValueError as error:
        raise BadRateError(f"rate_limit is {rate!r}; write it like 600/minute or 10/second;2000/hour") from error
    limiter = Limiter(key_func=_bucket, strategy="moving-window")

    async def count(request: Request) -> None:
        """Nothing but the place where slowapi counts."""

    counted: Callable[[Request], Awaitable[None]] = limiter.shared_limit(rate, scope="v1")(count)

    async def check(request: Request) -> None:
        try:
            await counted(request)
        except RateLimitExceeded:
            limit, names = request.state.view_rate_limit
            reset_at, _ = limiter.limiter.get_window_stats(limit, *names)
            wait_s = max(1, int(reset_at - time.time()) + 1)
            raise Problem(
                429,
                "too-many-requests",
                "Too many requests",
                f"More than {limit.amount} requests per {limit.get_expiry()} s. Wait {wait_s} s and ask less often.",
                headers={"Retry-After": str(wait_s)},
            ) from None

    return check
