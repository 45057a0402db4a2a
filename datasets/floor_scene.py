"""Many cameras over one floor, with the truth of who stands where and the boxes in each camera"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cameras.geometry import CameraModel
from store.layout import Plan

Float = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Footage:
    """One camera's pictures: a video, or a folder of JPEG files by name, at ``path``; ``picture`` (t,) is the place of
    each moment's picture in it, -1 where there is none.
    """

    path: Path
    picture: Ints


@dataclass(frozen=True, eq=False)
class FloorScene:
    """Truth of ``len(time_s)`` moments, seen by ``cameras``.

    ``time_s`` (t,) seconds, rising. People, one row a person and moment, by rising moment: ``frame`` (n,) place in
    ``time_s``, ``person`` (n,) and ``xy_m`` (n, 2) on the floor. Boxes, one row a person and camera: ``box_row`` (k,)
    the row of the person, ``box_camera`` (k,) place in ``cameras``, ``xyxy`` (k, 4) pixels around the whole body, which
    may exceed the picture. ``gates`` (g, 2, 2) the ends of the only openings where people come and go, None where they
    may do so anywhere; ``dark`` (t, cameras) True where a camera gave no picture. ``scenario`` is
    what is played, "" where nothing is. ``footage`` has the pictures of each of ``cameras``, and nothing where there
    are none. ``plan`` is the shop, where it is known; ``party`` (people,) has by person the number of the party that
    they came with, where that is.

    Raises ``ValueError`` naming the field whose shape is wrong.
    """

    name: str
    cameras: tuple[CameraModel, ...]
    time_s: Float
    frame: Ints
    person: Ints
    xy_m: Float
    box_row: Ints
    box_camera: Ints
    xyxy: Float
    gates: Float | None = None
    dark: NDArray[np.bool_] | None = None
    scenario: str = ""
    footage: tuple[Footage, ...] = ()
    plan: Plan | None = None
    party: Ints | None = None

    def __post_init__(self) -> None:
        n, k = len(self.frame), len(self.box_row)
        shapes = {"person": (n,), "xy_m": (n, 2), "box_camera": (k,), "xyxy": (k, 4)}
        if self.dark is not None:
            shapes["dark"] = (len(self.time_s), len(self.cameras))
        for name, shape in shapes.items():
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"{self.name}: expected {name} {shape}, got {found}")

    def between(self, first: int, last: int) -> Self:
        """The moments ``first`` to ``last``, the last not included; their boxes, and the people in them."""
        rows = (self.frame >= first) & (self.frame < last)
        boxes = rows[self.box_row]
        place = np.cumsum(rows) - 1
        return replace(
            self,
            time_s=self.time_s[first:last],
            frame=self.frame[rows] - first,
            person=self.person[rows],
            xy_m=self.xy_m[rows],
            box_row=place[self.box_row[boxes]],
            box_camera=self.box_camera[boxes],
            xyxy=self.xyxy[boxes],
            dark=None if self.dark is None else self.dark[first:last],
            footage=tuple(Footage(each.path, each.picture[first:last]) for each in self.footage),
        )

    def seen_by(self, cameras: Sequence[str]) -> Self:
        """The same with the cameras named only; the truth stays. Raises ``ValueError`` for one that is not there."""
        names = [camera.camera for camera in self.cameras]
        if missing := sorted(set(cameras) - set(names)):
            raise ValueError(f"{self.name}: no camera {', '.join(missing)}; there are {', '.join(names)}")
        kept = [place for place, name in enumerate(names) if name in cameras]
        boxes = np.isin(self.box_camera, kept)
        return replace(
            self,
            cameras=tuple(self.cameras[place] for place in kept),
            box_row=self.box_row[boxes],
            box_camera=np.searchsorted(kept, self.box_camera[boxes]),
            xyxy=self.xyxy[boxes],
            dark=None if self.dark is None else self.dark[:, kept],
            footage=tuple(self.footage[place] for place in kept) if self.footage else (),
        )
