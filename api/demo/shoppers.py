"""What goes on beside the cameras: apps ask for codes, gates read them, plates send readings, by the interface."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from store.events import SessionOpened
from training.evaluate.checkout_clip import Weighed

_EVERY_S: Final = 0.1
_SEND_S: Final = 0.5
_AHEAD_S: Final = 1.5  # readings are sent before the pictures of their moment are looked at
_MOST: Final = 5_000
SCOPES: Final = ("codes:write", "gates:write", "plates:write", "checkout:read")


class DemoError(RuntimeError):
    """The demo cannot go on: why, and what to do."""


@dataclass
class Shoppers:
    """Plays ``openings`` and ``weights``, of which the times are ``shift_s`` earlier than those of the stream.

    ``url`` and ``key`` lead to the interface; ``names`` says who a session of the film belongs to. ``visits`` has the
    film's session of each session that a gate opened, and ``say`` is told of everybody who shows a code.
    """

    url: str
    key: str
    openings: Sequence[SessionOpened]
    weights: Iterable[Weighed]
    names: dict[str, str]
    shift_s: float
    say: Callable[[str], None]
    visits: dict[str, str] = field(default_factory=dict)

    def run(self, clock: Callable[[], float], stop: threading.Event) -> None:
        """Play until ``stop`` is set; ``clock`` is the time of the stream. Raises ``DemoError``."""
        waiting = sorted(self.openings, key=lambda each: each.time, reverse=True)
        readings = iter(self.weights)
        ahead: Weighed | None = next(readings, None)
        with httpx.Client(base_url=self.url, headers={"X-API-Key": self.key}, timeout=60.0) as client:
            sent_at = float("-inf")
            while not stop.wait(_EVERY_S):
                now_s = clock() - self.shift_s
                while waiting and waiting[-1].time <= now_s:
                    self._enter(client, waiting.pop())
                if time.monotonic() - sent_at < _SEND_S:
                    continue
                rows: list[Weighed] = []
                while ahead is not None and ahead.time_s <= now_s + _AHEAD_S and len(rows) < _MOST:
                    rows.append(ahead)
                    ahead = next(readings, None)
                if rows:
                    self._weigh(client, rows)
                    sent_at = time.monotonic()

    def _enter(self, client: httpx.Client, opening: SessionOpened) -> None:
        name = self.names.get(opening.session_id, opening.session_id)
        member = f"demo-{opening.session_id}"
        wish = {"role": opening.role, "adult": opening.adult}
        code = _asked(client, f"/v1/members/{member}/codes", wish)["code"]
        answer = _asked(
            client,
            f"/v1/gates/{opening.gate}/entries",
            {
                "code": code,
                "group_size": opening.group_size,
                "role": opening.role,
                "at": opening.time + self.shift_s,
            },
        )
        if answer["open"]:
            self.visits[str(answer["session_id"])] = opening.session_id
        self.say(f"{name} shows a code at {opening.gate}: {answer['detail']}")

    def _weigh(self, client: httpx.Client, rows: Sequence[Weighed]) -> None:
        _asked(
            client,
            "/v1/plates/readings",
            {
                "plate": [row.plate for row in rows],
                "time_s": [row.time_s + self.shift_s for row in rows],
                "grams": [row.grams for row in rows],
            },
        )


def _asked(client: httpx.Client, path: str, body: Mapping[str, object]) -> dict[str, object]:
    for wait_s in (0.5, 1.0, 2.0, None):
        try:
            answer = client.post(path, json=body)
        except httpx.HTTPError as error:
            raise DemoError(f"{client.base_url} does not answer ({type(error).__name__})") from None
        if answer.status_code in (429, 503) and wait_s is not None:
            time.sleep(wait_s)
            continue
        break
    if answer.status_code not in (200, 201, 202):
        raise DemoError(f"{path} was refused with {answer.status_code}: {answer.text[:200]}")
    found: dict[str, object] = answer.json()
    return found
