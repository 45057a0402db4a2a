"""What goes from hand to hand without a shelf: between people who meet, and by way of the floor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from store.events import Event
from vision.shop.accounts import Accounts
from vision.shop.dropped import laid, lifted
from vision.shop.evidence import Lying, Meeting
from vision.shop.facts import Fact
from vision.shop.giving import given
from vision.shop.goods import Goods
from vision.shop.nearby import Nearby
from vision.shop.telling import Teller
from vision.shop.weighing import AttributionSettings

_LEAST: Final = 0.02  # what is less likely than that is nothing
_MOST_LYING: Final = 200  # things on the floor that are remembered


@dataclass(frozen=True, slots=True, eq=False)
class _Stooped:
    """A thing that was laid down or picked up, by whom (weights that add up to 1) and when."""

    lying: Lying
    people: Mapping[int, float]
    at_s: float


@dataclass(slots=True, eq=False)
class _Seen:
    """A meeting, or a thing on the floor; ``facts`` is what it comes to by what is known, from ``due_s`` on."""

    what: Meeting | _Stooped
    due_s: float
    end_s: float
    facts: Sequence[Fact] = ()


class Passing:
    """Books in ``accounts``, and tells by ``teller``, what people give one another, lay down and pick up."""

    def __init__(
        self, accounts: Accounts, nearby: Nearby, goods: Goods, teller: Teller, settings: AttributionSettings
    ) -> None:
        self._accounts, self._nearby, self._goods = accounts, nearby, goods
        self._teller, self._settings = teller, settings
        self._seen: dict[tuple[float, int, int], _Seen] = {}
        self._laid: dict[int, Fact] = {}

    def add_meeting(self, meeting: Meeting) -> None:
        """Take who met; again, when more is known."""
        self._add((meeting.at_s, *meeting.tracks), meeting, meeting.end_s + self._settings.settle_s, meeting.end_s)

    def add_lying(self, lying: Lying, now_s: float) -> None:
        """Take what was laid on the floor or picked up, told at ``now_s``."""
        # Now, for where people were is not remembered for as long as this may change.
        stooped = _Stooped(lying, *self._nearby.at_spot(lying.xy, lying.before_s, lying.after_s))
        self._add((lying.before_s, -lying.number, int(lying.gone)), stooped, now_s, now_s)

    def update(self, now_s: float) -> list[Event]:
        """What is to be told; what people hold, and took meanwhile, may turn out for some time."""
        events: list[Event | None] = []
        for key, seen in sorted(self._seen.items()):
            if now_s < seen.due_s:
                continue
            for fact in seen.facts:
                self._accounts.remove(fact)
            seen.facts = self._facts(seen.what)
            for fact in seen.facts:
                # Most meetings are none: what was hardly given would leave no room for what counts in mass balance.
                if fact.confidence >= _LEAST:
                    self._accounts.add(fact)
                if self._teller.knows(fact):
                    events.append(self._teller.tell_anew(fact, now_s if math.isfinite(now_s) else seen.end_s))
                else:
                    events.append(self._teller.tell(fact))
            if now_s > seen.end_s + self._settings.open_s:
                del self._seen[key]
                for fact in seen.facts:
                    self._teller.forget(fact)
        return [event for event in events if event is not None]

    def _add(self, key: tuple[float, int, int], what: Meeting | _Stooped, due_s: float, end_s: float) -> None:
        known = self._seen.get(key)
        self._seen[key] = _Seen(what, due_s, end_s, known.facts if known else ())

    def _facts(self, what: Meeting | _Stooped) -> Sequence[Fact]:
        if isinstance(what, Meeting):
            return given(what, self._accounts, self._goods, self._settings)
        number = what.lying.number
        if what.lying.gone:
            put = self._laid.get(number)
            return () if put is None else (lifted(what.lying, put, what.people, what.at_s, self._settings),)
        self._laid[number] = laid(what.lying, what.people, what.at_s, self._accounts, self._settings)
        while len(self._laid) > _MOST_LYING:
            del self._laid[next(iter(self._laid))]
        return (self._laid[number],)
