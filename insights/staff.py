"""Which visits are staff's: by the vest that cameras saw, or by a code of staff that opened the session."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from store.events import Event, PersonIsStaff, SessionJoined, SessionOpened

TYPES: Final = (PersonIsStaff.type, SessionOpened.type, SessionJoined.type)
_REMEMBERED: Final = 5_000


class StaffVisits:
    """Remembers the tracks of staff's visits, the last thousands of them; ``track in visits`` asks."""

    def __init__(self) -> None:
        self._in_vests: OrderedDict[str, bool] = OrderedDict()
        self._by_code: OrderedDict[str, bool] = OrderedDict()
        self._sessions: OrderedDict[str, bool] = OrderedDict()

    def __contains__(self, track_id: object) -> bool:
        return track_id in self._in_vests or (isinstance(track_id, str) and self._by_code.get(track_id, False))

    def take(self, event: Event) -> None:
        """Take an event; those of other types change nothing."""
        match event:
            case PersonIsStaff():
                self._in_vests[event.track_id] = True
            case SessionOpened():
                self._sessions[event.session_id] = event.role == "staff"
            case SessionJoined():
                self._by_code[event.track_id] = self._sessions.get(event.session_id, False)
        for known in (self._in_vests, self._by_code, self._sessions):
            while len(known) > _REMEMBERED:
                known.popitem(last=False)
