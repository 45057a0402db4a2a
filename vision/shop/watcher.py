"""A whole shop, from what all its cameras and plates show to facts: who is where, and who took what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from store.catalogue import Catalogue
from store.events import Event
from store.layout import Plan
from vision.detections import Detections
from vision.shop.attribution import Attributor
from vision.shop.moment import Image
from vision.shop.perception import Perceived
from vision.shop.plates import PlateWatcher
from vision.shop.weighing import AttributionSettings

Float = NDArray[np.float64]


class Perceives(Protocol):
    """What turns moments into evidence; ``vision.shop.perception.ShopPerception`` does."""

    def update(
        self, captured: Mapping[str, tuple[float, Image]], time_s: float, detections: Mapping[str, Detections]
    ) -> Perceived:
        """One moment."""
        ...

    def finish(self) -> Perceived:
        """What is left when nothing more comes."""
        ...

    def name(self, number: int) -> str:
        """The id of a track's visit."""
        ...

    def is_staff(self, number: int) -> bool:
        """Whether a track is staff's by what it looks like."""
        ...


class ShopWatcher:
    """Watches the shop of ``plan`` by what its cameras show, as ``perception`` has it, and by its plates.

    ``stock`` is how many packages stand in slots at first, where that is known; ``store`` is the store's name where it
    is not the plan's; ``is_staff`` tells whose visit is one of staff, by the id of ``person.entered``, beside those who
    look like it. Times must rise from moment to moment. Product events come some seconds after the deed, when the floor
    is settled and the slot is seen again.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Catalogue,
        perception: Perceives,
        *,
        store: str | None = None,
        stock: Mapping[str, int] | None = None,
        is_staff: Callable[[str], bool] = lambda track: False,
        settings: AttributionSettings | None = None,
    ) -> None:
        self._perception = perception
        self._plates = PlateWatcher(plan.plates)
        self._attributor = Attributor(
            plan,
            catalogue,
            perception.name,
            store=store,
            stock=stock,
            is_staff=lambda number: perception.is_staff(number) or is_staff(perception.name(number)),
            settings=settings,
        )

    def update(
        self, captured: Mapping[str, tuple[float, Image]], time_s: float, detections: Mapping[str, Detections]
    ) -> list[Event]:
        """Take in a moment, as ``ShopPerception.update`` does; returns what is to be told, in order of time."""
        perceived = self._perception.update(captured, time_s, detections)
        self._weigh(perceived)
        return _in_order(perceived, self._attributor.update(time_s, perceived.tracks))

    def weigh(self, plate: str, time_s: Float, grams: Float) -> None:
        """Take what a plate read: ``time_s`` (n,) seconds UTC, ``grams`` (n,)."""
        for step in self._plates.update(plate, time_s, grams):
            self._attributor.add_step(step)

    def finish(self) -> list[Event]:
        """What is left to be told when nothing more comes; everybody leaves."""
        perceived = self._perception.finish()
        self._weigh(perceived)
        return _in_order(perceived, self._attributor.finish())

    def _weigh(self, perceived: Perceived) -> None:
        self._attributor.add(perceived.evidence)
        self._attributor.plates_told(self._plates.told_until())


def _in_order(perceived: Perceived, told: list[Event]) -> list[Event]:
    return sorted([*perceived.events, *told], key=lambda event: event.time)
