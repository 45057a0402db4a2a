"""All that happens in a simulated shop, as numbers: who is where, where each package is, what is true. No pictures.

Times are seconds from the start of the timeline unless a name says ``captured_at``; ``start`` is that moment in UTC
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datasets.simulation.characters import Character
from datasets.simulation.performance import Performance
from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan


@dataclass(frozen=True, eq=False)
class Actor:
    """A person of the timeline. ``track_id`` is what truth calls the visit; ``session_id`` None has no session."""

    name: str
    track_id: str
    role: Literal["shopper", "staff"]
    session_id: str | None
    character: Character
    performance: Performance


@dataclass(frozen=True, slots=True)
class Stay:
    """An item's place from ``start_s`` to the next stay's start (the last lasts).

    ``where``: ``slot`` (stands at ``pose`` in the slot named ``slot``), ``hand`` of ``actor`` (``hand`` 0 or 1),
    ``bag`` or ``pocket`` of ``actor`` (out of sight in a pocket and a bag, seen in a basket and a trolley), ``floor``
    (lies at ``pose``), ``crate`` (staff's stock, seen in the basket or trolley of who takes it out), ``gone`` (left the
    shop). ``pose`` is 4x4 in rows, the frame of ``placement.standing_poses``.
    """

    start_s: float
    where: Literal["slot", "hand", "bag", "pocket", "floor", "crate", "gone"]
    slot: str | None = None
    actor: int | None = None
    hand: int | None = None
    pose: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One package that is moved at some time. Packages that never move are in ``Timeline.stock`` only."""

    product: str
    stays: tuple[Stay, ...]


@dataclass(frozen=True, slots=True)
class LightChange:
    """From ``time_s`` on the lights have ``level`` (1 is normal) and ``colour`` (linear RGB factors), faded over
    ``fade_s``.
    """

    time_s: float
    level: float
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fade_s: float = 0.3


@dataclass(frozen=True, slots=True)
class CameraOutage:
    """``camera`` gives no picture from ``start_s`` to ``end_s``."""

    camera: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class PlateReading:
    """Grams on ``plate`` at evenly spaced times: ``time_s`` and ``weight_g`` (n,); ``true_weight_g`` without noise and
    drift.
    """

    plate: str
    time_s: NDArray[np.float64]
    weight_g: NDArray[np.float64]
    true_weight_g: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Timeline:
    """A scenario played by ``seed``.

    ``stock`` is the pose of every package at time 0: slot id to float64 (k, 4, 4). ``moved`` are the items that move;
    one that stands in a slot at time 0 says in ``from_stock`` (slot id, number in ``stock``), in the same order as
    ``moved`` (None for one that does not). ``events`` are all true facts, sorted by time, their ``time`` in UTC.
    """

    plan: Plan
    catalogue: Catalogue
    scenario: str
    seed: int
    start: float
    duration_s: float
    actors: tuple[Actor, ...]
    stock: dict[str, NDArray[np.float64]]
    moved: tuple[Item, ...]
    from_stock: tuple[tuple[str, int] | None, ...]
    events: tuple[Event, ...]
    plates: tuple[PlateReading, ...] = ()
    lights: tuple[LightChange, ...] = ()
    outages: tuple[CameraOutage, ...] = ()
