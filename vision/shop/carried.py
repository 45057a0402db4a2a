"""What stops say of how many packages people took away from where they stood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vision.shop.accounts import Accounts
from vision.shop.deeds import Act
from vision.shop.evidence import SlotChange, Stop
from vision.shop.facts import Fact
from vision.shop.goods import Goods
from vision.shop.incidents import MOST, Gains
from vision.shop.weighing import AttributionSettings, stop_log

Float = NDArray[np.float64]

_SLACK_S = 0.5  # an act so shortly before or after a stop belongs to it


class Carried:
    """Remembers stops for ``settings.open_s`` and some more; of each its last saying counts."""

    def __init__(self, goods: Goods, settings: AttributionSettings) -> None:
        self._goods, self._settings = goods, settings
        self._stops: dict[tuple[int, float], Stop] = {}

    def add(self, stop: Stop) -> None:
        """Take a stop."""
        self._stops[stop.track_id, stop.start_s] = stop

    def forget(self, before_s: float) -> None:
        """Forget stops that ended before ``before_s``."""
        for key in [key for key, stop in self._stops.items() if stop.end_s < before_s]:
            del self._stops[key]

    def gains(
        self,
        acts: Sequence[tuple[Act, Iterable[int]]],
        steps: int,
        changes: Sequence[tuple[SlotChange, Iterable[int]]],
        accounts: Accounts,
    ) -> Gains:
        """What stops say of an incident with ``acts``, each with those whose hand it may have been instead, ``steps``
        that no act explains, and ``changes`` of slots, each with the people who may have done it; ``accounts`` has what
        else these did.
        """
        numbers: dict[tuple[int, float], int] = {}
        stop_of: list[Mapping[int, int]] = []
        for act, instead in acts:
            who_at = {who: self._at(who, act.reach.at_s) for who in (act.reach.track_id, *instead)}
            stop_of.append({who: numbers.setdefault(at, len(numbers)) for who, at in who_at.items() if at is not None})
        stop_of += [{}] * steps
        for change, people in changes:
            found = {who: at for who in people if (at := self._during(who, change)) is not None}
            stop_of.append({who: numbers.setdefault(at, len(numbers)) for who, at in found.items()})
        rows = [self._table(self._stops[key], accounts) for key in numbers]
        return Gains(np.array(rows, np.float64).reshape(-1, 2 * MOST + 1), stop_of)

    def _at(self, who: int, time_s: float) -> tuple[int, float] | None:
        """The stop of a person at a time."""
        for key, stop in self._stops.items():
            if stop.track_id == who and stop.start_s - _SLACK_S <= time_s <= stop.end_s + _SLACK_S:
                return key
        return None

    def _during(self, who: int, change: SlotChange) -> tuple[int, float] | None:
        """The stop of a person nearest to a slot while it changed."""
        near = [
            (self._goods.distance_m(change.slot, stop.xy), key)
            for key, stop in self._stops.items()
            if stop.track_id == who and stop.start_s <= change.after_s and stop.end_s >= change.before_s
        ]
        return min(near)[1] if near and min(near)[0] <= self._settings.arm_m else None

    def _table(self, stop: Stop, accounts: Accounts) -> Float:
        """What a stop says of -MOST to MOST packages, besides what the person did there by other facts."""
        said = np.exp([stop_log(stop, gained) for gained in range(-MOST, MOST + 1)])
        for fact in accounts.facts_of(stop.track_id):
            if stop.start_s - _SLACK_S <= fact.time_s <= stop.end_s + _SLACK_S:
                comes, goes = _gained(fact, stop.track_id)
                # One package more by that fact leaves one less to be explained.
                more, less = np.append(said[1:], said[-1]), np.insert(said[:-1], 0, said[0])
                said = (1 - comes - goes) * said + comes * more + goes * less
        return np.asarray(np.log(said))


def _gained(fact: Fact, who: int) -> tuple[float, float]:
    """The probabilities that somebody got a package by a fact, and that they gave one away."""
    if fact.kind == "hand" and fact.to == who:
        return min(fact.confidence, 1.0), 0.0
    own = min(1.0, sum(p for deed, p in fact.likely().items() if deed.who == who))
    return (own, 0.0) if fact.kind == "take" else (0.0, own)
