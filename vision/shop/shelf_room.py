"""The room in shelves, as arrays: how deep a hand is in which face, and which slots it may be in.

A face is one side of a piece of furniture. Its room lies behind the front edges of its boards, between its ends; above
a topmost board it is open: a hand that is higher than ``OPEN_M`` above it is not in the shelf.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from store.furniture import PlacedSlot

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

OPEN_M: Final = 0.35
_BELOW_M: Final = 0.1  # so far under the lowest board a hand may seem to be


class ShelfRoom:
    """The faces and slots of a plan.

    ``slots`` are the ids in the plan's order. Faces are numbered as they come up; ``normal`` (f, 2) looks out of each
    face, ``along`` (f, 2) to the right of who stands before it.
    """

    def __init__(self, slots: Sequence[PlacedSlot]) -> None:
        self.slots = tuple(slot.id for slot in slots)
        names = list(dict.fromkeys((slot.fixture, slot.side) for slot in slots))
        self.face_of = np.array([names.index((slot.fixture, slot.side)) for slot in slots], np.int64)
        self._corner = np.array([slot.corner for slot in slots]).reshape(-1, 3)
        self._size = np.array([(slot.width_m, slot.depth_m, min(slot.headroom_m, OPEN_M)) for slot in slots]).reshape(
            -1, 3
        )
        first = [int(np.argmax(self.face_of == face)) for face in range(len(names))]
        self.along = np.array([slots[place].along for place in first]).reshape(-1, 2)
        self.normal = np.array([slots[place].normal for place in first]).reshape(-1, 2)
        # Left edge, front edge and board of each slot in its face's own axes: along, inwards, up.
        self._low = np.column_stack(
            [
                (self._corner[:, :2] * self.along[self.face_of]).sum(axis=1),
                -(self._corner[:, :2] * self.normal[self.face_of]).sum(axis=1),
                self._corner[:, 2],
            ]
        )
        self._high = self._low + self._size
        faces = range(len(names))
        self._face_low = np.array([self._low[self.face_of == face].min(axis=0) for face in faces]).reshape(-1, 3)
        self._face_high = np.array([self._high[self.face_of == face].max(axis=0) for face in faces]).reshape(-1, 3)

    def local(self, xyz: Float, face: Ints) -> Float:
        """Points (..., 3) in their ``face``'s (...) axes: metres along, inwards and up."""
        along, normal = self.along[face], self.normal[face]
        aside, inwards = (xyz[..., :2] * along).sum(axis=-1), -(xyz[..., :2] * normal).sum(axis=-1)
        return np.stack([aside, inwards, np.broadcast_to(xyz[..., 2], aside.shape)], axis=-1)

    def depth(self, xyz: Float) -> Float:
        """How deep (..., f) points (..., 3) are in each face's room, metres; negative outside."""
        each = self.local(xyz[..., None, :], np.arange(len(self.along)))
        front = each - self._face_low
        back = self._face_high - each
        aside = np.minimum(np.minimum(front[..., 0], back[..., 0]) + _BELOW_M, front[..., 2] + _BELOW_M)
        return np.asarray(np.minimum(np.minimum(front[..., 1], back[..., 1] + 0.3), np.minimum(aside, back[..., 2])))

    def shares(self, xyz: Float, error: Float, face: int) -> tuple[Ints, Float]:
        """The probabilities (k, s) that points (k, 3) near ``face``, with ``error`` (k, 3) along, inwards and up, are
        before or in each of its slots; and which slots (s,) these are. The depth counts only between boards of
        different depths.
        """
        own = np.flatnonzero(self.face_of == face)
        point = self.local(xyz, np.full(len(xyz), face))[:, None]
        low = ndtr((self._low[own] - point) / error[:, None])
        high = ndtr((self._high[own] - point) / error[:, None])
        return own, np.asarray((high - low)[..., 0] * (high - low)[..., 2])
