"""The baskets of all sessions, worked out again only where something changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from checkout.books import Books
from checkout.fold import Stake
from checkout.lines import Basket, basket, payer
from checkout.policy import Policy
from store.events import Role

Stakes = tuple[Stake, ...]


@dataclass(frozen=True, slots=True)
class _Split:
    """What one track holds, and the part of it that each session pays for."""

    held: Stakes
    version: tuple[int, int]
    parts: Mapping[str, Stakes]


class Tabs:
    """What ``lines.baskets`` gives, kept from call to call.

    Holdings share what an event does not touch, so that a look at the identity of each track's stakes tells what is
    new. An unchanged basket is the same object as before.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._splits: dict[str, _Split] = {}
        self._known: dict[str, tuple[list[Stakes], Basket]] = {}

    def baskets(self, books: Books, roles: Mapping[str, Role]) -> dict[str, Basket]:
        """The basket of every session that has one. Roles may be added between calls, not changed."""
        version = (books.joins, len(roles))
        splits: dict[str, _Split] = {}
        mine: dict[str, list[Stakes]] = defaultdict(list)
        for track, held in books.holdings().stakes.items():
            splits[track] = self._split(track, held, version, books, roles)
            for session, part in splits[track].parts.items():
                mine[session].append(part)
        self._splits = splits
        known, self._known = self._known, {}
        for session, parts in mine.items():
            old = known.get(session)
            same = old is not None and len(old[0]) == len(parts) and all(map(_is, old[0], parts))
            if old is not None and same:
                self._known[session] = old
            else:
                self._known[session] = (parts, basket((stake for part in parts for stake in part), self._policy))
        return {session: found for session, (_, found) in self._known.items()}

    def _split(
        self, track: str, held: Stakes, version: tuple[int, int], books: Books, roles: Mapping[str, Role]
    ) -> _Split:
        old = self._splits.get(track)
        if old is not None and old.held is held and old.version == version:
            return old
        found: dict[str, list[Stake]] = defaultdict(list)
        for stake in held:
            session = payer(stake, books, roles, self._policy)
            if session is not None:
                found[session].append(stake)
        parts = {session: tuple(stakes) for session, stakes in found.items()}
        if old is not None:
            parts = {s: old.parts[s] if old.parts.get(s) == part else part for s, part in parts.items()}
        return _Split(held, version, parts)


def _is(a: object, b: object) -> bool:
    return a is b
