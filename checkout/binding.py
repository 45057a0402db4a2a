"""Which session somebody belongs to who passes a gate: the one whose people were likeliest to pass just then.

Whoever showed the code passes soon after it, so the first of a session is looked for around ``FIRST_S`` after the gate
opened. Others of a group mostly come right behind the one before them, and who does not may take long: of waiting times
half are shorter than ``NEXT_S``, and some much longer (Lomax). Each session thus has a rate at which somebody of it
passes at a moment, given that nobody has yet (a hazard), and the highest wins: a group's last, who lags behind, does
not take the place of those who showed their codes, or came right behind one of theirs, meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from checkout.sessions import Session

FIRST_S: Final = 1.5
"""The median time from the opened gate to the first who passes, seconds; half to twice as long is usual."""
SPREAD: Final = 0.5  # of its logarithm
NEXT_S: Final = 3.0  # the median time from one of a group to the next
_LEAST: Final = 1e-9


def likeliest(waiting: Sequence[Session], at: float) -> tuple[Session, float] | None:
    """Of the sessions that somebody may belong to who passes ``at`` (seconds), the likeliest, and how likely it is
    beside the others; None where there are none. Of sessions alike the one that was opened first.
    """
    rates = [(_rate(session, at), session) for session in waiting]
    if not rates:
        return None
    rate, best = min(rates, key=lambda pair: (-pair[0], pair[1].opened_at, pair[1].id))
    return best, rate / sum(rate for rate, _ in rates)


def _rate(session: Session, at: float) -> float:
    """How many of a session's people pass in a second, ``at`` this moment."""
    if session.came_at is not None:
        return 1 / (NEXT_S + max(at - session.came_at, 0.0))
    since = at - session.opened_at
    if since <= 0:
        return _LEAST
    # Log-normal: its density over what is left of it.
    z = (math.log(since) - math.log(FIRST_S)) / SPREAD
    left = math.erfc(z / math.sqrt(2)) / 2
    if left < _LEAST:
        return z / (SPREAD * since)  # the limit far out
    return max(_LEAST, math.exp(-z * z / 2) / (since * SPREAD * math.sqrt(2 * math.pi)) / left)
